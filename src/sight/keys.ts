import { checkKey } from '../codec/key.js'
import type { Asked, KeysView } from './contract.js'
import type { Looking } from './looking.js'
import { seenPage } from './refused.js'

/**
 * Pages of a category's keys. One page looks at no more than a bounded part of the instance, so that it is quick however
 * many keys lie there: a page may be empty and have a next one.
 */
export const createKeysView =
  ({ looking }: { readonly looking: Looking }) =>
  async ({ category: name, prefix, cursor, limit }: Asked['keys']): Promise<KeysView> => {
    const category = looking.category(name)
    const { enumerable, keyPrefix } = category.settings
    if (!enumerable) return { category: name, keys: [], cursor: undefined, partial: false, enumerable, foreign: 0 }
    const page = await category.shelf.scan(prefix, cursor, limit).catch((error) => {
      throw seenPage(error, cursor)
    })
    const there = new Set(page.keys.map((key) => key.slice(keyPrefix.length)))
    const keys = [...there].filter((key) => checkKey(key) === undefined)
    return {
      category: name,
      keys,
      cursor: page.cursor,
      partial: page.partial === true,
      enumerable,
      foreign: there.size - keys.length,
    }
  }
