import type { ApiMiddleware, ApiRequest } from 'motia'
import type { Cache, FactoryContext } from '../../../types/index.js'
import { isCacheError } from '../../errors.js'
import { consoleReport } from '../../report.js'
import { isKeptResponse, type KeptResponse, keep, type Response, restore } from './kept-response.js'
import { keyOfRequest } from './response-key.js'
import { type CacheResponseOptions, checkedOptions, type ResponseOptions } from './response-options.js'

/** An answer that is one caller's own reaches nobody else; those who waited for it run their own handler. */
const NOT_SHARED = 'RESPONSE_NOT_SHARED'

/**
 * `cache`: one that asks no category's schema, since answers are none of its values.
 *
 * Response cache for an API step with method GET or HEAD. Answers of status 2xx are kept, and come back with an ETag and
 * the header `x-cache`: hit, stale (within the category's grace) or miss. Left alone: requests with Authorization or
 * Cookie, unless `vary` names these, and with Range; answers with Set-Cookie or a Cache-Control that forbids it. A
 * failing cache never fails the request. Throws CACHE_INVALID_OPTION at once.
 */
export const createCacheResponse =
  (cache: Cache) =>
  (given: CacheResponseOptions): ApiMiddleware<unknown, never, unknown> => {
    const options = checkedOptions(given)
    return async (request, _context, next) => {
      const { headers } = request
      const key = isPersonal(headers, options.vary) ? undefined : await keyOfRequest(request, options)
      if (key === undefined) return next()
      const handler = createHandler(next, headers, options, () => end(cache, key, options))
      try {
        const { kept, seen } = await find(cache, key, options, handler)
        return restore(kept, seen, headers, options.vary)
      } catch (error) {
        // Where the handler failed elsewhere, that is said there.
        if (isCacheError(error) && error.code !== 'CACHE_LOAD_FAILED')
          say(error.category, `${error.code} ${error.message}`)
        const own = await handler.answer()
        if (own !== undefined) return own
        if (isCacheError(error) || codeOf(error) === NOT_SHARED) return next()
        throw error // the handler's, shared with everybody who waited for it
      }
    }
  }

/** Answers to such requests may be meant for one caller. */
const isPersonal = (headers: ApiRequest['headers'], vary: readonly string[]): boolean =>
  ['authorization', 'cookie', 'range'].some((name) => headers[name] !== undefined && !vary.includes(name))

interface Handler {
  /** Runs it. Where its answer isn't for others it rejects, or answers undefined if a stale one had to go. */
  produce(context: Pick<FactoryContext, 'stale' | 'skip'>): Promise<KeptResponse | undefined>
  /** What it produced, if it has. */
  made(): KeptResponse | undefined
  /** What the client is to get of it; undefined: it didn't run. */
  answer(): Promise<Response | undefined>
}

const createHandler = (
  next: () => Promise<Response>,
  headers: ApiRequest['headers'],
  { vary }: ResponseOptions,
  endStale: () => Promise<void>,
): Handler => {
  let own: Promise<Response> | undefined
  let made: KeptResponse | undefined
  return {
    produce: async ({ stale, skip }) => {
      own = next()
      const answer = await own
      made = await keep(answer, headers, vary)
      if (made !== undefined) return made
      if (!stale || isFailure(answer)) throw notShared('this answer is not shared')
      await endStale()
      return skip(undefined)
    },
    made: () => made,
    answer: async () => {
      const answer = await own
      return made === undefined ? answer : restore(made, 'miss', headers, vary)
    },
  }
}

/** A stale entry is looked at before: afterwards nothing tells whether the answer is that one or a new one. */
const find = async (
  cache: Cache,
  key: string,
  { category, ttl }: ResponseOptions,
  handler: Handler,
): Promise<{ kept: KeptResponse; seen: 'hit' | 'stale' | 'miss' }> => {
  const before = await cache.getEntry<unknown>(key, { category })
  const known = isKeptResponse(before?.value) ? before.value : undefined
  if (known !== undefined && before?.stale === false) return { kept: known, seen: 'hit' }
  const kept = await cache.getOrSet<unknown>(key, handler.produce, { category, ...(ttl !== undefined && { ttl }) })
  if (kept === undefined) throw notShared('the answer is not shared any more')
  if (!isKeptResponse(kept)) {
    say(category, "at an answer's key lies something else; give its step another category, or another key")
    throw notShared('no answer')
  }
  if (kept.at === handler.made()?.at) return { kept, seen: 'miss' }
  return { kept, seen: kept.at === known?.at ? 'stale' : 'hit' }
}

/** The handler couldn't answer now, which is what grace is for. Any other answer says what is true from now on. */
const isFailure = (answer: Response | undefined): boolean =>
  answer === undefined || answer === null || !(answer.status < 500) || [408, 425, 429].includes(answer.status)

/** What was true isn't any more: nobody gets it now, however long its grace is. */
const end = async (cache: Cache, key: string, { category }: ResponseOptions): Promise<void> => {
  try {
    await cache.delete(key, { category })
  } catch (error) {
    say(category, `a stale answer that should have ended may be served on: ${String(error)}`)
  }
}

const notShared = (why: string): Error => Object.assign(new Error(why), { code: NOT_SHARED })

const codeOf = (error: unknown): unknown => (error as { code?: unknown } | null)?.code

const say = (category: string, what: string): void => consoleReport.warn(`cacheResponse (${category}): ${what}`)
