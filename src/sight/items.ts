import { checkKey } from '../codec/key.js'
import type { GroupStore } from '../instances/store.js'
import { parse } from '../state/value.js'
import type { Asked, ItemsView, TreeNode } from './contract.js'
import { Refused, seenPage } from './refused.js'
import { MOST_SHOWN, treeOf } from './tree.js'

/** Characters shown of all items of a page; a small share of it each item has in any case. */
const MOST_OF_ALL = 400_000
const LEAST_OF_ONE = 4_000

/** The items of a group in pages. The fewer there are on a page, the more of each is shown. */
export const createItemsView =
  ({ groups }: { readonly groups: Pick<GroupStore, 'itemPage'> }) =>
  async ({ group, search, cursor, limit }: Asked['items']): Promise<ItemsView> => {
    const problem = checkKey(group, 'group')
    if (problem !== undefined) throw new Refused(problem)
    const page = await groups.itemPage(group, { search, cursor, limit }).catch((error) => {
      throw seenPage(error, cursor)
    })
    const share = Math.floor(MOST_OF_ALL / Math.max(1, page.items.length))
    const most = Math.min(MOST_SHOWN, Math.max(LEAST_OF_ONE, share))
    return {
      ...page,
      group,
      items: page.items.map(([key, text]) => ({ key, size: Buffer.byteLength(text), value: treeIn(text, most) })),
    }
  }

const treeIn = (text: string, most: number): TreeNode => {
  const parsed = parse(text)
  return parsed === undefined ? { type: 'corrupt', text: 'it is no JSON' } : treeOf(parsed.value, most)
}
