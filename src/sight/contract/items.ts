import { z } from 'zod'
import { cursor, limit, name, part } from './asked.js'
import type { TreeNode } from './tree-node.js'

/** `search`: a text that the item's key has in it. */
export const itemsAsked = z.object({ group: name, search: part, cursor, limit })

export interface ItemsView {
  readonly group: string
  readonly items: readonly { readonly key: string; readonly size: number; readonly value: TreeNode }[]
  readonly cursor: string | undefined
  readonly total: number | undefined
  readonly endsAt: number | undefined
}
