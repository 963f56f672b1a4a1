import type { Category } from '../cache/category.js'
import { checkKey } from '../codec/key.js'
import type { ScanPage } from '../instances/store.js'
import type { Asked, KeysView } from './contract.js'
import type { Looking } from './looking.js'
import { Refused, seenPage } from './refused.js'
import type { SealedKeys } from './sealed-keys.js'

/**
 * Pages of a category's keys. One page looks at no more than a bounded part of the instance, so that it is quick however
 * many keys lie there: a page may be empty and have a next one.
 */
export const createKeysView =
  ({ looking }: { readonly looking: Looking }) =>
  async (asked: Asked['keys']): Promise<KeysView> => {
    const category = looking.category(asked.category)
    const { name, enumerable, keyPrefix, sensitive } = category.settings
    const view = { category: name, enumerable, labels: undefined }
    if (!enumerable) return { ...view, keys: [], cursor: undefined, partial: false, foreign: 0 }
    const pageOf = sensitive ? sealedPage(looking.sealed) : openPage
    const {
      keys: found,
      cursor,
      partial,
    } = await pageOf(category, asked).catch((error) => {
      throw seenPage(error, asked.cursor)
    })
    const there = new Set(found.map((key) => key.slice(keyPrefix.length)))
    const keys = [...there].filter((key) => checkKey(key) === undefined)
    const shown = sensitive ? sealed(looking.sealed, name, keys) : { keys }
    return { ...view, ...shown, cursor, partial: partial === true, foreign: there.size - keys.length }
  }

type Page = (category: Category, asked: Asked['keys']) => Promise<ScanPage>

const openPage: Page = ({ shelf }, { prefix, cursor, limit }) => shelf.scan(prefix, cursor, limit)

/** Of a sensitive category: nothing that begins with a text is looked for, and the cursor, which may bear a key, is sealed. */
const sealedPage =
  ({ seal, open }: SealedKeys): Page =>
  async (category, { prefix: key, cursor, limit }) => {
    const { name } = category.settings
    if (key !== '') return only(category, key)
    const from = cursor === undefined ? undefined : open(name, cursor)
    if (cursor !== undefined && from === undefined)
      throw new Refused('cursor must be what the page before answered as its cursor')
    const page = await category.shelf.scan('', from, limit)
    return { ...page, cursor: page.cursor === undefined ? undefined : seal(name, page.cursor) }
  }

const only = async (category: Category, key: string): Promise<ScanPage> => {
  const problem = checkKey(key)
  if (problem !== undefined) throw new Refused(problem)
  const name = category.name(key)
  const found = await category.shelf.locate(name)
  if (found !== undefined) return { keys: [name.redisKey], cursor: undefined }
  // Whether all that may hold it could be asked is what a page of one tells.
  const { partial } = await category.shelf.scan('', undefined, 1)
  return { keys: [], cursor: undefined, ...(partial !== undefined && { partial }) }
}

const sealed = ({ seal, label }: SealedKeys, category: string, keys: readonly string[]) => {
  const labels = new Map(keys.map((key) => [seal(category, key), label(category, key)]))
  return { keys: [...labels.keys()], labels: Object.fromEntries(labels) }
}
