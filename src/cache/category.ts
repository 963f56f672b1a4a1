import { cacheError, type ErrorPlace } from '../errors.js'
import type { EntryName, Shelf, Shelves } from '../failover/shelf.js'
import type { Router } from '../routing/router.js'
import { reservedPrefix } from '../settings/key-pattern.js'
import type { CategorySettings, Settings } from '../settings/settings.js'

/** A category as the engine works on it. */
export interface Category {
  readonly settings: CategorySettings
  /** Its entries, wherever they are now. */
  readonly shelf: Shelf
  /** Entries of older code in this category's home, under raw keys. */
  readonly older: Shelf
  name(key: string): EntryName
  /** The raw key that older code used, where `legacyKeys` is on. */
  legacy(key: string): EntryName | undefined
  place(operation: string): ErrorPlace
  /** Where it is seen without its schema; see Place. */
  readonly unchecked: boolean
}

export type CategoryOf = (category: string | undefined, key: string, operation: string) => Category

export interface Categories {
  readonly categoryOf: CategoryOf
  /** Listed ones, and those that were used here. */
  names(): string[]
}

/** Names come from callers, so what is remembered of the unlisted ones is bounded. */
const MOST_REMEMBERED = 10_000

export const createCategories = (settings: Settings, router: Router, shelves: Shelves): Categories => {
  const known = new WeakMap<CategorySettings, Category>()
  const ours = reservedPrefix(settings.namespace)
  const unlisted = new Set<string>()
  const meet = (name: string): void => {
    if (settings.categories.has(name)) return
    const [oldest] = unlisted
    if (oldest !== undefined && unlisted.size >= MOST_REMEMBERED) unlisted.delete(oldest)
    unlisted.add(name)
  }
  const categoryOf: CategoryOf = (name, key, operation) => {
    const found = router.resolve(name, key, operation)
    let category = known.get(found)
    if (category === undefined) {
      category = createCategory(settings, unlisted, found, shelves)
      known.set(found, category)
      meet(found.name)
    }
    if (found.keyPrefix === '') refuseOurs(ours, found.name, key, operation)
    return category
  }
  return { categoryOf, names: () => [...settings.categories.keys(), ...unlisted] }
}

const createCategory = (
  all: Settings,
  unlisted: ReadonlySet<string>,
  settings: CategorySettings,
  shelves: Shelves,
): Category => {
  const { name, instance, keyPrefix } = settings
  return {
    settings,
    shelf: shelves.of(settings),
    older: shelves.older(instance),
    name: (key) => ({ key, redisKey: keyPrefix + key }),
    legacy:
      all.legacyKeys && keyPrefix !== ''
        ? (key) => (takenBefore(all, unlisted, settings, key) ? undefined : { key, redisKey: key })
        : () => undefined,
    place: (operation) => ({ category: name, operation }),
    unchecked: false,
  }
}

/** The same entries, without the schema. */
export const withoutSchema = (category: Category): Category => {
  if (category.settings.schema === undefined) return category
  return { ...category, settings: { ...category.settings, schema: undefined }, unchecked: true }
}

/** Where nothing stands before the key, a caller could name what is ours. */
const refuseOurs = (prefix: string, category: string, key: string, operation: string): void => {
  if (key.startsWith(prefix))
    throw cacheError('CACHE_INVALID_KEY', `keys that begin with '${prefix}' are motia-redis's own`, {
      category,
      operation,
    })
}

/**
 * A raw key must not reach what belongs to another category, or to us. An older key of the app ('order:17') looks like
 * the key of an unlisted category 'order', so only names that this process has really used as categories are refused:
 * refusing every name would hide the older keys that `legacyKeys` is for. A category that only other processes use
 * should be listed.
 */
const takenBefore = (all: Settings, unlisted: ReadonlySet<string>, own: CategorySettings, key: string): boolean => {
  const { namespace } = all
  if (key.startsWith(reservedPrefix(namespace))) return true
  const end = key.startsWith(namespace) ? key.indexOf(':', namespace.length) : -1
  const name = end === -1 ? own.name : key.slice(namespace.length, end)
  if (name !== own.name && unlisted.has(name)) return true
  for (const other of all.categories.values()) {
    if (other.name !== own.name && other.keyPrefix !== '' && key.startsWith(other.keyPrefix)) return true
  }
  return false
}
