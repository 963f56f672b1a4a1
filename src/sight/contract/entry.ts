import { z } from 'zod'
import { name } from './asked.js'
import type { TreeNode } from './tree-node.js'

export const entryAsked = z.object({ category: name, key: name })

export interface EntryView {
  readonly category: string
  readonly key: string
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
  /** The category is sensitive: its values never leave the server. */
  readonly masked: boolean
  readonly value: TreeNode | undefined
}
