import { cacheError, type ErrorPlace } from '../errors.js'
import { StoreError } from '../instances/store.js'

/**
 * A store's failure as the caller of the cache sees it. Anything else is passed on as it is. `place.applied`: 'unknown'
 * where an earlier part of the same call was written.
 */
export const fromStore = (error: unknown, { category, operation, applied = 'no' }: ErrorPlace): unknown => {
  if (!(error instanceof StoreError)) return error
  const place: ErrorPlace = { category, operation, applied: applied === 'unknown' ? applied : error.applied }
  const where = `instance '${error.store}'`
  switch (error.kind) {
    case 'unavailable':
      return cacheError('CACHE_UNAVAILABLE', `${where} can't be reached now: ${error.message}`, place)
    case 'configuration':
      return cacheError('CACHE_UNAVAILABLE', `${where} can't be used as it is configured: ${error.message}`, place)
    case 'read-only':
      return cacheError('CACHE_UNAVAILABLE', `${where} takes no writes now: ${error.message}`, place)
    case 'full':
      return cacheError('CACHE_UNAVAILABLE', `${where} is full and takes no writes: ${error.message}`, place)
    case 'refused':
      return cacheError('CACHE_UNAVAILABLE', `${where} refused this call: ${error.message}`, place)
    case 'timeout':
      return cacheError('CACHE_TIMEOUT', `${where} didn't answer in time: ${error.message}`, place)
    case 'not-a-number':
      return cacheError('CACHE_INVALID_VALUE', 'what is stored at this key is no whole number', place)
    case 'out-of-range':
      return cacheError('CACHE_INVALID_VALUE', 'the counter would leave the range of -(2^53 - 1) to 2^53 - 1', place)
    case 'too-large':
      return cacheError('CACHE_TOO_LARGE', `${where}: ${error.message}`, place)
    case 'closed':
      return cacheError('CACHE_CLOSED', 'the cache was closed', place)
  }
}
