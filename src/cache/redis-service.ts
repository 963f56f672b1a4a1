import type { Cache, RedisService } from '../../types/index.js'
import { cacheError } from '../errors.js'

/**
 * The older interface over the cache: ttl in seconds, null on a miss. A call without a category goes where
 * `inferCategory` says, else to `cache`, so that it meets the callers of the newer interface at the same key.
 */
export const createRedisService = (cache: Cache): RedisService => ({
  setCache: async (key, value, options) => {
    const ttl: unknown = options?.ttl
    if (ttl === undefined) return cache.set(key, value, options)
    if (typeof ttl !== 'number' || !Number.isFinite(ttl) || ttl <= 0)
      throw cacheError('CACHE_INVALID_OPTION', 'ttl must be a number of seconds above 0', {
        category: options?.category ?? 'cache',
        operation: 'set',
      })
    // As text, because a bare number below 1000 would be taken for seconds written as milliseconds.
    return cache.set(key, value, { ...options, ttl: `${Math.ceil(ttl * 1000)}ms` })
  },

  getCache: async <T>(key: string, options?: { category?: string }) => {
    const value = await cache.get<T>(key, options)
    return value === undefined ? null : (value as T)
  },

  deleteCache: async (key, options) => cache.delete(key, options),
})
