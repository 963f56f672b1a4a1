import { isCacheError } from '../../errors.js'
import type { Shelves } from '../../failover/shelf.js'
import type { Category, CategoryOf } from '../category.js'
import { part, whole } from '../parts.js'
import { fromStore } from '../store-errors.js'
import { invalidatedTags } from './check-tags.js'

export interface InvalidatingParts {
  readonly categoryOf: CategoryOf
  /** Names of those that this process knows: listed ones, and what it met. */
  readonly known: () => Iterable<string>
  readonly shelves: Pick<Shelves, 'invalidateEverywhere'>
  /** Told when an invalidation leaves; `category` undefined: in all. */
  readonly invalidating: (category: string | undefined, tags: readonly string[]) => void
}

/** invalidateTags: the entries that bear any of the tags go, in one category or in all; answers how many. */
export const createInvalidating = ({ categoryOf, known, shelves, invalidating }: InvalidatingParts) => {
  /** One that others wrote under a name that can't be used here has no entries for anybody here. */
  const ifUsable = (name: string): Category | undefined => {
    try {
      return categoryOf(name, '', OPERATION)
    } catch (error) {
      if (isCacheError(error)) return undefined
      throw error
    }
  }

  const inAll = async (tags: readonly string[]): Promise<number> => {
    const tagged = await shelves.invalidateEverywhere(tags).catch((error: unknown) => {
      throw fromStore(error, { category: 'cache', operation: OPERATION })
    })
    const categories = [...new Set([...known(), ...tagged])].flatMap((name) => ifUsable(name) ?? [])
    let removed = 0
    const ended = await Promise.all(
      categories.map((category) =>
        part(
          category.shelf.invalidate(tags, tagged).then((count) => {
            removed += count
          }),
        ),
      ),
    )
    const failed = categories.find((_, i) => ended[i]?.error !== undefined)
    if (failed !== undefined) whole(ended, failed.place(OPERATION))
    return removed
  }

  return async (name: string | undefined, given: unknown): Promise<number> => {
    const category = name === undefined ? undefined : categoryOf(name, '', OPERATION)
    const tags = invalidatedTags(given, { category: name ?? 'cache', operation: OPERATION })
    if (tags.length === 0) return 0
    invalidating(name, tags)
    if (category === undefined) return inAll(tags)
    return category.shelf.invalidate(tags).catch((error: unknown) => {
      throw fromStore(error, category.place(OPERATION))
    })
  }
}

const OPERATION = 'invalidateTags'
