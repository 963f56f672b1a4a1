import type { Landscape } from '../../failover/landscape.js'
import type { Shelf, Shelves } from '../../failover/shelf.js'
import { type Invalidation, keepsCopies } from '../../invalidation/invalidation.js'
import type { Settings } from '../../settings/settings.js'
import { createL1Shelf, type L1ShelfParts } from './l1-shelf.js'
import { type Copies, createMemory, noCopies } from './memory.js'

/** Of all categories together. */
const MOST_BYTES = 64 * 1024 * 1024

/** What is kept in this process of each category that has copies here. */
export type CopiesOf = (category: string) => Readonly<Copies> | undefined

/** The shelves, those of categories with `l1` with copies of their entries in this process. */
export const withL1 = <S extends Shelves>(
  shelves: S,
  parts: {
    readonly settings: Settings
    readonly landscape: Pick<Landscape, 'calm' | 'behind'>
    readonly invalidation: Invalidation
    /** For tests. */
    readonly maxBytes?: number
    readonly weakened?: L1ShelfParts['weakened']
  },
): S & { readonly copies: CopiesOf } => {
  const { settings, landscape, invalidation, weakened } = parts
  const memory = createMemory(parts.maxBytes ?? MOST_BYTES)
  const copies = new Map<string, Copies>()
  const copiesOf = (category: string): Copies => {
    const known = copies.get(category) ?? noCopies()
    copies.set(category, known)
    return known
  }
  const of: Shelves['of'] = (category): Shelf => {
    const shelf = shelves.of(category)
    const { instance, mirror } = category
    const changes = keepsCopies(settings, category) ? invalidation.of(instance) : undefined
    if (changes === undefined) return shelf
    // A home without all of its kept data is not the truth of that.
    const calm = (): boolean => landscape.calm(instance) && !(mirror && landscape.behind(instance))
    return createL1Shelf(category, shelf, { memory, changes, calm, weakened, copies: copiesOf(category.name) })
  }
  return { ...shelves, of, copies: (category) => copies.get(category) }
}
