import { createCacheResponse } from '../motia/step/cache-response.js'
import type * as Client from '../motia/step/client.js'
import { load } from './load.js'

export { isCacheError, stateErrorCode } from '../errors.js'

const { stepSide } = load<typeof Client>('./client.cjs')

/** The cache, for code that has no context at hand. The same as `context.cache`. */
export const { cache, redisService } = stepSide()

export const cacheResponse = createCacheResponse(cache)
