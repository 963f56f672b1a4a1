import { z } from 'zod'
import { key, name } from './asked.js'
import type { TreeNode } from './tree-node.js'

export const entryAsked = z.object({ category: name, key })

export interface EntryView {
  readonly category: string
  /** As it was asked for. */
  readonly key: string
  /** What to show for it: in a sensitive category not the key itself. */
  readonly label: string
  /** With the label for the key. */
  readonly redisKey: string
  readonly found: boolean
  /** An instance's name, 'embedded', 'motia-state' or 'l1'. */
  readonly source: string | undefined
  readonly stale: boolean
  readonly degraded: boolean
  readonly createdAt: number | undefined
  /** When it turns stale. */
  readonly expiresAt: number | undefined
  /** When it is gone, grace included. Undefined: never, or not known. */
  readonly endsAt: number | undefined
  readonly tags: readonly string[]
  readonly version: string | undefined
  /** As it lies in the store, and as it was before compression. */
  readonly sizeStored: number | undefined
  readonly sizeRaw: number | undefined
  /** The category is sensitive: its values and keys never leave the server. */
  readonly masked: boolean
  readonly value: TreeNode | undefined
}
