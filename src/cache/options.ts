import { cacheError, type ErrorPlace } from '../errors.js'
import { parseDuration } from '../settings/duration.js'
import type { AcquireOptions, EncodedWriteOptions } from './engine.js'

/** The values of a call's options, checked where they are used: in the server process. */

/** The ttl asked for in ms, or undefined for the category's own. Options that have no effect yet are checked too. */
export const writeTtl = (options: EncodedWriteOptions, place: ErrorPlace): number | undefined => {
  if (options.grace !== undefined && options.grace !== false) duration('grace', options.grace, place)
  if (options.tags !== undefined) noTags(options.tags, place)
  return optionalDuration('ttl', options.ttl, place)
}

export interface Acquiring {
  readonly fresh: boolean
  readonly hardTimeout: number | undefined
}

export const acquiring = (options: AcquireOptions, place: ErrorPlace): Acquiring => {
  writeTtl(options, place) // a wrong one fails before anything is computed
  optionalDuration('softTimeout', options.softTimeout, place)
  if (options.fresh !== undefined && typeof options.fresh !== 'boolean')
    throw wrong('fresh must be true or false', place)
  return {
    fresh: options.fresh === true,
    hardTimeout: optionalDuration('hardTimeout', options.hardTimeout, place),
  }
}

/** What `increment` adds. @default 1 */
export const step = (by: unknown, place: ErrorPlace): number => {
  if (by === undefined) return 1
  if (typeof by === 'number' && Number.isSafeInteger(by)) return by
  throw wrong('by must be a whole number between -(2^53 - 1) and 2^53 - 1', place)
}

export interface Paging {
  readonly prefix: string
  readonly cursor: string | undefined
  readonly limit: number
}

export const paging = (
  options: { readonly prefix?: unknown; readonly cursor?: unknown; readonly limit?: unknown },
  place: ErrorPlace,
): Paging => {
  const { prefix = '', cursor, limit = 100 } = options
  if (typeof prefix !== 'string') throw wrong('prefix must be a string', place)
  if (cursor !== undefined && typeof cursor !== 'string')
    throw wrong("cursor must be what the page before answered as 'cursor'", place)
  if (typeof limit !== 'number' || !Number.isInteger(limit) || limit < 1 || limit > 1000)
    throw wrong('limit must be a whole number from 1 to 1000', place)
  return { prefix, cursor, limit }
}

export const optionalDuration = (name: string, value: unknown, place: ErrorPlace): number | undefined =>
  value === undefined ? undefined : duration(name, value, place)

const duration = (name: string, value: unknown, place: ErrorPlace): number => {
  const parsed = parseDuration(value)
  if (typeof parsed === 'number') return parsed
  throw wrong(`${name}: ${parsed.problem}`, place)
}

/** Silently dropped tags would be entries that no invalidation ever reaches. */
export const noTags = (tags: unknown, place: ErrorPlace): void => {
  if (Array.isArray(tags) && tags.length === 0) return
  throw wrong('tags are not available in this version: leave them out', place)
}

export const wrong = (message: string, place: ErrorPlace) => cacheError('CACHE_INVALID_OPTION', message, place)
