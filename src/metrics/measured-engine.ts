import type { CacheEngine, Lease, Place } from '../cache/engine.js'
import type { CategoryMeter, Operation } from './category-meter.js'
import { everywhere, type Meters, type Named } from './meters.js'
import { outcomeOf, type ReadOutcome } from './read-outcome.js'
import type { BeginSpan } from './spans.js'

/**
 * The same engine; what is asked of it is counted and timed, and traced where somebody traces. `elapsed`: monotonic ms.
 */
export const measureEngine = (
  engine: CacheEngine,
  meters: Pick<Meters, 'of'>,
  elapsed: () => number,
  begin: BeginSpan = () => undefined,
): CacheEngine => {
  /** `look`: counts what was read, and says how it ended. Of calls with several keys `key` is the first one. */
  const timed = <T>(
    operation: Operation,
    category: Named,
    key: string,
    call: () => Promise<T>,
    look?: (answer: T, meter: CategoryMeter) => string,
    keys?: number,
  ): Promise<T> => {
    const meter = meters.of(category, key)
    const span = begin(operation, category, key)
    const begun = elapsed()
    return (span === undefined ? call() : span.run(call)).then(
      (answer) => {
        meter.called(operation, elapsed() - begun, false)
        const outcome = look?.(answer, meter)
        span?.ended(outcome, keys)
        return answer
      },
      (error) => {
        meter.called(operation, elapsed() - begun, true)
        span?.failed(error)
        throw error
      },
    )
  }
  const one = <T>(
    operation: Operation,
    { category, key }: Place,
    call: () => Promise<T>,
    look?: (answer: T, meter: CategoryMeter) => string,
  ): Promise<T> => timed(operation, category, key, call, look)

  return {
    get: (at) => one('get', at, () => engine.get(at), hitOrMiss),
    getEntry: (at) =>
      one(
        'getEntry',
        at,
        () => engine.getEntry(at),
        (entry, meter) => counted(meter, entry === undefined ? 'miss' : entry.stale ? 'stale' : 'hit'),
      ),
    getMany: (at) => {
      const { category, keys } = at
      return timed(
        'getMany',
        category,
        keys[0] ?? '',
        () => engine.getMany(at),
        (hits, meter) => {
          meter.read('hit', hits.length)
          meter.read('miss', Math.max(0, keys.length - hits.length))
          return hits.length === 0 ? 'miss' : hits.length < keys.length ? 'partial' : 'hit'
        },
        keys.length,
      )
    },
    acquire: (at, options, signal) =>
      one(
        'getOrSet',
        at,
        () => engine.acquire(at, options, signal),
        (acquired, meter) => counted(meter, outcomeOf(acquired)),
      ),
    has: (at) => one('has', at, () => engine.has(at)),
    set: (at, value, options) => one('set', at, () => engine.set(at, value, options)),
    setMany: (category, entries, options) =>
      timed(
        'setMany',
        category,
        entries[0]?.[0] ?? '',
        () => engine.setMany(category, entries, options),
        undefined,
        entries.length,
      ),
    delete: (at) => one('delete', at, () => engine.delete(at)),
    deleteMany: (at) =>
      timed('deleteMany', at.category, at.keys[0] ?? '', () => engine.deleteMany(at), undefined, at.keys.length),
    expire: (at) => one('expire', at, () => engine.expire(at)),
    touch: (at, ttl) => one('touch', at, () => engine.touch(at, ttl)),
    increment: (at, options) => one('increment', at, () => engine.increment(at, options)),
    invalidateTags: (category, tags) =>
      timed('invalidateTags', category ?? everywhere, '', () => engine.invalidateTags(category, tags)),
    clear: (category) => timed('clear', category, '', () => engine.clear(category)),
    keys: (category, options) => timed('keys', category, '', () => engine.keys(category, options)),
  }
}

/** The same lease; how long its computation takes is counted, once. What is then refused counts as failed. */
export const measureLease = (lease: Lease, meter: CategoryMeter, elapsed: () => number): Lease => {
  const begun = elapsed()
  let open = true
  /** Ends it; how it ended may only show later. */
  const end = (): ((failed: boolean) => void) => {
    if (!open) return () => undefined
    open = false
    const took = elapsed() - begun
    return (failed) => meter.computed(took, failed)
  }
  return {
    ...lease,
    fill: async (value, options) => {
      const ended = end()
      try {
        const filled = await lease.fill(value, options)
        ended(false)
        return filled
      } catch (error) {
        ended(true)
        throw error
      }
    },
    skip: (value) => {
      end()(false)
      return lease.skip(value)
    },
    fail: (error) => {
      end()(true)
      lease.fail(error)
    },
    release: () => {
      end()(true)
      lease.release()
    },
  }
}

const counted = (meter: CategoryMeter, outcome: ReadOutcome): ReadOutcome => {
  meter.read(outcome, 1)
  return outcome
}

const hitOrMiss = (answer: unknown, meter: CategoryMeter): ReadOutcome =>
  counted(meter, answer === undefined ? 'miss' : 'hit')
