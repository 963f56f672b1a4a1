import type { Layout } from '../instances/layout.js'
import type { Store } from '../instances/store.js'
import { rawCategory } from '../settings/categories.js'
import type { CategorySettings } from '../settings/settings.js'
import { createCachedShelf } from './cached/cached-shelf.js'
import { createKeptShelf } from './kept/kept-shelf.js'
import type { Landscape } from './landscape.js'
import type { Shelf } from './shelf.js'
import type { Outages } from './stand-in/outages.js'
import { createFailClosedShelf, createStraightShelf } from './straight-shelf.js'

/** The shelf of each category, by what its policy says about outages. */
export const createShelves = (parts: {
  readonly landscape: Landscape
  readonly outages: Outages
  readonly layout: Layout
  /** Instances that are embedded, by name. */
  readonly embedded: ReadonlyMap<string, Store>
  readonly now: () => number
}) => {
  const { landscape, embedded } = parts
  const of = (category: CategorySettings): Shelf => {
    const { instance, mirror, onOutage } = category
    const store = embedded.get(instance)
    if (store !== undefined) return createStraightShelf(category, store)
    const home = landscape.instances.get(instance)
    if (home === undefined) throw new Error(`no instance '${instance}' is configured`)
    if (mirror) return createKeptShelf(category, home, parts)
    return onOutage === 'fail-closed'
      ? createFailClosedShelf(category, home, landscape)
      : createCachedShelf(category, home, parts)
  }
  const older = new Map<string, Shelf>()
  return {
    of,
    older: (instance: string): Shelf => {
      const known = older.get(instance) ?? of(rawCategory(instance))
      older.set(instance, known)
      return known
    },
  }
}
