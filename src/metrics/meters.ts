import type { Settings } from '../settings/settings.js'
import { type CategoryMeter, createCategoryMeter } from './category-meter.js'

/** What stands for every category that no configuration names: callers could make up any number of those. */
const UNLISTED = 'unlisted'

/** A meter for each category. */
export interface Meters {
  /** By a call's category and key, as the router takes them. Never throws. */
  of(category: string | undefined, key: string): CategoryMeter
  /** Of the categories that were used. */
  all(): ReadonlyMap<string, CategoryMeter>
}

/** `now`: epoch ms. */
export const createMeters = (
  { categories, inferCategory }: Pick<Settings, 'categories' | 'inferCategory'>,
  now: () => number,
): Meters => {
  const meters = new Map<string, CategoryMeter>()

  const nameOf = (category: string | undefined, key: string): string => {
    if (category !== undefined) return category
    try {
      return inferCategory(key) ?? 'cache'
    } catch {
      return UNLISTED // the call itself fails by the same error
    }
  }
  return {
    of: (category, key) => {
      const named = nameOf(category, key)
      const name = categories.has(named) ? named : UNLISTED
      const known = meters.get(name) ?? createCategoryMeter(now)
      meters.set(name, known)
      return known
    },
    all: () => meters,
  }
}
