import type { Instance } from '../../instances/instance.js'
import { isLarge } from '../../instances/large.js'
import type { Layout } from '../../instances/layout.js'
import type { Script } from '../../instances/scripts.js'
import { createSliding, type Sliding } from '../../instances/sliding.js'
import { type GroupStore, StoreError } from '../../instances/store.js'
import { groupScope, type TombstoneEntry, type ValueEntry } from '../journal/journal-entries.js'
import type { Landscape } from '../landscape.js'
import type { EmbeddedCopy } from '../state-copy/embedded-copy.js'
import type { Version } from '../versions/clock.js'
import { groupCalls } from '../versions/group-calls.js'
import { groupQuickPutScript } from '../versions/group-scripts.js'
import type { KeptCall, PutAnswer } from '../versions/kept-call.js'
import { createKeptGroupReads } from './kept-group-reads.js'
import { type KeptPlace, keptPlaces, restOf, type Weakened } from './kept-places.js'
import { createKeptWriter, type KeptTask, type Landed } from './kept-writes.js'
import { createQuickPuts, type QuickPut } from './quick-puts.js'

export interface KeptGroupsParts {
  readonly landscape: Landscape
  readonly layout: Layout
  /** Whether every write also lies on the instance beside home. */
  readonly mirror: boolean
  /** What a read of what can't be known now does: reject with kind 'unknown', or answer what is known here. */
  readonly onUnknown: 'error' | 'null'
  /** What this server wrote, for when no instance can be read. */
  readonly copy: EmbeddedCopy | undefined
  /** Epoch ms. */
  readonly now: () => number
  /** For tests. */
  readonly weakened?: Weakened
}

/** A place, and what this process knows of how groups are written there. */
interface Desk {
  readonly quick: QuickPut
  readonly sliding: Sliding
}

/**
 * State: groups at home and on the mirror, each write with a version, waiting in the journal for the one that was away.
 * A group's life slides as in `instances/sliding.ts`, a little coarser than each write.
 */
export const createKeptGroups = (home: Instance, parts: KeptGroupsParts): GroupStore => {
  const { landscape, layout, copy, now } = parts
  const { clock, journal, behind } = landscape
  const places = keptPlaces(home, landscape, parts.mirror)
  const calls = groupCalls(layout, clock)
  const writer = createKeptWriter(places, { landscape })
  const desks = new Map<KeptPlace, Desk>()
  for (const place of places) {
    if (place === undefined) continue
    desks.set(place, { quick: createQuickPuts(place.instance, layout.groupIndex), sliding: createSliding() })
  }

  const run = async <T>(
    { instance }: KeptPlace,
    call: KeptCall<T>,
    intent: 'write' | 'change',
    timeout: number | undefined,
  ): Promise<T> => call.answer(await instance.script(call, intent, timeout === undefined ? {} : { timeout }))

  const quickScriptOf = (maxItems: number, ttl: number | false) => ({
    maxItems,
    ttl,
    script: groupQuickPutScript(layout.groupPrefix, { maxItems, ttl }),
  })
  // In practice all calls have the same limit and ttl.
  let quick = quickScriptOf(0, false)
  const quickScript = (maxItems: number, ttl: number | false): Script => {
    if (quick.maxItems !== maxItems || quick.ttl !== ttl) quick = quickScriptOf(maxItems, ttl)
    return quick.script
  }

  const put = (
    group: string,
    field: string,
    text: string,
    ttl: number | false,
    maxItems: number,
  ): KeptTask<undefined> => {
    const scope = groupScope(group)
    const script = quickScript(maxItems, ttl)
    const keys = [layout.group(group), layout.side(group)]
    const large = isLarge(text)
    const inFull = async (place: KeptPlace, version: Version, timeout: number | undefined) => {
      const answer = await run(place, calls.put(group, field, version, { text, life: ttl, maxItems }), 'write', timeout)
      if ('done' in answer) desks.get(place)?.sliding.done(group, ttl)
      return answer
    }
    return {
      scope,
      key: field,
      intent: 'write',
      large,
      send: (place, version, timeout) => {
        const desk = desks.get(place)
        if (desk === undefined || large || desk.sliding.due(group, ttl)) return inFull(place, version, timeout)
        const since = performance.now()
        return desk
          .quick({ script, keys, text, args: [field, text, version], field }, timeout)
          .then((done) => (done ? DONE : inFull(place, version, restOf(place, timeout, since))))
      },
      entry: (version) => ({
        kind: 'value',
        scope,
        key: field,
        version,
        text,
        endsAt: ttl === false ? false : now() + ttl,
      }),
    }
  }

  const tombstone = (group: string, field: string): KeptTask<string | undefined> => {
    const scope = groupScope(group)
    return {
      scope,
      key: field,
      intent: 'change',
      send: (place, version, timeout) => run(place, calls.putTombstone(group, field, version), 'change', timeout),
      entry: (version) => ({ kind: 'tombstone', scope, key: field, version }),
    }
  }

  const clear = (group: string): KeptTask<undefined> => {
    const scope = groupScope(group)
    return {
      scope,
      key: undefined,
      intent: 'change',
      send: (place, version, timeout) => run(place, calls.putClear(group, version), 'change', timeout),
      entry: (version) => ({ kind: 'clear', scope, version }),
    }
  }

  const reads = createKeptGroupReads(places, parts)
  const readable = (group: string, field: string): Promise<string | undefined> =>
    reads.groupGet(group, field).catch((error) => {
      if (error instanceof StoreError) return undefined
      throw error
    })

  return {
    ...reads,

    groupSet: (group, field, text, ttl, maxItems) => {
      const written = writer.write(put(group, field, text, ttl, maxItems))
      if (copy === undefined) return written.then(nothing)
      return written.then(({ version }) => {
        copy.set(group, field, version, text, ttl === false ? false : now() + ttl)
      })
    },

    groupDelete: async (group, field) => {
      const scope = groupScope(group)
      // Where no place takes the tombstone, or only one that lacks data, none will say what was there.
      const tells = places.map((place) => place?.instance.writable() === true && !behind(place.name))
      const before = tells.includes(true) ? undefined : await readable(group, field)
      const waiting = places.map((place) => place && journal?.find(place.name, scope, field)?.own)
      const written = await writer.write(tombstone(group, field))
      copy?.delete(group, field, written.version)
      return formerText(written.landed, waiting, tells) ?? before
    },

    groupClear: async (group) => {
      const { version } = await writer.write(clear(group))
      copy?.clear(group, version)
    },
  }
}

const DONE: PutAnswer<undefined> = { done: undefined }
const nothing = (): void => undefined

/** What lay there: a place for which nothing waited knows it best, then the journal, then any other that can tell. */
const formerText = (
  landed: Landed<string | undefined>,
  waiting: readonly (ValueEntry | TombstoneEntry | undefined)[],
  tells: readonly boolean[],
): string | undefined => {
  const texts = landed.map((each, i) =>
    'done' in each && tells[i] === true ? { text: each.done, sure: waiting[i] === undefined } : undefined,
  )
  const sure = texts.find((each) => each?.sure === true)
  if (sure !== undefined) return sure.text
  const own = waiting.reduce((most, each) => (each && (!most || each.version > most.version) ? each : most), undefined)
  if (own !== undefined) return own.kind === 'value' ? own.text : undefined
  return texts.find((each) => each?.text !== undefined)?.text
}
