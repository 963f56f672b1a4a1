import { isOutage } from '../../instances/instance.js'
import { StoreError } from '../../instances/store.js'
import type { EntryName, ShelfWrite } from '../shelf.js'
import { storeNext, storeWrite } from '../store-write.js'
import { steadyNow, type TimeLeft } from '../time-left.js'
import { createMemory, outageOf } from './cached-memory.js'
import { type CachedSetting, keyOf } from './cached-setting.js'

const maybeApplied = ({ kind, store, message, instanceFault }: StoreError): StoreError =>
  new StoreError(kind, store, message, 'unknown', instanceFault)

type Next = Omit<ShelfWrite, keyof EntryName>

/** Changes of a cached category whose home can't be asked, or can't be trusted to have the last word. */
export interface CachedChanges {
  write(entries: readonly ShelfWrite[], startedAt: number): Promise<void>
  remove(names: readonly EntryName[], startedAt: number): Promise<boolean[]>
  swap(name: EntryName, expected: string, next: Next, startedAt: number): Promise<boolean>
  clear(startedAt: number): Promise<number | undefined>
  /** After home failed. They reject with its error if that is none of an outage. */
  writeAfter(entries: readonly ShelfWrite[], startedAt: number, error: unknown): Promise<void>
  removeAfter(names: readonly EntryName[], startedAt: number, error: unknown): Promise<boolean[]>
  swapAfter(name: EntryName, expected: string, next: Next, startedAt: number, error: unknown): Promise<boolean>
  clearAfter(startedAt: number, error: unknown): Promise<number | undefined>
}

/**
 * At once: what lies at home is marked as not to be read, and the change is made where it is read from now on. It is
 * acknowledged when both are done, the mark durably: until then whoever sees it sees what may come to nothing. Where
 * home takes the change after all while something of it is known elsewhere, both get it.
 */
export const createCachedChanges = (setting: CachedSetting): CachedChanges => {
  const { category, home, overlay, copies, settle } = setting
  const { outages } = setting.parts
  const { scope } = overlay
  const { name } = home
  const { mayStray, mayForget, remember, removeOld, invalid, writeTime } = createMemory(setting)

  const entryOf = (write: ShelfWrite) => storeWrite(category, write)

  const writeElsewhere = async (
    entries: readonly ShelfWrite[],
    time: TimeLeft,
    error: StoreError | undefined,
  ): Promise<void> => {
    // Where nobody else takes it, home says itself why not.
    const atHome = async (): Promise<void> => {
      if (error !== undefined) throw error
      await home.write(entries.map(entryOf), { timeout: time.left() })
      settle(time.startedAt)
    }
    if (!mayStray()) return atHome()
    const remembered = remember(entries.map(invalid), time, 'unknown')
    removeOld(entries, error?.kind === 'full')
    const reached = await afterwards(remembered, copies.write(entries.map(entryOf), time))
    if (reached !== undefined) return settle(time.startedAt, reached)
    // A place that gave no answer may have it all the same.
    await atHome().catch((failure) => {
      throw failure instanceof StoreError ? maybeApplied(failure) : failure
    })
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
    if (!mayForget()) throw error
    const remembered = remember(names.map(invalid), time, 'unknown')
    const { found, reached } = await afterwards(remembered, copies.remove(names.map(keyOf), time, true))
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

  const swapElsewhere = async (
    { redisKey }: EntryName,
    expected: string,
    next: Next,
    time: TimeLeft,
  ): Promise<boolean> => {
    if (await copies.swap(redisKey, expected, next, time)) return true
    // Only a new life is lost where home still holds the value and takes no other: that is no reason to fail.
    if (!home.readable() || home.writable()) return false
    return (await home.read(redisKey, { timeout: time.left() }).catch(orMiss)) === expected
  }

  const swap: CachedChanges['swap'] = async (entry, expected, next, startedAt) => {
    const time = writeTime(startedAt)
    if (!home.writable() || home.catchingUp() || overlay.about([{ ...entry, tags: next.tags }]).invalid) {
      return swapElsewhere(entry, expected, next, time)
    }
    try {
      const swapped = await home.swap(entry.redisKey, expected, storeNext(category, next), { timeout: time.share() })
      if (swapped && outages.involved(name)) await copies.swap(entry.redisKey, expected, next, time)
      return swapped
    } catch (error) {
      outageOf(error)
      return swapElsewhere(entry, expected, next, time)
    }
  }

  const clearElsewhere = async (startedAt: number, error: StoreError | undefined): Promise<number | undefined> => {
    if (!mayForget()) {
      if (error !== undefined) throw error
      const removed = await home.clear(category.keyPrefix, setting.writing)
      settle(startedAt)
      return removed
    }
    await remember([{ kind: 'invalid-all', scope }], writeTime(steadyNow()), error?.applied ?? 'no')
    const [reached] = await Promise.all([
      copies.clear(category.keyPrefix, writeTime(steadyNow())),
      // What can't be removed there now is removed on replay.
      error === undefined && home.writable() && home.clear(category.keyPrefix, setting.writing).catch(orMiss),
    ])
    settle(startedAt, reached)
    // Some of what lies here and there is the same, and what home has is gone only on replay.
    return undefined
  }

  return {
    write,
    remove,
    swap,
    clear: (startedAt) => clearElsewhere(startedAt, undefined),
    writeAfter: async (entries, startedAt, error) => writeElsewhere(entries, writeTime(startedAt), outageOf(error)),
    removeAfter: async (names, startedAt, error) => removeElsewhere(names, writeTime(startedAt), outageOf(error)),
    swapAfter: async (entry, expected, next, startedAt, error) => {
      outageOf(error)
      return swapElsewhere(entry, expected, next, writeTime(startedAt))
    },
    clearAfter: async (startedAt, error) => clearElsewhere(startedAt, outageOf(error)),
  }
}

/** What `work` answers, when both have ended. */
const afterwards = async <T>(remembered: Promise<void>, work: Promise<T>): Promise<T> => {
  const [memory, done] = await Promise.allSettled([remembered, work])
  if (memory.status === 'rejected') throw memory.reason
  if (done.status === 'rejected') throw done.reason
  return done.value
}

const orMiss = (error: unknown): undefined => {
  if (error instanceof StoreError && isOutage(error)) return undefined
  throw error
}
