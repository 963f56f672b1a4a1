import { LRUCache } from 'lru-cache'
import type { Held } from '../../failover/shelf.js'

/**
 * What an entry takes besides its text and its key: about 550 bytes for the objects around it and what a reader usually
 * leaves beside it, and what a heap of that size needs so that it can be swept (bench/l1-memory.ts).
 */
const OVERHEAD = 1_000

export interface Kept extends Held {
  /** performance.now() from which it isn't answered any more. */
  readonly until: number
  /** Of which time of its category it is: what was kept before a flush is of an earlier one. */
  readonly era: number
}

/** What there is of one category. */
export interface Copies {
  entries: number
  /** As they are counted. */
  bytes: number
  /** Since the start: they made room for others. */
  evicted: number
  /** Since the start: they were what a reader got. */
  hits: number
}

export const noCopies = (): Copies => ({ entries: 0, bytes: 0, evicted: 0, hits: 0 })

/** Copies of entries by Redis key, of all categories together: the ones used last, in so many bytes. */
export interface Memory {
  get(redisKey: string): Kept | undefined
  /** `copies`: of its category. */
  set(redisKey: string, entry: Pick<Kept, 'text' | 'until' | 'era'>, copies: Copies): void
  delete(redisKey: string): void
  /** As it is counted. */
  bytes(): number
}

type Entries = LRUCache<string, Entry>

/** A class, because a closure for each entry would take as much memory again as the rest of it. */
class Entry implements Kept {
  opened: unknown
  /** As it is counted. */
  size = 0

  constructor(
    private readonly entries: Entries,
    private readonly redisKey: string,
    readonly text: string,
    readonly until: number,
    readonly era: number,
    readonly copies: Copies,
  ) {}

  remember(opened: unknown, bytes: number): void {
    this.opened = opened
    if (bytes === 0 || this.entries.peek(this.redisKey) !== this) return
    // The same value under the same key would keep its old weight.
    this.entries.delete(this.redisKey)
    this.put(bytes)
  }

  put(more: number): void {
    const size = OVERHEAD + bytesOf(this.redisKey) + bytesOf(this.text) + more
    this.size = size
    this.entries.set(this.redisKey, this, { size })
    if (this.entries.peek(this.redisKey) !== this) return // larger than all there is room for
    this.copies.entries++
    this.copies.bytes += size
  }

  gone(evicted: boolean): void {
    this.copies.entries--
    this.copies.bytes -= this.size
    if (evicted) this.copies.evicted++
  }
}

export const createMemory = (maxBytes: number): Memory => {
  const entries: Entries = new LRUCache<string, Entry>({
    maxSize: maxBytes,
    dispose: (entry, _, reason) => entry.gone(reason === 'evict'),
  })
  return {
    get: (redisKey) => entries.get(redisKey),
    set: (redisKey, { text, until, era }, copies) => new Entry(entries, redisKey, text, until, era, copies).put(0),
    delete: (redisKey) => void entries.delete(redisKey),
    bytes: () => entries.calculatedSize,
  }
}

/** A string takes one byte for each unit, or two if any of them needs them. */
const bytesOf = (text: string): number => (Buffer.byteLength(text) === text.length ? text.length : text.length * 2)
