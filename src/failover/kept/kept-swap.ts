import { isOutage } from '../../instances/instance.js'
import { StoreError } from '../../instances/store.js'
import type { CategorySettings } from '../../settings/settings.js'
import type { EntryName, Shelf, ShelfWrite } from '../shelf.js'
import { type Clock, nextTo, timeOf, type Version } from '../versions/clock.js'
import { versionOf } from '../versions/entry-text.js'
import type { KeptEntries } from './kept-entries.js'
import { decidedAt, unlessLater } from './kept-leases.js'
import { type CallTime, callTime, type KeptPlace, type KeptPlaces } from './kept-places.js'
import type { KeptReads } from './kept-reads.js'
import type { KeptWriter } from './kept-writes.js'

/** ms. The journal tells by its version how long an entry has waited, and forgets what has waited for too long. */
const YOUNG = 12 * 3_600_000

/**
 * Compare-and-set of kept entries, for their ends: decided at the place that serves, and put to both, with a version
 * right behind the one that was there. Others may have replaced that value where this process can't see it yet: what
 * they wrote stays the later one. Where the journal has the entry it is compared with that. A counter bears no
 * version: its end is set at home, and on the mirror as well as it can.
 */
export const createKeptSwap = (
  category: CategorySettings,
  places: KeptPlaces,
  {
    entries,
    reads,
    writer,
    clock,
    look,
  }: {
    readonly entries: KeptEntries
    readonly reads: KeptReads
    readonly writer: KeptWriter
    readonly clock: Clock
    /** Looks for what other processes of the machine have put into the journal. */
    readonly look: () => void
  },
): Shelf['swap'] => {
  const [home, mirror] = places
  const own = category.deadline.write

  const counter = async (
    name: EntryName,
    expected: string,
    next: { readonly text: string; readonly endsAt: number },
  ): Promise<boolean> => {
    const options = own === undefined ? undefined : { timeout: own }
    const swapped = await home.instance.swap(name.redisKey, expected, next, options)
    if (swapped && mirror?.instance.writable() === true) {
      await mirror.instance.swap(entries.at(mirror, name.redisKey), expected, next).catch((error) => {
        if (!(error instanceof StoreError)) throw error
      })
    }
    return swapped
  }

  const behind = (expected: string): Version => {
    const before = versionOf(expected)
    const latest = clock.next()
    return before === undefined || timeOf(before) < timeOf(latest) - YOUNG ? latest : nextTo(before, clock.processId)
  }

  const swapAt = async (
    place: KeptPlace,
    write: ShelfWrite,
    expected: string,
    time: CallTime,
  ): Promise<boolean | 'away'> => {
    const version = behind(expected)
    try {
      const answer = await entries.swap(place, write, version, expected, time.attempt(false))
      // What refuses it is later: the value is about to go.
      if (!('done' in answer) || !answer.done) return false
    } catch (error) {
      return orAway(error)
    }
    await writer.write(decidedAt(place, entries.put(write)), version)
    return true
  }

  return async (name, expected, next) => {
    if (!expected.startsWith('{')) return counter(name, expected, next)
    const write = { ...name, ...next }
    const time = callTime(home.instance, 'write', own)
    /** What came into the journal while a place was asked counts: between this look and the write nothing can. */
    const inJournal = async (): Promise<boolean> => {
      if (reads.known(name)?.text !== expected) return false
      await writer.write(unlessLater(entries.put(write)), behind(expected))
      return true
    }
    look()
    for (const place of reads.order()) {
      const waiting = reads.waiting.found(place, name.key)
      if (waiting?.own !== undefined || waiting?.cleared !== undefined) {
        const seen = await reads.readAt(place, name, time.attempt(false)).catch(orAway)
        if (seen === 'away') continue
        if (seen.text !== expected) return false
        if (seen.journalled) return inJournal()
      }
      const swapped = await swapAt(place, write, expected, time)
      if (swapped !== 'away') return swapped
    }
    // Neither place can decide; the journal can, if it has it.
    return inJournal()
  }
}

/** Another place may decide. */
const orAway = (error: unknown): 'away' => {
  if (error instanceof StoreError && isOutage(error)) return 'away'
  throw error
}
