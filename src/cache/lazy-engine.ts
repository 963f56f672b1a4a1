import { cacheError, type ErrorPlace } from '../errors.js'
import type { CacheEngine } from './engine.js'

/**
 * An engine that is opened by its first call. Once it is open, no promise comes between the caller and it. Where
 * `closed` says so, calls reject with CACHE_CLOSED.
 */
export const lazyEngine = (open: () => Promise<CacheEngine>, closed: () => boolean): CacheEngine => {
  let ready: CacheEngine | undefined
  const via =
    <A extends [unknown, ...unknown[]], R>(
      method: (engine: CacheEngine) => (...args: A) => Promise<R>,
      operation: string,
    ) =>
    (...args: A): Promise<R> => {
      if (closed()) return Promise.reject(closedError({ category: categoryIn(args[0]), operation }))
      if (ready !== undefined) return method(ready)(...args)
      return open().then((engine) => {
        ready = engine
        return method(engine)(...args)
      })
    }
  return {
    get: via((engine) => engine.get, 'get'),
    getMany: via((engine) => engine.getMany, 'getMany'),
    getEntry: via((engine) => engine.getEntry, 'getEntry'),
    has: via((engine) => engine.has, 'has'),
    set: via((engine) => engine.set, 'set'),
    setMany: via((engine) => engine.setMany, 'setMany'),
    delete: via((engine) => engine.delete, 'delete'),
    deleteMany: via((engine) => engine.deleteMany, 'deleteMany'),
    expire: via((engine) => engine.expire, 'expire'),
    touch: via((engine) => engine.touch, 'touch'),
    increment: via((engine) => engine.increment, 'increment'),
    invalidateTags: via((engine) => engine.invalidateTags, 'invalidateTags'),
    clear: via((engine) => engine.clear, 'clear'),
    keys: via((engine) => engine.keys, 'keys'),
    acquire: via((engine) => engine.acquire, 'getOrSet'),
  }
}

export const closedError = (place: ErrorPlace): Error => cacheError('CACHE_CLOSED', 'these tiers were closed', place)

/** The category of a call: its first argument, or in it. */
const categoryIn = (at: unknown): string => {
  const named = typeof at === 'object' && at !== null && 'category' in at ? at.category : at
  return typeof named === 'string' ? named : 'cache'
}
