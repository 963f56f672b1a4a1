import { randomUUID } from 'node:crypto'
import { isOutage } from '../instances/instance.js'
import { StoreError } from '../instances/store.js'
import { type CachedSetting, entryOf, keyOf } from './cached-setting.js'
import type { JournalEntry } from './journal-entries.js'
import type { Reached } from './places.js'
import type { EntryName, ShelfWrite } from './shelf.js'
import { bounded, steadyNow, type TimeLeft, timeFrom } from './time-left.js'

type Next = { readonly text: string; readonly endsAt: number }

/** Changes of a cached category whose home can't be asked, or can't be trusted to have the last word. */
export interface CachedChanges {
  write(entries: readonly ShelfWrite[], startedAt: number): Promise<void>
  remove(names: readonly EntryName[], startedAt: number): Promise<boolean[]>
  swap(name: EntryName, expected: string, next: Next): Promise<boolean>
  increment(name: EntryName, by: number, endsAt: number, startedAt: number): Promise<number>
  clear(startedAt: number): Promise<void>
  /** After home failed. They reject with its error if that is none of an outage. */
  writeAfter(entries: readonly ShelfWrite[], startedAt: number, error: unknown): Promise<void>
  removeAfter(names: readonly EntryName[], startedAt: number, error: unknown): Promise<boolean[]>
  swapAfter(name: EntryName, expected: string, next: Next, error: unknown): Promise<boolean>
  incrementAfter(name: EntryName, by: number, endsAt: number, startedAt: number, error: unknown): Promise<number>
  clearAfter(startedAt: number, error: unknown): Promise<void>
}

/**
 * In this order: what lies at home is marked as not to be read, durably; then the change is made where it is read from
 * now on; then it is acknowledged. Where home takes the change after all while something of it is known elsewhere, both
 * get it.
 */
