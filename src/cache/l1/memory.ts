import { LRUCache } from 'lru-cache'
import type { Held } from '../../failover/shelf.js'

/** What an entry takes besides its text and its key: the objects around it, and what a reader keeps beside the text. */
const OVERHEAD = 500

export interface Kept extends Held {
  /** performance.now() from which it isn't answered any more. */
  readonly until: number
  /** Of which time of its category it is: what was kept before a flush is of an earlier one. */
  readonly era: number
}

/** Copies of entries by Redis key, of all categories together: the ones used last, in so many bytes. */
export interface Memory {
  get(redisKey: string): Kept | undefined
  set(redisKey: string, kept: Kept): void
  delete(redisKey: string): void
  /** As it is counted. */
  bytes(): number
}

export const createMemory = (maxBytes: number): Memory => {
  const entries = new LRUCache<string, Kept>({ maxSize: maxBytes })
  return {
    get: (redisKey) => entries.get(redisKey),
    set: (redisKey, kept) => {
      entries.set(redisKey, kept, { size: OVERHEAD + bytesOf(redisKey) + bytesOf(kept.text) })
    },
    delete: (redisKey) => void entries.delete(redisKey),
    bytes: () => entries.calculatedSize,
  }
}

/** A string takes one byte for each unit, or two if any of them needs them. */
const bytesOf = (text: string): number => (Buffer.byteLength(text) === text.length ? text.length : text.length * 2)
