import type { Encoded } from '../codec/payload.js'
import { isCacheError } from '../errors.js'
import type { ShelfLease, ShelfWrite } from '../failover/shelf.js'
import type { LeaseEnd } from '../instances/store.js'
import type { Attempts } from './attempts.js'
import type { Category } from './category.js'
import type { EncodedWriteOptions, Lease } from './engine.js'
import { flightOf, type Turn } from './flights.js'
import type { Oddities } from './oddities.js'
import { part, whole } from './parts.js'
import { fromStore } from './store-errors.js'
import { timerMs } from './timer.js'
import type { Prepared, Writer } from './writing.js'

/** One computation of a key that was begun. */
export interface Holding {
  readonly category: Category
  readonly key: string
  readonly operation: string
  /** Over the callers of this server. */
  readonly turn: Turn<Encoded | undefined>
  /** Over all servers. */
  readonly shelfLease: ShelfLease
  /** When its time is over, by `elapsed`. */
  readonly ends: number
  /** A stale value is answered meanwhile. */
  readonly renews: boolean
  /** Whoever gets the stale value doesn't hear that this failed: it has to be said. */
  readonly hidesFailures: boolean
  /** Whatever lies there shall go if nothing takes its place. */
  readonly replaces: boolean
}

/** How much longer than its time a holder may take to say how it ended, before somebody else gets the lease. */
const HOLDER_DELAY = 2_000
/** For so long those who waited for a computation elsewhere can learn that it failed. */
const FAILURE_TOLD = 1_000
/** Long enough for what stands for "gone" to be stored. */
const AT_ONCE = 1

export type Hold = (holding: Holding) => Lease

/** `elapsed`: monotonic ms; a clock that is set must not cut a computation's time. */
export const createHold = (writer: Writer, attempts: Attempts, oddities: Oddities, elapsed: () => number): Hold => {
  const store = async (holding: Holding, value: Encoded | undefined, options: EncodedWriteOptions, ms: number) => {
    const { category, key, operation } = holding
    // Also where nothing comes of it: what is wrong with the options is said.
    const life = writer.life(category, options, operation)
    if (value === undefined) {
      await storeAbsent(holding, life.tags)
      return { value, tags: life.tags }
    }
    const prepared = await writer.prepare(category, key, value, life, operation, ms)
    await storeValue(holding, prepared)
    return { value: prepared.value, tags: life.tags }
  }

  const storeValue = async ({ category, operation, turn, shelfLease }: Holding, prepared: Prepared): Promise<void> => {
    // Of the time before a later write or removal: answered, not stored.
    if (turn.overtaken(prepared.write.tags)) return shelfLease.release()
    const { write, legacy } = prepared
    const filled = shelfLease.fill(write)
    if (legacy === undefined) return rejectAs(filled, category, operation)
    const removed = category.older.remove([legacy])
    whole(await Promise.all([part(filled), part(removed)]), category.place(operation))
  }

  const storeAbsent = async (
    { category, key, operation, turn, shelfLease, replaces }: Holding,
    tags: readonly string[] | undefined,
  ): Promise<void> => {
    const { negativeTtl, codec } = category.settings
    const remembered = codec === 'json' ? false : negativeTtl
    if (turn.overtaken(tags) || (remembered === false && !replaces)) return shelfLease.release()
    if (codec === 'json') {
      await rejectAs(category.shelf.remove([category.name(key)]), category, operation)
      return shelfLease.release()
    }
    const absent: ShelfWrite = writer.prepareAbsent(category, key, remembered === false ? AT_ONCE : remembered, tags)
    await rejectAs(shelfLease.fill(absent), category, operation)
  }

  return (holding) => {
    const { category, key, turn, shelfLease, renews } = holding
    const { settings } = category
    const id = flightOf(settings.name, key, category.unchecked)
    const letGo = (why?: LeaseEnd): void => {
      shelfLease.release(why).catch((error) => oddities.releaseFailed(settings, error))
    }
    const left = (): number => Math.max(1, Math.ceil(holding.ends - elapsed()))
    const hardTimeout = left()
    const release = (): void => {
      clearTimeout(watchdog)
      if (!turn.pass()) return
      if (renews) attempts.died(id)
      letGo(renews ? { died: true } : undefined)
    }
    // Whoever holds it may be gone without a word; the waiting must not depend on it.
    const watchdog = setTimeout(release, timerMs(hardTimeout + HOLDER_DELAY))
    watchdog.unref()
    const claim = (): boolean => {
      clearTimeout(watchdog)
      return turn.claim()
    }
    const end = (value: Encoded | undefined, tags?: readonly string[]): void => {
      attempts.worked(id)
      turn.end({ value }, tags)
    }
    const endFailed = (error: unknown): void => {
      letGo({ failed: renews ? attempts.failed(id) : FAILURE_TOLD })
      turn.end({ error })
      if (holding.hidesFailures && !isClosed(error)) oddities.renewalFailed(settings, error)
    }
    return {
      category: settings.name,
      hardTimeout,
      fill: async (value, options) => {
        if (!claim()) return value
        try {
          const stored = await store(holding, value, options, left())
          end(stored.value, stored.tags)
          return stored.value
        } catch (error) {
          endFailed(error)
          throw error
        }
      },
      skip: async (value) => {
        if (!claim()) return value
        letGo()
        end(value)
        return value
      },
      fail: (error) => {
        if (claim()) endFailed(error)
      },
      release,
    }
  }
}

const rejectAs = (call: Promise<unknown>, category: Category, operation: string): Promise<void> =>
  call.then(nothing, (error) => {
    throw fromStore(error, category.place(operation))
  })

const isClosed = (error: unknown): boolean => isCacheError(error) && error.code === 'CACHE_CLOSED'

const nothing = (): void => undefined
