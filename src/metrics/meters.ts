import type { Settings } from '../settings/settings.js'
import { type CategoryMeter, createCategoryMeter } from './category-meter.js'

/** What stands for every category that no configuration names: callers could make up any number of those. */
const UNLISTED = 'unlisted'

/** What is about no category but all, and what stands for them then. */
export const everywhere = Symbol('all categories')
const ALL = 'all'

/** A category's name; undefined: that of the key. */
export type Named = string | undefined | typeof everywhere

type Naming = Pick<Settings, 'categories' | 'inferCategory'>

/** What a call counts for, by its category and key, as the router takes them. Never throws. */
export const countedName = ({ categories, inferCategory }: Naming, category: Named, key: string): string => {
  if (category === everywhere) return ALL
  try {
    const named = category ?? inferCategory(key) ?? 'cache'
    return categories.has(named) ? named : UNLISTED
  } catch {
    return UNLISTED // the call itself fails by the same error
  }
}

/** A meter for each category. */
export interface Meters {
  of(category: Named, key: string): CategoryMeter
  /** Of the categories that were used. */
  all(): ReadonlyMap<string, CategoryMeter>
}

/** `now`: epoch ms. */
export const createMeters = (settings: Naming, now: () => number): Meters => {
  const meters = new Map<string, CategoryMeter>()
  return {
    of: (category, key) => {
      const name = countedName(settings, category, key)
      const known = meters.get(name) ?? createCategoryMeter(now)
      meters.set(name, known)
      return known
    },
    all: () => meters,
  }
}
