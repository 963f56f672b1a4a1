import { createCacheResponse } from './motia/step/cache-response.js'
import { stepSide } from './motia/step/step-side.js'

export { isCacheError, stateErrorCode } from './errors.js'

const side = stepSide()

/** The cache, for code that has no context at hand. The same as `context.cache`. */
export const { cache, redisService } = side

export const cacheResponse = createCacheResponse(side.responses)
