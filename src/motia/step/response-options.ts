import type { ApiRequest } from 'motia'
import type { CategoryName, Duration } from '../../../types/index.js'
import { cacheError } from '../../errors.js'
import { parseDuration } from '../../settings/duration.js'
import { categoryNameProblem, isCategoryName, unknownOption } from '../../settings/names.js'

export interface CacheResponseOptions {
  readonly category: CategoryName
  /** @default the category's */
  readonly ttl?: Duration
  /** Takes the place of path parameters and query in the cache key, behind the step's own method and path. */
  readonly key?: (request: Pick<ApiRequest, 'pathParams' | 'queryParams'>) => string
  /** Request headers by which answers differ: each combination of their values is kept for itself. */
  readonly vary?: readonly string[]
}

export interface ResponseOptions extends CacheResponseOptions {
  /** In lower case, sorted, each once. */
  readonly vary: readonly string[]
}

const known = ['category', 'ttl', 'key', 'vary'] as const

/** The options, or CACHE_INVALID_OPTION at once: a slip here would else only show as answers that are never kept. */
export const checkedOptions = (given: CacheResponseOptions): ResponseOptions => {
  if (typeof given !== 'object' || given === null)
    throw invalid(undefined, "the options must be an object, e.g. { category: 'cache', ttl: '1m' }")
  const { category, ttl, key, vary = [] } = given
  if (!isCategoryName(category)) throw invalid(undefined, categoryNameProblem(category, []))
  const refuse = (problem: string): Error => invalid(category, problem)
  for (const name of Object.keys(given)) {
    if (!(known as readonly string[]).includes(name)) throw refuse(unknownOption(name, known))
  }
  const life = ttl === undefined ? undefined : parseDuration(ttl)
  if (typeof life === 'object') throw refuse(`ttl: ${life.problem}`)
  if (key !== undefined && typeof key !== 'function')
    throw refuse('key must be a function from the request to a text, e.g. ({ pathParams }) => pathParams.id')
  if (!Array.isArray(vary) || !vary.every(isHeaderName))
    throw refuse("vary must be an array of header names, e.g. ['accept-language']")
  return { ...given, vary: [...new Set(vary.map((name) => name.toLowerCase()))].sort() }
}

const isHeaderName = (name: unknown): name is string => typeof name === 'string' && /^[\w!#$%&'*+.^`|~-]+$/.test(name)

const invalid = (category: string | undefined, problem: string): Error =>
  cacheError('CACHE_INVALID_OPTION', `cacheResponse: ${problem}`, {
    category: category ?? 'cache',
    operation: 'cacheResponse',
  })
