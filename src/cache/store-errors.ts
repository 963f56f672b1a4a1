import type { CacheErrorCode } from '../../types/index.js'
import { cacheError, type ErrorPlace } from '../errors.js'
import { StoreError, type StoreErrorKind } from '../instances/store.js'

const codes: Record<StoreErrorKind, CacheErrorCode> = {
  unavailable: 'CACHE_UNAVAILABLE',
  configuration: 'CACHE_UNAVAILABLE',
  refused: 'CACHE_UNAVAILABLE',
  full: 'CACHE_UNAVAILABLE',
  'read-only': 'CACHE_UNAVAILABLE',
  timeout: 'CACHE_TIMEOUT',
  busy: 'CACHE_TIMEOUT',
  unknown: 'CACHE_UNAVAILABLE',
  journal: 'CACHE_JOURNAL_FULL',
  'not-a-number': 'CACHE_INVALID_VALUE',
  'out-of-range': 'CACHE_INVALID_VALUE',
  'too-large': 'CACHE_TOO_LARGE',
  closed: 'CACHE_CLOSED',
}

/** What is wrong with the caller's own call, where the store's text would be about the store. */
const texts: Partial<Record<StoreErrorKind, string>> = {
  'not-a-number':
    'what is stored at this key is no whole number, so it can not be counted up; delete it, or use another key',
  'out-of-range': 'the counter would leave the range of -(2^53 - 1) to 2^53 - 1; nothing was added',
  closed: 'the cache was closed',
}

/**
 * A store's failure as the caller of the cache sees it; the store's text says which instance and why. Anything else is
 * passed on as it is. `place.applied`: 'unknown' where an earlier part of the same call was written.
 */
export const fromStore = (error: unknown, { category, operation, applied }: ErrorPlace): unknown => {
  if (!(error instanceof StoreError)) return error
  return cacheError(codes[error.kind], texts[error.kind] ?? `instance ${error.message}`, {
    category,
    operation,
    applied: applied === 'unknown' ? applied : error.applied,
  })
}
