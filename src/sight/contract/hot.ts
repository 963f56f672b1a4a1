import type { MemoryRole } from './categories.js'

export interface HotView {
  readonly now: number
  /** Estimated from a sample of the reads since `since`; most read first, at most 50. Never of sensitive categories. */
  readonly read: readonly { readonly category: string; readonly key: string; readonly readsPerMinute: number }[]
  /** Of the keys that were sampled; largest first, at most 50. */
  readonly largest: readonly {
    readonly instance: string
    /** Of this key and no other on the instance; copies of an entry are keys, too. */
    readonly id: string
    readonly role: MemoryRole
    readonly category: string | undefined
    readonly key: string
    readonly bytes: number
  }[]
  readonly since: number
}
