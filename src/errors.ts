import type { Cache, CacheError, CacheErrorCode } from '../types/index.js'
import { isCategoryName } from './settings/names.js'

/** Where an error happened; never a value, a URL, a password, or the key of a sensitive category. */
export interface ErrorPlace {
  readonly category: string
  readonly operation: string
  /** 'no': nothing was written. 'unknown': it may have been. @default 'no' */
  readonly applied?: 'no' | 'unknown'
}

class CacheErrorImpl extends Error implements CacheError {
  override readonly name = 'CacheError'
  readonly code: CacheErrorCode
  readonly category: string
  readonly operation: string
  readonly applied: 'no' | 'unknown'

  constructor(code: CacheErrorCode, message: string, place: ErrorPlace) {
    super(message)
    this.code = code
    this.category = place.category
    this.operation = place.operation
    this.applied = place.applied ?? 'no'
  }
}

/** The methods of the cache, which is what most errors are about. */
const methods: Record<Exclude<keyof Cache, 'category'>, true> = {
  get: true,
  getMany: true,
  getEntry: true,
  getOrSet: true,
  set: true,
  setMany: true,
  has: true,
  delete: true,
  deleteMany: true,
  expire: true,
  touch: true,
  increment: true,
  invalidateTags: true,
  clear: true,
  keys: true,
}

/** "cache.get in 'menu': ". A category that has no category's name is the caller's slip, which may hold anything. */
const prefix = ({ operation, category }: ErrorPlace): string => {
  if (!Object.hasOwn(methods, operation)) return ''
  return isCategoryName(category) ? `cache.${operation} in '${category}': ` : `cache.${operation}: `
}

/**
 * How a CacheError is made. The text says what is wrong, where it was set, what to write instead; which call it was is
 * put before it.
 */
export const cacheError = (code: CacheErrorCode, text: string, place: ErrorPlace): CacheError =>
  new CacheErrorImpl(code, prefix(place) + text, place)

/** One whose message is complete: it was made in another process, or it is about the category itself. */
export const completeError = (code: CacheErrorCode, message: string, place: ErrorPlace): CacheError =>
  new CacheErrorImpl(code, message, place)

/** Works across processes and across two copies of the package: it looks at the shape, not the class. */
export const isCacheError = (error: unknown): error is CacheError =>
  error instanceof Error &&
  error.name === 'CacheError' &&
  typeof (error as Partial<CacheError>).code === 'string' &&
  (error as CacheError).code.startsWith('CACHE_')

export type StateErrorCode =
  | 'STATE_UNAVAILABLE'
  | 'STATE_UNKNOWN'
  | 'STATE_TIMEOUT'
  | 'STATE_INVALID_KEY'
  | 'STATE_INVALID_VALUE'
  | 'STATE_TOO_LARGE'
  | 'STATE_JOURNAL_FULL'

/** Motia hands a step only the message of an adapter's error, so the code leads the message. */
export const stateError = (code: StateErrorCode, message: string): Error =>
  Object.assign(new Error(`${code}: ${message}`), { name: 'StateError', code })

/** 'STATE_…' if the error (or Motia's string of it) came from our state adapter. */
export const stateErrorCode = (error: unknown): StateErrorCode | undefined => {
  const text = error instanceof Error ? error.message : typeof error === 'string' ? error : ''
  // Motia rejects in a step with String(error), in which the error's name comes first.
  return /^(?:StateError: )?(STATE_[A-Z_]+):/.exec(text)?.[1] as StateErrorCode | undefined
}
