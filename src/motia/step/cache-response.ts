import type { ApiMiddleware, ApiRequest, ApiResponse } from 'motia'
import type { Cache, CategoryName, Duration } from '../../../types/index.js'
import { isCacheError } from '../../errors.js'
import { consoleReport } from '../../report.js'
import { type KeptResponse, keep, restore } from './kept-response.js'
import { defaultKey } from './response-key.js'

export interface CacheResponseOptions {
  readonly category: CategoryName
  /** @default the category's */
  readonly ttl?: Duration
  /** What tells one answer from another; exactly this is the cache key. @default method, path, path parameters and query */
  readonly key?: (request: Pick<ApiRequest, 'pathParams' | 'queryParams'>) => string
}

type Response = ApiResponse<number, unknown>

/** An answer that is one caller's own reaches nobody else; those who waited for it run their own handler. */
const NOT_SHARED = 'RESPONSE_NOT_SHARED'

/**
 * Response cache for an API step with method GET or HEAD. Answers of status 2xx are kept, and come back with the header
 * `x-cache: hit`. Left alone: requests with Authorization, Cookie or Range, answers with Set-Cookie or a Cache-Control
 * that forbids it. A failing cache never fails the request.
 */
export const createCacheResponse =
  (cache: Cache) =>
  ({ category, ttl, key }: CacheResponseOptions): ApiMiddleware<unknown, never, unknown> =>
  async (request, _context, next) => {
    const name = personal(request) ? undefined : await defaultKey(request)
    if (name === undefined) return next()

    let own: Promise<Response> | undefined
    const produce = async (): Promise<KeptResponse> => {
      own = next()
      const kept = keep(await own)
      if (kept === undefined) throw Object.assign(new Error('this answer is not shared'), { code: NOT_SHARED })
      return kept
    }
    try {
      const options = { category, ...(ttl === undefined ? {} : { ttl }) }
      const kept = await cache.getOrSet<KeptResponse>(key?.(request) ?? name, produce, options)
      return restore(kept, own === undefined ? 'hit' : 'miss')
    } catch (error) {
      if (isCacheError(error)) consoleReport.warn(`cacheResponse (${error.category}): ${error.code} ${error.message}`)
      if (own !== undefined) return own
      if (isCacheError(error) || (error as { code?: unknown } | null)?.code === NOT_SHARED) return next()
      throw error // the handler's, shared with everybody who waited for it
    }
  }

/** Answers to such requests may be meant for one caller. */
const personal = ({ headers }: Pick<ApiRequest, 'headers'>): boolean =>
  ['authorization', 'cookie', 'range'].some((name) => headers[name] !== undefined)
