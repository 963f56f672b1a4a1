import { cacheError, type ErrorPlace } from '../errors.js'

/** What a call's option can't be. */
export const wrongOption = (message: string, place: ErrorPlace) => cacheError('CACHE_INVALID_OPTION', message, place)
