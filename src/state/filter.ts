import type { JsonValue } from './value.js'

export type ItemType = 'string' | 'number' | 'boolean' | 'object' | 'array' | 'null'

export interface HotItem {
  groupId: string
  key: string
  type: ItemType
  value: JsonValue
}

export type FilterOperation =
  | 'eq'
  | 'neq'
  | 'gt'
  | 'gte'
  | 'lt'
  | 'lte'
  | 'contains'
  | 'notContains'
  | 'startsWith'
  | 'endsWith'
  | 'isNotNull'
  | 'isNull'

/** A filter as callers give it. Its value is typed as a text but comes out of an HTTP query, so it may be any JSON. */
export interface HotFilter {
  readonly valueKey: string
  readonly operation: FilterOperation
  readonly value: unknown
}

export const inferType = (value: JsonValue): ItemType => {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return typeof value as Exclude<ItemType, 'null' | 'array'>
}

/**
 * Whether an item passes every filter. The rule is the union of what Motia's adapters support:
 *
 * - What is looked at: the own top-level property `valueKey` of an object or array (Redis, memory, file); a string,
 *   number, boolean or null itself (Redis); for `valueKey: 'key'` also the item's key, and one match is enough
 *   (memory, file). Inherited properties are not data.
 * - How it is compared: `eq` and `neq` strictly; `gt gte lt lte` as JavaScript compares (Redis: 0 and '' compare
 *   too); `contains` and `notContains` on a string (Redis) or as membership of an array (memory, file), on anything
 *   else neither matches; `startsWith` and `endsWith` on a string; `isNull` and `isNotNull`: a missing property is null.
 * - Nothing throws: a property that is missing or can't be compared doesn't match. An unknown operation matches nothing.
 */
export const matchesFilters = (item: HotItem, filters: readonly HotFilter[]): boolean =>
  filters.every(
    (filter) =>
      matches(subject(item.value, filter), filter) || (filter.valueKey === 'key' && matches(item.key, filter)),
  )

const subject = (value: JsonValue, { valueKey }: HotFilter): unknown => {
  if (typeof value !== 'object' || value === null) return value
  return Object.hasOwn(value, valueKey) ? (value as Record<string, unknown>)[valueKey] : undefined
}

/** JavaScript throws where an object with a toString of its own is compared: such a thing doesn't match. */
const matches = (value: unknown, filter: HotFilter): boolean => {
  try {
    return compare(value, filter.operation, coerced(filter.value))
  } catch {
    return false
  }
}

/** The cast only says that JavaScript's own coercion is wanted, as in the built-in adapters. */
const coerced = (value: unknown): string => value as string

const compare = (value: unknown, operation: FilterOperation, wanted: string): boolean => {
  switch (operation) {
    case 'eq':
      return value === wanted
    case 'neq':
      return value !== wanted
    case 'gt':
      return coerced(value) > wanted
    case 'gte':
      return coerced(value) >= wanted
    case 'lt':
      return coerced(value) < wanted
    case 'lte':
      return coerced(value) <= wanted
    case 'contains':
      return (typeof value === 'string' || Array.isArray(value)) && value.includes(wanted)
    case 'notContains':
      return (typeof value === 'string' || Array.isArray(value)) && !value.includes(wanted)
    case 'startsWith':
      return typeof value === 'string' && value.startsWith(wanted)
    case 'endsWith':
      return typeof value === 'string' && value.endsWith(wanted)
    case 'isNotNull':
      return value !== null && value !== undefined
    case 'isNull':
      return value === null || value === undefined
    default:
      return false
  }
}
