import type { Shelves } from '../../src/failover/shelf.ts'
import { createStraightShelf } from '../../src/failover/straight-shelf.ts'
import type { Store } from '../../src/instances/store.ts'
import { rawCategory } from '../../src/settings/categories.ts'
import type { CategorySettings } from '../../src/settings/settings.ts'

/** Every category straight on the store of its instance: the cache without failover. */
export const straightShelves = (stores: ReadonlyMap<string, Store>): Shelves => {
  const shelf = (category: CategorySettings) => {
    const store = stores.get(category.instance)
    if (store === undefined) throw new Error(`no instance ${category.instance}`)
    return createStraightShelf(category, store)
  }
  return {
    of: shelf,
    older: (instance) => shelf(rawCategory(instance)),
    invalidateEverywhere: async (tags) => {
      const found = await Promise.all([...stores.values()].map((store) => store.invalidateEverywhere(tags)))
      return new Set(found.flat())
    },
  }
}
