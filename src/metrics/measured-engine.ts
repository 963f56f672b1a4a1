import type { Acquired, CacheEngine, Lease, ManyPlace, Place } from '../cache/engine.js'
import type { CategoryMeter, Operation } from './category-meter.js'
import type { Meters } from './meters.js'

/** The same engine; what is asked of it is counted and timed. `elapsed`: monotonic ms. */
export const measureEngine = (engine: CacheEngine, meters: Meters, elapsed: () => number): CacheEngine => {
  const timed = <T>(
    operation: Operation,
    meter: CategoryMeter,
    call: () => Promise<T>,
    look?: (answer: T, meter: CategoryMeter) => void,
  ): Promise<T> => {
    const begun = elapsed()
    return call().then(
      (answer) => {
        meter.called(operation, elapsed() - begun, false)
        look?.(answer, meter)
        return answer
      },
      (error) => {
        meter.called(operation, elapsed() - begun, true)
        throw error
      },
    )
  }
  const of = ({ category, key }: Place): CategoryMeter => meters.of(category, key)
  /** Of calls with many keys the category of the first one: without a name they could be of several. */
  const ofMany = ({ category, keys }: ManyPlace): CategoryMeter => meters.of(category, keys[0] ?? '')

  return {
    get: (at) => timed('get', of(at), () => engine.get(at), hitOrMiss),
    getEntry: (at) =>
      timed(
        'getEntry',
        of(at),
        () => engine.getEntry(at),
        (entry, meter) => {
          meter.read(entry === undefined ? 'miss' : entry.stale ? 'stale' : 'hit', 1)
        },
      ),
    getMany: (at) =>
      timed(
        'getMany',
        ofMany(at),
        () => engine.getMany(at),
        (hits, meter) => {
          meter.read('hit', hits.length)
          meter.read('miss', Math.max(0, at.keys.length - hits.length))
        },
      ),
    acquire: (at, options, signal) =>
      timed(
        'getOrSet',
        of(at),
        () => engine.acquire(at, options, signal),
        (acquired, meter) => {
          meter.read(outcomeOf(acquired), 1)
        },
      ),
    has: (at) => timed('has', of(at), () => engine.has(at)),
    set: (at, value, options) => timed('set', of(at), () => engine.set(at, value, options)),
    setMany: (category, entries, options) =>
      timed('setMany', meters.of(category, entries[0]?.[0] ?? ''), () => engine.setMany(category, entries, options)),
    delete: (at) => timed('delete', of(at), () => engine.delete(at)),
    deleteMany: (at) => timed('deleteMany', ofMany(at), () => engine.deleteMany(at)),
    expire: (at) => timed('expire', of(at), () => engine.expire(at)),
    touch: (at, ttl) => timed('touch', of(at), () => engine.touch(at, ttl)),
    increment: (at, options) => timed('increment', of(at), () => engine.increment(at, options)),
    invalidateTags: (category, tags) =>
      timed('invalidateTags', meters.of(category, ''), () => engine.invalidateTags(category, tags)),
    clear: (category) => timed('clear', meters.of(category, ''), () => engine.clear(category)),
    keys: (category, options) => timed('keys', meters.of(category, ''), () => engine.keys(category, options)),
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

const hitOrMiss = (answer: unknown, meter: CategoryMeter): void => meter.read(answer === undefined ? 'miss' : 'hit', 1)

const outcomeOf = (acquired: Acquired) => {
  if (acquired.outcome === 'lease') return acquired.stale?.patience === 0 ? 'stale' : 'miss'
  return acquired.stale === true ? 'stale' : acquired.value === undefined ? 'miss' : 'hit'
}
