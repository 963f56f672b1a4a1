import { assertKey } from '../codec/key.js'
import { cacheError, completeError } from '../errors.js'
import { unknownOption } from '../settings/names.js'
import type { ManyPlace, Place } from './engine.js'

/** The category that a bound form of the cache stands for; undefined: each call names its own. */
export type Bound = { readonly name: unknown } | undefined

const writing = ['ttl', 'grace', 'tags'] as const
/** What each method takes after its key and value, besides `category`. */
const allowed = {
  get: [],
  getMany: [],
  getEntry: [],
  has: [],
  delete: [],
  deleteMany: [],
  expire: [],
  invalidateTags: [],
  clear: [],
  set: writing,
  setMany: writing,
  getOrSet: [...writing, 'softTimeout', 'hardTimeout', 'fresh'],
  touch: ['ttl'],
  increment: ['by', 'ttl'],
  keys: ['prefix', 'cursor', 'limit'],
} as const satisfies Record<string, readonly string[]>

export type Operation = keyof typeof allowed
/** The options of one call, without `category`: known names, and values that survive the way to the server. */
export type Given = Readonly<Record<string, unknown>>

const none: Given = Object.freeze({})

export const optionsOf = (
  operation: Operation,
  options: unknown,
  bound: Bound,
): { readonly category: string | undefined; readonly given: Given } => {
  if (options === undefined) return { category: bound && categoryName(operation, bound.name), given: none }
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw invalid(operation, undefined, `the options must be an object${example(operation)}`)
  const { category: named, ...given } = options as Record<string, unknown>
  if (bound && named !== undefined)
    throw invalid(operation, bound.name, "this form is bound to its category: leave the option 'category' out")
  const name = bound ? bound.name : named
  const category = name === undefined && !bound ? undefined : categoryName(operation, name)
  for (const option in given) checkOption(operation, category, option, given[option])
  return { category, given }
}

export const placeOf = (operation: Operation, key: unknown, category: string | undefined): Place => ({
  category,
  key: keyOf(operation, key, category),
})

/** The category, for the methods that don't work on a default one. */
export const requiredCategory = (operation: Operation, category: string | undefined): string => {
  if (category !== undefined) return category
  throw badCategory(operation, `it needs a category${example(operation)}`)
}

export const placesOf = (operation: Operation, keys: unknown, category: string | undefined): ManyPlace => ({
  category,
  keys: Array.from(iterable(operation, keys, category, 'keys', "e.g. ['a', 'b']"), (key) =>
    keyOf(operation, key, category),
  ),
})

/** Pairs of key and value; the values are still the caller's. */
export const pairsOf = (
  operation: Operation,
  entries: unknown,
  category: string | undefined,
): [key: string, value: unknown][] =>
  Array.from(iterable(operation, entries, category, 'entries', "e.g. [['a', 1]] or a Map"), (pair) => {
    if (!Array.isArray(pair) || pair.length !== 2)
      throw invalid(operation, category, 'each entry must be a pair of key and value')
    return [keyOf(operation, pair[0], category), pair[1]]
  })

export const tagsOf = (tags: unknown, category: string | undefined): readonly string[] => {
  if (Array.isArray(tags) && tags.every((tag) => typeof tag === 'string')) return tags
  throw invalid('invalidateTags', category, "tags must be an array of strings, e.g. ['lunch']")
}

export const invalid = (operation: Operation, category: unknown, message: string) =>
  cacheError('CACHE_INVALID_OPTION', message, { operation, category: nameOr(category) })

/** The category is what is wrong, so the text names none. */
const badCategory = (operation: Operation, message: string) =>
  completeError('CACHE_INVALID_OPTION', `cache.${operation}: ${message}`, { operation, category: nameOr(undefined) })

/** For an error that happens before the category is resolved. */
export const nameOr = (category: unknown): string => (typeof category === 'string' ? category : 'cache')

const keyOf = (operation: Operation, key: unknown, category: string | undefined): string =>
  assertKey(key, (problem) => cacheError('CACHE_INVALID_KEY', problem, { operation, category: nameOr(category) }))

const categoryName = (operation: Operation, name: unknown): string => {
  if (typeof name === 'string') return name
  throw badCategory(operation, `the category must be a string, e.g. 'menu', not ${kindOf(name)}`)
}

/** Only what the way from a step to the server can carry, so that nothing is silently lost on it. */
export const checkOption = (
  operation: Operation,
  category: string | undefined,
  option: string,
  value: unknown,
): void => {
  const names: readonly string[] = allowed[operation]
  if (!names.includes(option)) throw invalid(operation, category, unknownOption(option, ['category', ...names]))
  const carried =
    value === undefined ||
    typeof value === 'string' ||
    typeof value === 'number' ||
    typeof value === 'boolean' ||
    (option === 'tags' && Array.isArray(value) && value.every((tag) => typeof tag === 'string'))
  if (!carried)
    throw invalid(
      operation,
      category,
      option === 'tags' ? 'tags must be an array of strings' : `${option} can't be ${kindOf(value)}`,
    )
}

const iterable = (
  operation: Operation,
  input: unknown,
  category: string | undefined,
  what: string,
  hint: string,
): Iterable<unknown> => {
  if (typeof input === 'object' && input !== null && Symbol.iterator in input) return input as Iterable<unknown>
  throw invalid(operation, category, `${what} must be an array or another iterable, ${hint}, not ${kindOf(input)}`)
}

const example = (operation: Operation): string =>
  operation === 'increment' ? ', e.g. { by: 2 }' : ", e.g. { category: 'menu' }"

const kindOf = (value: unknown): string => {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  return value === undefined ? 'undefined' : `a value of type ${typeof value}`
}
