import type { ApiMiddleware } from 'motia'
import { isCacheError, stateErrorCode } from 'motia-redis/step'

/**
 * With one Redis away nothing fails. With both away, what was kept before can't always be known, which is no bug of the
 * step: say so to the client, instead of Motia's 500.
 */
export const whenAway: ApiMiddleware<unknown, never, unknown> = async (_req, { logger }, next) => {
  try {
    return await next()
  } catch (error) {
    const code = isCacheError(error) ? error.code : stateErrorCode(error)
    if (!code?.match(/_(UNKNOWN|UNAVAILABLE|TIMEOUT|JOURNAL_FULL)$/)) throw error
    logger.warn('data store away', { code })
    return { status: 503, headers: { 'retry-after': '1' }, body: { error: code } }
  }
}
