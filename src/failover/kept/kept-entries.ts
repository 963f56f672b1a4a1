import type { Intent } from '../../instances/deadlines.js'
import { isLarge } from '../../instances/large.js'
import type { Layout } from '../../instances/layout.js'
import type { Script } from '../../instances/scripts.js'
import { LONGEST_LEASE } from '../../instances/store.js'
import type { CategorySettings } from '../../settings/settings.js'
import { categoryScope } from '../journal/journal-entries.js'
import type { EntryName, ShelfWrite } from '../shelf.js'
import type { Clock, Version } from '../versions/clock.js'
import { type CounterState, entryCalls } from '../versions/entry-calls.js'
import { quickPutScript } from '../versions/entry-scripts.js'
import { versioned } from '../versions/entry-text.js'
import type { KeptCall, PutAnswer } from '../versions/kept-call.js'
import { keyMarker } from '../versions/markers.js'
import { briefPutScript, keptFillScript } from './kept-lease-scripts.js'
import { type KeptPlace, restOf } from './kept-places.js'
import type { Stored } from './kept-standing.js'
import type { KeptTask } from './kept-writes.js'
import { createQuickPuts, type QuickPut } from './quick-puts.js'

/** How kept entries of one category are named, written and looked at, place by place. */
export interface KeptEntries {
  /** Where a key of home lies at the place. */
  at(place: KeptPlace, redisKey: string): string
  /** What begins every key of the category at the place. */
  prefixAt(place: KeptPlace): string
  put(write: ShelfWrite): KeptTask<undefined>
  /** Done: whether something was there. */
  tombstone(name: EntryName): KeptTask<boolean>
  /** In the place of `expected` only. Done: whether that was there. */
  swap(
    place: KeptPlace,
    write: ShelfWrite,
    version: Version,
    expected: string,
    timeout: number | undefined,
  ): Promise<PutAnswer<boolean>>
  /** Decided by a lease: 'over', or the version that refused it. */
  fill(
    place: KeptPlace,
    write: ShelfWrite,
    version: Version,
    lease: { readonly key: string; readonly token: string; readonly granted: Version },
    timeout: number | undefined,
  ): Promise<'done' | 'over' | { readonly refused: Version }>
  count(
    place: KeptPlace,
    name: EntryName,
    by: number,
    endsAt: number,
    timeout: number | undefined,
  ): Promise<CounterState>
  /** A counter as it is at another place, unless something later is here. */
  bring(place: KeptPlace, name: EntryName, counter: CounterState, timeout: number | undefined): Promise<unknown>
  look(place: KeptPlace, name: EntryName, timeout: number | undefined): Promise<Stored>
}

export const createKeptEntries = (
  category: CategorySettings,
  home: string,
  { layout, clock, now }: { readonly layout: Layout; readonly clock: Clock; readonly now: () => number },
): KeptEntries => {
  const { name: of, keyPrefix } = category
  const calls = entryCalls(layout, clock)
  const scope = categoryScope(of)
  const mirrored = layout.mirror(home)
  const quick: Script = quickPutScript(of)
  const quickPuts = new Map<KeptPlace, QuickPut>()
  const quickPutAt = (place: KeptPlace): QuickPut => {
    const known = quickPuts.get(place) ?? createQuickPuts(place.instance, layout.markers)
    quickPuts.set(place, known)
    return known
  }
  const at = (place: KeptPlace, redisKey: string): string => (place.name === home ? redisKey : mirrored + redisKey)
  const run = async <T>(place: KeptPlace, call: KeptCall<T>, intent: Intent, timeout: number | undefined): Promise<T> =>
    call.answer(await place.instance.script(call, intent, timeout === undefined ? {} : { timeout }))

  const put = (write: ShelfWrite): KeptTask<undefined> => {
    const { key, redisKey, tags, endsAt } = write
    const own = keyMarker(of, key)
    const plain = tags === undefined || tags.length === 0
    const large = isLarge(write.text)
    const life = (): number => Math.max(1, Math.ceil(endsAt - now()))
    const isBrief = (): boolean => life() < LONGEST_LEASE
    let built: Version | undefined
    let text = ''
    const textAt = (version: Version): string => {
      if (built !== version) text = versioned(write.text, version)
      built = version
      return text
    }
    const inFull = (place: KeptPlace, version: Version, timeout: number | undefined): Promise<PutAnswer<undefined>> => {
      const lying = at(place, redisKey)
      const value = { text: textAt(version), tags, life: life() }
      const call = calls.put({ category: of, key, redisKey: lying }, version, value)
      const brief = { ...call, script: briefPutScript, keys: [...call.keys, layout.lease(lying)] }
      return run(place, isBrief() ? brief : call, 'write', timeout)
    }
    return {
      scope,
      key,
      intent: 'write',
      large,
      send: (place, version, timeout) => {
        const sent = textAt(version)
        if (!plain || large || isBrief()) return inFull(place, version, timeout)
        const since = performance.now()
        const put = { script: quick, keys: [at(place, redisKey)], text: sent, args: [sent, life(), own] }
        return quickPutAt(place)(put, timeout).then((done) =>
          done ? DONE : inFull(place, version, restOf(place, timeout, since)),
        )
      },
      entry: (version) => ({
        kind: 'value',
        scope,
        key,
        version,
        text: textAt(version),
        endsAt,
        ...(tags !== undefined && tags.length > 0 && { tags }),
      }),
    }
  }

  return {
    at,
    prefixAt: (place) => at(place, keyPrefix),
    put,
    tombstone: ({ key, redisKey }) => ({
      scope,
      key,
      intent: 'change',
      send: (place, version, timeout) =>
        run(
          place,
          calls.putTombstone({ category: of, key, redisKey: at(place, redisKey) }, version),
          'change',
          timeout,
        ),
      entry: (version) => ({ kind: 'tombstone', scope, key, version }),
    }),
    swap: (place, { key, redisKey, text, tags, endsAt }, version, expected, timeout) => {
      const value = { text: versioned(text, version), tags, life: endsAt - now() }
      return run(
        place,
        calls.swap({ category: of, key, redisKey: at(place, redisKey) }, version, value, expected),
        'write',
        timeout,
      )
    },
    fill: async (place, { key, redisKey, text, tags, endsAt }, version, lease, timeout) => {
      const value = { text: versioned(text, version), tags, life: endsAt - now() }
      const call = calls.put({ category: of, key, redisKey: at(place, redisKey) }, version, value)
      const filling = {
        script: keptFillScript,
        keys: [...call.keys, lease.key],
        args: [...call.args, lease.token, lease.granted],
      }
      const reply = await place.instance.script(filling, 'write', timeout === undefined ? {} : { timeout })
      if (reply === 1) return 'done'
      return typeof reply === 'string' ? { refused: reply } : 'over'
    },
    count: (place, { key, redisKey }, by, endsAt, timeout) =>
      run(
        place,
        calls.count({ category: of, key, redisKey: at(place, redisKey) }, by, endsAt - now(), now()),
        'write',
        timeout,
      ),
    bring: (place, { key, redisKey }, { text, version, life }, timeout) => {
      const value = { text, life: life === false ? Number.MAX_SAFE_INTEGER : life }
      return run(
        place,
        calls.merge({ category: of, key, redisKey: at(place, redisKey) }, version, value),
        'write',
        timeout,
      )
    },
    look: (place, { key, redisKey }, timeout) =>
      run(place, calls.look({ category: of, key, redisKey: at(place, redisKey) }), 'read', timeout),
  }
}

const DONE: PutAnswer<undefined> = { done: undefined }
