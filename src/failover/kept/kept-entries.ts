import { isLarge } from '../../instances/large.js'
import type { Layout } from '../../instances/layout.js'
import type { Script } from '../../instances/scripts.js'
import { LONGEST_LEASE } from '../../instances/store.js'
import type { CategorySettings } from '../../settings/settings.js'
import { categoryScope } from '../journal/journal-entries.js'
import type { EntryName, ShelfWrite } from '../shelf.js'
import { type Clock, isVersion, type Version, validVersion } from '../versions/clock.js'
import { lookScript, quickPutScript } from '../versions/entry-scripts.js'
import { entryCalls, type KeptCall, type PutAnswer } from '../versions/kept-calls.js'
import { clearMarker, keyMarker } from '../versions/markers.js'
import { highest } from '../versions/merge.js'
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
  look(place: KeptPlace, name: EntryName, timeout: number | undefined): Promise<Stored>
}

/** The text as it is kept: with this version, whatever it bore before. */
export const versioned = (text: string, version: Version): string =>
  `{"ver":"${version}",${versionOf(text) === undefined ? text.slice(1) : text.slice(HEAD)}`

/** The length of `{"ver":"…",`. */
const HEAD = 34

/** Undefined where it bears none, or one that can't be. */
export const versionOf = (text: string, horizon?: Version): Version | undefined => {
  if (!text.startsWith('{"ver":"') || text.charAt(32) !== '"') return undefined
  const version = text.slice(8, 32)
  return isVersion(version) && (horizon === undefined || version <= horizon) ? version : undefined
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
  const run = async <T>(
    place: KeptPlace,
    call: KeptCall<T>,
    intent: 'write' | 'change',
    timeout: number | undefined,
  ): Promise<T> => call.answer(await place.instance.script(call, intent, timeout === undefined ? {} : { timeout }))

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
        return quickPutAt(place)(quick, [at(place, redisKey)], sent, [sent, life(), own], timeout).then((done) =>
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
    look: async (place, { key, redisKey }, timeout) => {
      const reply = await place.instance.script(
        {
          script: lookScript,
          keys: [at(place, redisKey), layout.markers],
          args: [keyMarker(of, key), clearMarker(of)],
        },
        'read',
        timeout === undefined ? {} : { timeout },
      )
      const [text, own, cleared] = reply as [string | null, string | null, string | null]
      const horizon = clock.horizon()
      return {
        text: text ?? undefined,
        version: text === null ? undefined : versionOf(text, horizon),
        marker: highest(validVersion(own, horizon), validVersion(cleared, horizon)),
      }
    },
  }
}

const DONE: PutAnswer<undefined> = { done: undefined }
