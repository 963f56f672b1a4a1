import { stepSide } from './motia/step/step-side.js'

export { isCacheError, stateErrorCode } from './errors.js'
export { cacheResponse } from './motia/step/cache-response.js'

/** The cache, for code that has no context at hand. The same as `context.cache`. */
export const { cache, redisService } = stepSide()
