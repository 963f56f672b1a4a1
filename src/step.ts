import { createCacheResponse } from './motia/step/cache-response.js'
import { stepSide } from './motia/step/step-side.js'

export { isCacheError, stateErrorCode } from './errors.js'

/** The cache, for code that has no context at hand. The same as `context.cache`. */
export const { cache, redisService } = stepSide()

export const cacheResponse = createCacheResponse(cache)
