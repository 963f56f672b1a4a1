import { isCacheError } from '../errors.js'

/** What was asked for can't be, whoever asks and whenever. One sentence, without values. */
export class Refused extends Error {
  override readonly name = 'Refused'
}

const callers: ReadonlySet<string> = new Set([
  'CACHE_INVALID_OPTION',
  'CACHE_INVALID_KEY',
  'CACHE_NOT_ENUMERABLE',
  'CACHE_UNKNOWN_CATEGORY',
])

/** The same error, as a refusal where it is the asker's own. */
export const orRefused = (error: unknown): unknown =>
  isCacheError(error) && callers.has(error.code) ? new Refused(error.message) : error
