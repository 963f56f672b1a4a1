import type { Encoded } from '../codec/payload.js'
import { cacheError } from '../errors.js'
import type { Category } from './category.js'
import type { Acquired, Lease } from './engine.js'
import type { Flights, Joined, Turn } from './flights.js'
import type { Acquiring } from './options.js'
import type { Reader } from './reading.js'
import { timerMs } from './timer.js'
import { within } from './within.js'
import type { Writer } from './writing.js'

export interface Acquirer {
  /** A hit, or the right to compute; waits while somebody else computes. See CacheEngine.acquire. */
  acquire(
    category: Category,
    key: string,
    operation: string,
    asked: Acquiring,
    signal?: AbortSignal | undefined,
  ): Promise<Acquired>
}

/** How much longer than its time a holder may take to say how it ended, before somebody else gets the lease. */
const HOLDER_DELAY = 2_000

type Value = Encoded | undefined

/** What the computations of a category's keys are known by, and the beginning that they have in common. */
export const flightsOf = ({ settings }: Category): string => `${settings.name}:`
export const flightOf = (category: Category, key: string): string => flightsOf(category) + key

/** `elapsed`: monotonic ms; a clock that is set must not cut a computation's time. */
export const createAcquirer = (
  flights: Flights<Value>,
  reader: Reader,
  writer: Writer,
  elapsed: () => number,
): Acquirer => {
  const find = (category: Category, key: string, operation: string, patience: number): Promise<Encoded | undefined> => {
    const found = reader.find(category, key, operation, ({ value }) => value)
    if (category.settings.schema === undefined) return found
    const text = `hardTimeout: the stored value was not checked within ${patience} ms`
    return within(patience, found, () => cacheError('CACHE_TIMEOUT', text, category.place(operation)))
  }

  const join = async (
    category: Category,
    key: string,
    operation: string,
    asked: Acquiring,
    signal: AbortSignal | undefined,
  ): Promise<Joined<Value> | { readonly hit: Encoded }> => {
    const place = category.place(operation)
    const patience = asked.hardTimeout ?? category.settings.hardTimeout
    const visit = flights.enter(flightOf(category, key))
    try {
      // Reading comes before joining, so that a caller sees what was written before it asked.
      const hit = asked.fresh ? undefined : await find(category, key, operation, patience)
      if (hit !== undefined) return { hit }
      return await visit.join({
        fresh: asked.fresh,
        patience,
        signal,
        impatient: () =>
          signal?.aborted
            ? cacheError('CACHE_CLOSED', 'the caller went away', place)
            : cacheError('CACHE_TIMEOUT', `hardTimeout: nobody computed the value within ${patience} ms`, place),
      })
    } finally {
      visit.leave()
    }
  }

  return {
    acquire: async (category, key, operation, asked, signal) => {
      const began = elapsed()
      const joined = await join(category, key, operation, asked, signal)
      if ('hit' in joined) return { outcome: 'hit', value: joined.hit }
      if ('outcome' in joined) {
        if ('error' in joined.outcome) throw joined.outcome.error
        return { outcome: 'hit', value: joined.outcome.value }
      }
      // Waiting for others counts: getOrSet as a whole is bounded by hardTimeout.
      const limit = asked.hardTimeout ?? category.settings.hardTimeout
      const ends = began + limit
      return { outcome: 'lease', lease: createLease(category, key, operation, joined.turn, ends, elapsed, writer) }
    },
  }
}

const createLease = (
  category: Category,
  key: string,
  operation: string,
  turn: Turn<Value>,
  ends: number,
  elapsed: () => number,
  writer: Writer,
): Lease => {
  const left = (): number => Math.max(1, Math.ceil(ends - elapsed()))
  const hardTimeout = left()
  // Whoever holds it may be gone without a word; the waiting must not depend on it.
  const watchdog = setTimeout(turn.pass, timerMs(hardTimeout + HOLDER_DELAY))
  watchdog.unref()
  const claim = (): boolean => {
    clearTimeout(watchdog)
    return turn.claim()
  }
  return {
    category: category.settings.name,
    hardTimeout,
    fill: async (value, options) => {
      if (!claim()) return value
      const grant = { ms: left(), isCurrent: () => !turn.overtaken() }
      try {
        const stored =
          value === undefined ? undefined : await writer.put(category, key, value, options, operation, grant)
        turn.end({ value: stored })
        return stored
      } catch (error) {
        turn.end({ error })
        throw error
      }
    },
    skip: async (value) => {
      if (claim()) turn.end({ value })
      return value
    },
    fail: (error) => {
      if (claim()) turn.end({ error })
    },
    release: () => {
      clearTimeout(watchdog)
      turn.pass()
    },
  }
}
