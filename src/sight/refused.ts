import { isCacheError, stateErrorCode } from '../errors.js'
import { isOutage } from '../instances/instance.js'
import { StoreError } from '../instances/store.js'

/** What was asked for can't be, whoever asks and whenever. One sentence, without values. */
export class Refused extends Error {
  override readonly name = 'Refused'
}

/** It can't be answered now, because the instances that could are away. One sentence, without values. */
export class Away extends Error {
  override readonly name = 'Away'
}

const refusals: ReadonlySet<string> = new Set([
  ...['CACHE_INVALID_OPTION', 'CACHE_INVALID_KEY', 'CACHE_NOT_ENUMERABLE', 'CACHE_UNKNOWN_CATEGORY'],
  'STATE_INVALID_KEY',
])
const absences: ReadonlySet<string> = new Set([
  ...['CACHE_UNAVAILABLE', 'CACHE_TIMEOUT', 'CACHE_JOURNAL_FULL', 'CACHE_CLOSED'],
  ...['STATE_UNAVAILABLE', 'STATE_TIMEOUT', 'STATE_UNKNOWN', 'STATE_JOURNAL_FULL'],
])

/** An error of the cache's, state's or a store's as those see it who look; any other one as it is. */
export const seen = (error: unknown): unknown => {
  if (error instanceof StoreError) {
    const isAway = isOutage(error) || error.kind === 'unknown' || error.kind === 'busy' || error.kind === 'closed'
    return isAway ? new Away(error.message) : error
  }
  const code = isCacheError(error) ? error.code : stateErrorCode(error)
  if (code === undefined || !(error instanceof Error)) return error
  if (refusals.has(code)) return new Refused(error.message)
  return absences.has(code) ? new Away(error.message) : error
}

/** A page that a store wouldn't begin: a right that is missing would have shown on the first one. */
export const seenPage = (error: unknown, cursor: string | undefined): unknown =>
  cursor !== undefined && error instanceof StoreError && error.kind === 'refused'
    ? new Refused('cursor must be what the page before answered as its cursor')
    : seen(error)

/** It could be, but not by this server. */
export class Forbidden extends Refused {}
