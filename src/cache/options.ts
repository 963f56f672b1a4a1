import type { ErrorPlace } from '../errors.js'
import { parseDuration } from '../settings/duration.js'
import type { AcquireOptions, EncodedWriteOptions } from './engine.js'
import { entryTags } from './tags/check-tags.js'
import { wrongOption } from './wrong-option.js'

/** The values of a call's options, checked where they are used: in the server process. */

/** What a call says of the entry it writes; undefined: as its category says. */
export interface Writing {
  readonly ttl: number | undefined
  readonly grace: number | false | undefined
  readonly tags: readonly string[] | undefined
}

export const writing = ({ ttl, grace, tags }: EncodedWriteOptions, place: ErrorPlace): Writing => ({
  ttl: optionalDuration('ttl', ttl, place),
  grace: grace === false ? grace : optionalDuration('grace', grace, place, '; false turns it off'),
  tags: tags === undefined ? undefined : entryTags(tags, place),
})

export interface Acquiring {
  readonly fresh: boolean
  /** A stale value is served for at most so long after its end; undefined: for as long as it is kept. */
  readonly grace: number | false | undefined
  readonly softTimeout: number | undefined
  readonly hardTimeout: number | undefined
}

export const acquiring = (options: AcquireOptions, place: ErrorPlace): Acquiring => {
  const { grace } = writing(options, place) // what is wrong fails before anything is computed
  const { fresh } = options
  if (fresh !== undefined && typeof fresh !== 'boolean') throw wrongOption('fresh must be true or false', place)
  return {
    fresh: fresh === true,
    grace,
    softTimeout: optionalDuration('softTimeout', options.softTimeout, place),
    hardTimeout: optionalDuration('hardTimeout', options.hardTimeout, place),
  }
}

/** What `increment` adds. @default 1 */
export const step = (by: unknown, place: ErrorPlace): number => {
  if (by === undefined) return 1
  if (typeof by === 'number' && Number.isSafeInteger(by)) return by
  throw wrongOption('by must be a whole number between -(2^53 - 1) and 2^53 - 1', place)
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
  if (typeof prefix !== 'string') throw wrongOption('prefix must be a string', place)
  if (cursor !== undefined && typeof cursor !== 'string')
    throw wrongOption("cursor must be what the page before answered as 'cursor'", place)
  if (typeof limit !== 'number' || !Number.isInteger(limit) || limit < 1 || limit > 1000)
    throw wrongOption('limit must be a whole number from 1 to 1000', place)
  return { prefix, cursor, limit }
}

export const optionalDuration = (name: string, value: unknown, place: ErrorPlace, hint = ''): number | undefined => {
  if (value === undefined) return undefined
  const parsed = parseDuration(value)
  if (typeof parsed === 'number') return parsed
  throw wrongOption(`${name}: ${parsed.problem}${hint}`, place)
}
