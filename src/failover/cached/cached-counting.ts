import { randomUUID } from 'node:crypto'
import { StoreError } from '../../instances/store.js'
import type { JournalEntry } from '../journal/journal-entries.js'
import { counted } from '../journal/journal-sums.js'
import type { EntryName } from '../shelf.js'
import type { Reached } from '../stand-in/copy-sites.js'
import type { TimeLeft } from '../time-left.js'
import { createMemory, outageOf } from './cached-memory.js'
import type { CachedSetting } from './cached-setting.js'

export interface CachedCounting {
  increment(name: EntryName, by: number, endsAt: number, startedAt: number): Promise<number>
  /** After home failed. Rejects with its error if that is none of an outage, or if it may have counted. */
  incrementAfter(name: EntryName, by: number, endsAt: number, startedAt: number, error: unknown): Promise<number>
}

/**
 * Counters of a cached category whose home can't be asked, or can't be trusted to have the last word. What is added
 * elsewhere is journalled, and added at home once; the number meanwhile is what is known here.
 */
export const createCachedCounting = (setting: CachedSetting): CachedCounting => {
  const { category, home, overlay, copies, settle } = setting
  const { outages } = setting.parts
  const { scope } = overlay
  const { name } = home
  const { mayStray, remember, invalid, writeTime } = createMemory(setting)

  const incrementElsewhere = async (
    entry: EntryName,
    by: number,
    endsAt: number,
    time: TimeLeft,
    error: StoreError | undefined,
  ): Promise<number> => {
    if (mayStray()) {
      // Counted first: where that is refused (no number, out of range), nothing must be left to be added later.
      const counted = await copies.increment(entry.redisKey, by, endsAt, time)
      if (counted !== undefined) {
        const { key } = entry
        const delta: JournalEntry = { kind: 'delta', scope, key, id: randomUUID(), by, endsAt, kept: false }
        await remember([category.onOutage === 'drop' ? invalid(entry) : delta], time, 'unknown')
        settle(time.startedAt, counted.reached)
        return counted.total
      }
    }
    if (error !== undefined) throw error
    const total = await home.increment(entry.redisKey, by, endsAt, { timeout: time.left() })
    settle(time.startedAt)
    return total
  }

  /** Whether it was added can't be known, so it can't be added elsewhere. */
  const notAdded = (error: unknown): StoreError => {
    const outage = outageOf(error)
    if (outage.applied === 'no') return outage
    // Lost on the way or late, it is the same for the caller.
    throw new StoreError('timeout', outage.store, outage.message, 'unknown')
  }

  const increment = async (entry: EntryName, by: number, endsAt: number, startedAt: number): Promise<number> => {
    const time = writeTime(startedAt)
    const about = overlay.about([entry])
    const batch = about.counted ? overlay.sums.state(entry.key) : 0
    const waiting = overlay.find(entry.key)?.added?.all ?? 0
    // Which number is read now.
    const elsewhere = !home.readable()
    if (!home.writable() || about.invalid) return incrementElsewhere(entry, by, endsAt, time, undefined)
    let total: number
    try {
      total = await home.increment(entry.redisKey, by, endsAt, { timeout: time.share() })
    } catch (error) {
      return incrementElsewhere(entry, by, endsAt, time, notAdded(error))
    }
    const copied = await countedToo(entry, by, endsAt, time, about.counted)
    settle(startedAt, copied?.reached)
    if (elsewhere && copied?.total !== undefined) return copied.total
    if (!about.counted) return total
    if (batch !== undefined && overlay.sums.state(entry.key) === batch) return total + waiting
    // Some of what waited is in that number, or isn't: only a look between two batches tells.
    const text = await overlay.sums
      .with([entry.key], time.left(), async ([added]) =>
        counted(await home.read(entry.redisKey, { timeout: time.left() }), added, setting.parts.now()),
      )
      .catch((error) => {
        if (!(error instanceof StoreError)) throw error
        return undefined
      })
    return Number(text ?? total)
  }

  /** Home has counted. A copy that is counted by itself counts on; another one goes. */
  const countedToo = async (
    { redisKey }: EntryName,
    by: number,
    endsAt: number,
    time: TimeLeft,
    counted: boolean,
  ): Promise<{ readonly total?: number; readonly reached: Reached } | undefined> => {
    if (counted || home.catchingUp()) {
      try {
        return await copies.increment(redisKey, by, endsAt, time)
      } catch (error) {
        if (!(error instanceof StoreError)) throw error // What is there is no number: then it goes.
      }
    } else if (!outages.involved(name)) return undefined
    return { reached: (await copies.remove([redisKey], time, false)).reached }
  }

  return {
    increment,
    incrementAfter: async (entry, by, endsAt, startedAt, error) =>
      incrementElsewhere(entry, by, endsAt, writeTime(startedAt), notAdded(error)),
  }
}
