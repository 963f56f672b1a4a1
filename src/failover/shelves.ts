import { isOutage } from '../instances/instance.js'
import type { Layout } from '../instances/layout.js'
import { type Store, StoreError } from '../instances/store.js'
import { rawCategory } from '../settings/categories.js'
import type { CategorySettings } from '../settings/settings.js'
import { createCachedShelf } from './cached/cached-shelf.js'
import { everywhere } from './journal/journal-entries.js'
import { createKeptShelf } from './kept/kept-shelf.js'
import type { OwnWrites } from './kept/own-writes.js'
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
  readonly own?: OwnWrites | undefined
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
  /** Of an instance that can't be asked now: what other processes have there goes on replay. */
  const invalidateAt = async (name: string, tags: readonly string[]): Promise<readonly string[]> => {
    const instance = landscape.instances.get(name)
    try {
      return (await instance?.invalidateEverywhere(tags)) ?? []
    } catch (error) {
      if (!(error instanceof StoreError) || !isOutage(error)) throw error
      const { journal } = landscape
      if (journal === undefined) throw error
      await journal.append(
        name,
        tags.map((tag) => ({ kind: 'invalid-tag', scope: everywhere, tag }) as const),
      )
      parts.outages.enter(name, () => journal.stats(name).entries)
      return []
    }
  }
  const older = new Map<string, Shelf>()
  return {
    of,
    invalidateEverywhere: async (tags: readonly string[]): Promise<ReadonlySet<string>> => {
      const found = await Promise.all([
        ...[...embedded.values()].map((store) => store.invalidateEverywhere(tags)),
        ...[...landscape.instances.keys()].map((name) => invalidateAt(name, tags)),
      ])
      return new Set(found.flat())
    },
    older: (instance: string): Shelf => {
      const known = older.get(instance) ?? of(rawCategory(instance))
      older.set(instance, known)
      return known
    },
  }
}
