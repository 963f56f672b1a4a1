import { within } from '../../embedded/database.js'
import { instancePrefix, startOf } from './journal-entries.js'
import type { JournalFiles, Totals } from './journal-files.js'

export interface JournalStats {
  readonly entries: number
  readonly bytes: number
  /** When the oldest entry began to count, epoch ms. */
  readonly oldest?: number
  /** Entries set aside. */
  readonly aside: number
}

/** What the tables hold, as last learned, so that to ask for it costs no I/O. */
export interface Known {
  /** `anew`: which entries are the oldest may have changed. */
  learn(totals: Totals, anew?: 'anew'): void
  /** Whether the tables hold anything for the instance. */
  holds(instance: string): boolean
  /** Of the journal's bound. */
  bytes(): number
  /** Of an instance, with what is only in the file of this process. */
  stats(instance: string): JournalStats
}

export const createKnown = ({ tables, ahead, totals }: JournalFiles, now: () => number): Known => {
  let known: Totals = totals()
  const oldest = new Map<string, number>()

  const oldestOf = (instance: string): number | undefined => {
    for (const { value } of tables.queue.getRange({ ...within(instancePrefix(instance)), limit: 1 })) {
      return tables.records.get(value)?.[1]
    }
    return undefined
  }

  const learn: Known['learn'] = (found, anew) => {
    // A snapshot may be older than what this process has written since.
    if (found.generation < known.generation) return
    known = found
    if (anew !== undefined) oldest.clear()
    for (const [instance, [entries]] of Object.entries(known.counts)) {
      // Which is the oldest changes seldom: looking again now and then is often enough.
      const start = entries === 0 ? undefined : (oldest.get(instance) ?? oldestOf(instance))
      if (start === undefined) oldest.delete(instance)
      else oldest.set(instance, start)
    }
  }
  learn(known)

  return {
    learn,
    holds: (instance) => (known.counts[instance]?.[0] ?? 0) > 0,
    bytes: () => Object.values(known.counts).reduce((sum, [, bytes]) => sum + bytes, 0),
    stats: (instance) => {
      const starts = oldest.has(instance) ? [oldest.get(instance) ?? 0] : []
      // Counted in the same snapshot in which each is looked for. A transaction can be seen before this process hears
      // that it is done: by what was learned last, all that it brought would be in neither place.
      const { counts } = ahead.holds(instance) ? totals() : known
      let [entries = 0, bytes = 0, aside = 0] = counts[instance] ?? []
      for (const { entry, key, size } of ahead.filed(instance)) {
        starts.push(startOf(entry, now()))
        if (tables.records.doesExist(key)) continue
        entries += 1
        bytes += size
      }
      return { entries, bytes, aside, ...(starts.length > 0 && { oldest: Math.min(...starts) }) }
    },
  }
}
