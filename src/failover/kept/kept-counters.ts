import { randomUUID } from 'node:crypto'
import { countUp } from '../../embedded/counter.js'
import { isOutage } from '../../instances/instance.js'
import { StoreError } from '../../instances/store.js'
import type { CategorySettings } from '../../settings/settings.js'
import { categoryScope, type DeltaEntry, type ValueEntry } from '../journal/journal-entries.js'
import type { Landscape } from '../landscape.js'
import type { EntryName } from '../shelf.js'
import type { CounterState } from '../versions/entry-calls.js'
import type { KeptEntries } from './kept-entries.js'
import { beforeDisk, noJournal } from './kept-memory.js'
import { awayError, type CallTime, callTime, isBehind, type KeptPlace, type KeptPlaces } from './kept-places.js'
import type { KeptReads } from './kept-reads.js'
import type { KeptWriter } from './kept-writes.js'
import type { OwnWrites } from './own-writes.js'

/**
 * Counters of a mirrored category. One is counted at home, which gives each number a version; the mirror gets the number
 * as it gets every kept value, or it waits there for the mirror. Increments that were certainly not applied at home wait
 * in the journal and are added there once. While home lacks data that its mirror has, it is the mirror that counts.
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
    own: written,
  }: {
    readonly entries: KeptEntries
    readonly reads: KeptReads
    readonly writer: KeptWriter
    readonly landscape: Landscape
    readonly now: () => number
    readonly own?: OwnWrites | undefined
  },
) => {
  const [home, mirror] = places
  const { calm } = landscape
  const scope = categoryScope(category.name)
  const failClosed = category.onOutage === 'fail-closed'
  const own = category.deadline.write

  /** Awaited, so that whoever heard the number finds it on the mirror too. */
  const copy = async (name: EntryName, counted: CounterState, time: CallTime): Promise<void> => {
    if (mirror === undefined) return
    const { text, version, life } = counted
    const endsAt = life === false ? false : now() + life
    const entry: ValueEntry = { kind: 'value', scope, key: name.key, version, text, endsAt }
    let failed: unknown
    written?.note(entry)
    if (mirror.instance.writable()) {
      try {
        await entries.bring(mirror, name, counted, beforeDisk(time))
        return await writer.taken(mirror, entry, time)
      } catch (error) {
        if (!(error instanceof StoreError)) throw error
        failed = error
      }
    }
    await writer.remember(mirror, entry, time, failed)
  }

  const canTell = ({ name, instance }: KeptPlace): boolean => instance.readable() && !landscape.behind(name)

  /** The number as far as it is known without home, with all that waits for that. */
  const knownText = async (name: EntryName, time: CallTime): Promise<string | undefined> => {
    if (mirror === undefined || !canTell(mirror)) return reads.known(name)?.text
    try {
      return (await reads.readAt(mirror, name, time.attempt(false))).text
    } catch (error) {
      if (!(error instanceof StoreError) || !isOutage(error)) throw error
      return reads.known(name)?.text
    }
  }

  /** To be added at `place` once. */
  const journalled = async (
    place: KeptPlace,
    name: EntryName,
    by: number,
    endsAt: number,
    error: unknown,
    time: CallTime,
  ): Promise<number> => {
    const { added } = reads.waiting
    const text = await knownText(name, time)
    const outcome = text === undefined ? undefined : countUp({ text, endsAt }, by, endsAt, now())
    if (outcome !== undefined && 'refused' in outcome) {
      throw new StoreError(outcome.refused, home.name, `${home.name}: the stored value can't be counted up`, 'no')
    }
    const entry: DeltaEntry = { kind: 'delta', scope, key: name.key, id: randomUUID(), by, endsAt, kept: true }
    await writer.remember(place, entry, time, error)
    if (outcome === undefined) return added(name.key)?.live ?? by
    if (place !== home) return outcome.total
    // Looked at once more: others add meanwhile, and some of what waited may have come home.
    return Number((await knownText(name, time)) ?? outcome.total)
  }

  return {
    increment: async (name: EntryName, by: number, endsAt: number): Promise<number> => {
      const time = callTime(home.instance, 'write', own)
      // What waits for home comes before this, and would replace what is counted there now.
      landscape.journal?.look()
      const waits = calm(home.name) ? undefined : reads.waiting.found(home, name.key)
      const before = waits?.own !== undefined || waits?.cleared !== undefined
      const lacking = isBehind(places, landscape)
      if (failClosed && lacking) throw awayError(home)
      if (mirror !== undefined && landscape.journal === undefined && !mirror.instance.writable()) {
        throw noJournal(mirror, undefined)
      }
      if ((before || lacking) && !failClosed) {
        // What home gets before it is repaired from its mirror would be replaced by the mirror's number.
        const place = lacking && mirror !== undefined && !canTell(mirror) ? mirror : home
        return journalled(place, name, by, endsAt, undefined, time)
      }
      const batch = waits?.counted === true ? reads.sums.state(name.key) : 0
      const added = waits?.added?.all ?? 0
      let counted: CounterState
      try {
        counted = await entries.count(home, name, by, endsAt, failClosed ? time.left() : time.attempt(false))
      } catch (error) {
        if (failClosed || !(error instanceof StoreError) || !isOutage(error)) throw error
        if (error.applied === 'unknown') throw new StoreError('timeout', error.store, error.message, 'unknown')
        return journalled(home, name, by, endsAt, error, time)
      }
      await copy(name, counted, time)
      if (waits?.counted !== true) return Number(counted.text)
      if (batch !== undefined && reads.sums.state(name.key) === batch) return Number(counted.text) + added
      // Some of what waited is in that number, or isn't: only a look between two batches tells.
      const { text } = await reads.readAt(home, name, time.left()).catch((error) => {
        if (!(error instanceof StoreError)) throw error
        return counted
      })
      return Number(text ?? counted.text)
    },
  }
}
