import { randomUUID } from 'node:crypto'
import { countUp } from '../../embedded/counter.js'
import { isOutage } from '../../instances/instance.js'
import { StoreError } from '../../instances/store.js'
import type { CategorySettings } from '../../settings/settings.js'
import { categoryScope, type DeltaEntry } from '../journal/journal-entries.js'
import type { Landscape } from '../landscape.js'
import type { EntryName } from '../shelf.js'
import { copyCounterScript } from '../versions/entry-scripts.js'
import type { KeptEntries } from './kept-entries.js'
import { callTime, isBehind, type KeptPlace, type KeptPlaces } from './kept-places.js'
import type { KeptReads } from './kept-reads.js'
import type { KeptWriter } from './kept-writes.js'

/**
 * Counters of a mirrored category. A counter is a bare integer and bears no version: it is counted at home, and the
 * mirror gets a copy of each result, as well as it can. So a failover may begin with a number that lacks the last few
 * increments of other processes, and a counter on the mirror may live longer than the one at home. Increments that were
 * certainly not applied at home wait in the journal and are added there once.
 */
export const createKeptCounters = (
  category: CategorySettings,
  places: KeptPlaces,
  {
    entries,
    reads,
    writer,
    landscape,
    now,
  }: {
    readonly entries: KeptEntries
    readonly reads: KeptReads
    readonly writer: KeptWriter
    readonly landscape: Landscape
    readonly now: () => number
  },
) => {
  const [home, mirror] = places
  const { calm } = landscape
  const scope = categoryScope(category.name)
  const failClosed = category.onOutage === 'fail-closed'
  const own = category.deadline.write

  /** Awaited, so that whoever heard the number finds it on the mirror too, but its failure is nobody's. */
  const copy = async (name: EntryName, total: number, endsAt: number): Promise<void> => {
    // What is counted on a number that may be of the past isn't worth more than the mirror's.
    if (mirror === undefined || !mirror.instance.writable() || isBehind(places, landscape)) return
    try {
      await mirror.instance.script(
        {
          script: copyCounterScript,
          keys: [entries.at(mirror, name.redisKey)],
          args: [total, Math.max(1, Math.ceil(endsAt - now()))],
        },
        'write',
      )
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
    }
  }

  const canTell = ({ name, instance }: KeptPlace): boolean => instance.readable() && !landscape.behind(name)

  /** What is known without home, and whether this can be added to it. */
  const base = async (name: EntryName, by: number, endsAt: number): Promise<void> => {
    const text = await knownText(name)
    if (text === undefined) return
    const outcome = countUp({ text, endsAt }, by, endsAt, now())
    if ('refused' in outcome) {
      throw new StoreError(outcome.refused, home.name, `${home.name}: the stored value can't be counted up`, 'no')
    }
  }

  const knownText = async (name: EntryName): Promise<string | undefined> => {
    if (mirror === undefined || !canTell(mirror)) return reads.known(name)?.text
    try {
      return (await reads.readAt(mirror, name, undefined)).text
    } catch (error) {
      if (!(error instanceof StoreError) || !isOutage(error)) throw error
      return reads.known(name)?.text
    }
  }

  const journalled = async (
    name: EntryName,
    by: number,
    endsAt: number,
    error: unknown,
    since: number,
  ): Promise<number> => {
    await base(name, by, endsAt)
    const entry: DeltaEntry = { kind: 'delta', scope, key: name.key, id: randomUUID(), by, endsAt, kept: true }
    await writer.remember(home, entry, callTime(home.instance, 'write', own, since), error)
    const text = await knownText(name)
    const total = text === undefined ? Number.NaN : Number(text)
    return Number.isSafeInteger(total) ? total : by
  }

  return {
    increment: async (name: EntryName, by: number, endsAt: number): Promise<number> => {
      const since = performance.now()
      // What waits for home comes before this, and would replace what is counted there now.
      const waits = calm(home.name) ? undefined : reads.waiting.found(home, name.key)
      // As does the mirror's number, where home is being repaired from it.
      const before = waits?.own !== undefined || waits?.cleared !== undefined
      const repaired = mirror !== undefined && isBehind(places, landscape) && canTell(mirror)
      if ((before || repaired) && !failClosed) {
        return journalled(name, by, endsAt, undefined, since)
      }
      const added = waits?.added?.all ?? 0
      let total: number
      try {
        const timeout = own ?? (failClosed ? home.instance.deadline('write') : undefined)
        total = await home.instance.increment(
          name.redisKey,
          by,
          endsAt,
          timeout === undefined ? undefined : { timeout },
        )
      } catch (error) {
        if (failClosed || !(error instanceof StoreError) || !isOutage(error)) throw error
        if (error.applied === 'unknown') throw new StoreError('timeout', error.store, error.message, 'unknown')
        return journalled(name, by, endsAt, error, since)
      }
      await copy(name, total, endsAt)
      return total + added
    },
  }
}