export const createCachedChanges = (setting: CachedSetting): CachedChanges => {
  const { category, home, overlay, copies, writeMs } = setting
  const { landscape, outages } = setting.parts
  const { scope } = overlay
  const { journal } = landscape
  const { name } = home
  const drops = category.onOutage === 'drop'
  const { settle } = outages.trace(name)

  const writeTime = (startedAt: number): TimeLeft => timeFrom(startedAt, writeMs())
  /** The error, if another place may take its place. */
  const outageOf = (error: unknown): StoreError => {
    if (error instanceof StoreError && isOutage(error)) return error
    throw error
  }
  const isDown = (): boolean => !home.readable() && !home.catchingUp()
  /** Where nothing can be remembered, home's value would be read again. */
  const mayStray = (): boolean => journal !== undefined || (isDown() && !drops)

  /** Durable when it resolves. */
  const remember = async (entries: readonly JournalEntry[], time: TimeLeft, applied: StoreError['applied']) => {
    if (journal === undefined) return
    try {
      await bounded(time.left(), journal.append(name, entries), diskLate)
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      throw new StoreError('journal', name, `${name}: it can't take the change, and the ${error.message}`, applied)
    }
    outages.enter(name, () => journal.stats(name).entries)
  }
  const invalid = ({ key }: EntryName): JournalEntry => ({ kind: 'invalid', scope, key })

  /** A server that is full still deletes, which frees memory. That it may fail is what the journal's entry is for. */
  const removeOld = (names: readonly EntryName[], full: boolean): void => {
    if (full || (home.readable() && !home.writable())) home.remove(names.map(keyOf)).catch(() => undefined)
  }

  const writeElsewhere = async (
    entries: readonly ShelfWrite[],
    time: TimeLeft,
    error: StoreError | undefined,
  ): Promise<void> => {
    if (mayStray()) {
      await remember(entries.map(invalid), time, error?.applied ?? 'no')
      removeOld(entries, error?.kind === 'full')
      const reached = await copies.write(entries.map(entryOf), time)
      if (reached !== undefined) return settle(time.startedAt, reached)
    }
    if (error !== undefined) throw error
    // Nowhere else: home says itself why not.
    await home.write(entries.map(entryOf), { timeout: time.left() })
    settle(time.startedAt)
  }

  const write = async (entries: readonly ShelfWrite[], startedAt: number): Promise<void> => {
    const time = writeTime(startedAt)
    const about = overlay.about(entries)
    // What was counted before must not be added to what is written now.
    if (!home.writable() || about.counted) return writeElsewhere(entries, time, undefined)
    const both = home.catchingUp() || about.invalid || outages.involved(name)
    try {
      await home.write(entries.map(entryOf), { timeout: time.share() })
    } catch (error) {
      return writeElsewhere(entries, time, await outageOrRemoved(entries, time, error, both))
    }
    settle(startedAt, both ? await copies.write(entries.map(entryOf), time) : undefined)
  }

  /** What was written of a call that failed otherwise must not be hidden by older copies. */
  const outageOrRemoved = async (names: readonly EntryName[], time: TimeLeft, error: unknown, both: boolean) => {
    if (error instanceof StoreError && !isOutage(error) && error.applied === 'unknown' && both) {
      await copies.remove(names.map(keyOf), time, false)
    }
    return outageOf(error)
  }

  const removeElsewhere = async (
    names: readonly EntryName[],
    time: TimeLeft,
    error: StoreError,
  ): Promise<boolean[]> => {
    if (!mayStray()) throw error
    await remember(names.map(invalid), time, error.applied)
    const { found, reached } = await copies.remove(names.map(keyOf), time, true)
    settle(time.startedAt, reached)
    return found
  }

  const remove = async (names: readonly EntryName[], startedAt: number): Promise<boolean[]> => {
    const time = writeTime(startedAt)
    const about = overlay.about(names)
    // Else what was counted would be added to nothing, and be there again.
    if (about.counted) await remember(names.map(invalid), time, 'no')
    let found: boolean[]
    try {
      found = await home.remove(names.map(keyOf), { timeout: time.share() })
    } catch (error) {
      return removeElsewhere(names, time, outageOf(error))
    }
    const away = home.catchingUp() || !home.writable() || about.invalid || about.counted
    if (!away && !outages.involved(name)) {
      settle(startedAt)
      return found
    }
    const elsewhere = await copies.remove(names.map(keyOf), time, away)
    settle(startedAt, elsewhere.reached)
    return found.map((was, i) => was || elsewhere.found[i] === true)
  }

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
        await remember([drops ? invalid(entry) : delta], time, 'unknown')
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
    if (outage.applied === 'unknown') throw outage
    return outage
  }

  const increment = async (entry: EntryName, by: number, endsAt: number, startedAt: number): Promise<number> => {
    const time = writeTime(startedAt)
    const about = overlay.about([entry])
    if (!home.writable() || about.invalid) return incrementElsewhere(entry, by, endsAt, time, undefined)
    let total: number
    try {
      total = await home.increment(entry.redisKey, by, endsAt, { timeout: time.share() })
    } catch (error) {
      return incrementElsewhere(entry, by, endsAt, time, notAdded(error))
    }
    settle(startedAt, await countedToo(entry, by, endsAt, time, about.counted))
    return total
  }

  /** Home has counted. A copy that is counted by itself counts on; another one goes. */
  const countedToo = async (
    { redisKey }: EntryName,
    by: number,
    endsAt: number,
    time: TimeLeft,
    counted: boolean,
  ): Promise<Reached | undefined> => {
    if (counted || home.catchingUp()) {
      try {
        return (await copies.increment(redisKey, by, endsAt, time))?.reached
      } catch (error) {
        if (!(error instanceof StoreError)) throw error // What is there is no number: then it goes.
      }
    } else if (!outages.involved(name)) return undefined
    return (await copies.remove([redisKey], time, false)).reached
  }

  const swapElsewhere = async ({ redisKey }: EntryName, expected: string, next: Next): Promise<boolean> => {
    const time = writeTime(steadyNow())
    if (await copies.swap(redisKey, expected, next, time)) return true
    // Only a new life is lost where home still holds the value and takes no other: that is no reason to fail.
    if (!home.readable() || home.writable()) return false
    return (await home.read(redisKey).catch(orMiss)) === expected
  }

  const swap = async (entry: EntryName, expected: string, next: Next): Promise<boolean> => {
    if (!home.writable() || home.catchingUp() || overlay.find(entry.key)?.invalid === true) {
      return swapElsewhere(entry, expected, next)
    }
    try {
      const swapped = await home.swap(entry.redisKey, expected, next, setting.writing)
      if (swapped && outages.involved(name)) {
        await copies.swap(entry.redisKey, expected, next, writeTime(steadyNow()))
      }
      return swapped
    } catch (error) {
      outageOf(error)
      return swapElsewhere(entry, expected, next)
    }
  }

  const clearElsewhere = async (startedAt: number, error: StoreError | undefined): Promise<void> => {
    if (!mayStray()) {
      if (error !== undefined) throw error
      await home.clear(category.keyPrefix, setting.writing)
      return settle(startedAt)
    }
    await remember([{ kind: 'invalid-all', scope }], writeTime(steadyNow()), error?.applied ?? 'no')
    const [reached] = await Promise.all([
      copies.clear(category.keyPrefix, writeTime(steadyNow())),
      // What can't be removed there now is removed on replay.
      error === undefined && home.writable() && home.clear(category.keyPrefix, setting.writing).catch(orMiss),
    ])
    settle(startedAt, reached)
  }

  return {
    write,
    remove,
    swap,
    increment,
    clear: (startedAt) => clearElsewhere(startedAt, undefined),
    writeAfter: async (entries, startedAt, error) => writeElsewhere(entries, writeTime(startedAt), outageOf(error)),
    removeAfter: async (names, startedAt, error) => removeElsewhere(names, writeTime(startedAt), outageOf(error)),
    swapAfter: async (entry, expected, next, error) => {
      outageOf(error)
      return swapElsewhere(entry, expected, next)
    },
    incrementAfter: async (entry, by, endsAt, startedAt, error) =>
      incrementElsewhere(entry, by, endsAt, writeTime(startedAt), notAdded(error)),
    clearAfter: async (startedAt, error) => clearElsewhere(startedAt, outageOf(error)),
  }
}

const orMiss = (error: unknown): undefined => {
  if (error instanceof StoreError && isOutage(error)) return undefined
  throw error
}

const diskLate = (): StoreError =>
  new StoreError('timeout', 'journal', 'journal: the disk took longer than the call may', 'unknown')
