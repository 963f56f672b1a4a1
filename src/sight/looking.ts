import { type Category, createCategories } from '../cache/category.js'
import { checkKey } from '../codec/key.js'
import type { Shelves } from '../failover/shelf.js'
import { createRouter } from '../routing/router.js'
import type { Settings } from '../settings/settings.js'
import { Refused, seen } from './refused.js'
import { createSealedKeys, type SealedKeys } from './sealed-keys.js'

/** The categories as somebody sees them who only looks: what he asks for is nobody's use of the cache. */
export interface Looking {
  /** Throws Refused for what is no category. `key`: of an entry. */
  category(name: string, key?: string): Category
  /** The key that somebody names in that category, itself or by what stands for it. Throws Refused for what no longer does. */
  keyOf(name: string, named: string): string
  readonly sealed: SealedKeys
}

/** `shelves`: those of failover, without the copies in this process's memory. */
export const createLooking = (settings: Settings, shelves: Shelves): Looking => {
  // One of its own, that says nothing of what is listed nowhere: it isn't used by being looked at.
  const silent = createRouter(settings, () => undefined)
  const sealed = createSealedKeys()
  const { categoryOf } = createCategories(settings, silent, shelves)
  return {
    sealed,
    keyOf: (name, named) => {
      if (settings.categories.get(name)?.sensitive !== true || !sealed.isSealed(named)) return named
      const key = sealed.open(name, named)
      if (key === undefined)
        throw new Refused('this stood for a key in a server process before this one: list the keys again')
      return key
    },
    category: (name, key) => {
      const problem = key === undefined ? undefined : checkKey(key)
      if (problem !== undefined) throw new Refused(problem)
      try {
        return categoryOf(name, key ?? '', 'look')
      } catch (error) {
        throw seen(error)
      }
    },
  }
}
