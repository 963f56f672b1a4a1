import type { KeyPage } from '../../types/index.js'
import type { Encoded } from '../codec/payload.js'

/**
 * The cache's operations on encoded values. The server process implements them over the stores; a step
 * process calls the same operations over its channel. One client (client.ts) turns them into the public
 * `Cache` in both places, so that answers, errors and types are the same.
 *
 * Every method rejects with a CacheError only, except that `acquire` also passes on a factory's own error,
 * which somebody else's computation of the key ended with. `category: undefined` means: infer, else 'cache'.
 */
export interface CacheEngine {
  get(at: Place): Promise<Encoded | undefined>
  getMany(at: ManyPlace): Promise<[key: string, value: Encoded][]>
  getEntry(at: Place): Promise<EncodedEntry | undefined>
  has(at: Place): Promise<boolean>
  set(at: Place, value: Encoded, options: EncodedWriteOptions): Promise<void>
  setMany(
    category: string | undefined,
    entries: readonly [key: string, value: Encoded][],
    options: EncodedWriteOptions,
  ): Promise<void>
  delete(at: Place): Promise<boolean>
  deleteMany(at: ManyPlace): Promise<number>
  expire(at: Place): Promise<boolean>
  touch(at: Place, ttl: unknown): Promise<boolean>
  increment(at: Place, options: { readonly by?: unknown; readonly ttl?: unknown }): Promise<number>
  invalidateTags(category: string | undefined, tags: readonly string[]): Promise<number>
  /** How many entries went; undefined: not known. */
  clear(category: string): Promise<number | undefined>
  keys(
    category: string,
    options: { readonly prefix?: unknown; readonly cursor?: unknown; readonly limit?: unknown },
  ): Promise<KeyPage>
  /**
   * First half of getOrSet: a hit, or the right to compute. While somebody else computes the key, this waits
   * for the outcome and shares it (the value, or the rejection); where there is a stale value, for softTimeout at most.
   * `signal`: the caller is gone, stop waiting; a lease that was granted all the same must be released by whoever gets it.
   */
  acquire(at: Place, options: AcquireOptions, signal?: AbortSignal): Promise<Acquired>
}

export interface Place {
  readonly category: string | undefined
  readonly key: string
  /**
   * What is kept there is none of the category's values (a whole response): its schema isn't asked, on the way in or
   * out. To everybody who doesn't say so it is a miss unless it matches. For `getEntry` and `acquire`.
   */
  readonly unchecked?: true
}
export interface ManyPlace {
  readonly category: string | undefined
  readonly keys: readonly string[]
}

/** What a getMany found in spite of its error: on the error, for the client to decode. Plain values, as they cross the channel. */
export type Hits = readonly (readonly [key: string, value: Encoded])[]
export interface WithHits {
  readonly hits?: Hits
}

/** Durations and tags as the caller gave them; the engine validates. */
export interface EncodedWriteOptions {
  readonly ttl?: unknown
  readonly grace?: unknown
  readonly tags?: unknown
}
export interface AcquireOptions extends EncodedWriteOptions {
  readonly softTimeout?: unknown
  readonly hardTimeout?: unknown
  readonly fresh?: unknown
}

export interface EncodedEntry {
  readonly value: Encoded
  readonly source: string
  readonly stale: boolean
  readonly degraded: boolean
  readonly createdAt: number
  readonly expiresAt: number
  readonly tags: readonly string[]
  readonly version: string
  readonly redisKey: string
}

/** hit: the value to answer, which may be a stale one; undefined: there is nothing. */
export type Acquired =
  | { readonly outcome: 'hit'; readonly value: Encoded | undefined; readonly stale?: true }
  | { readonly outcome: 'lease'; readonly lease: Lease; readonly stale?: Stale | undefined }

/** What to answer when the computation fails, or takes longer than `patience` ms. Then it goes on, for those who come later. */
export interface Stale {
  readonly value: Encoded
  /** 0: at once. */
  readonly patience: number
}

/** The right to compute one key. Exactly one of fill, skip, fail, release ends it; later calls do nothing. */
export interface Lease {
  /** The resolved category name. */
  readonly category: string
  /** ms the factory may take. */
  readonly hardTimeout: number
  /** Stores the value (undefined: remembered as absent for negativeTtl) and answers what a reader would now get. */
  fill(value: Encoded | undefined, options: EncodedWriteOptions): Promise<Encoded | undefined>
  /** Shares the value with the waiters, stores nothing. */
  skip(value: Encoded | undefined): Promise<Encoded | undefined>
  /** The factory failed: waiters get the same rejection, or the stale value where there is one, also those who come soon. */
  fail(error: unknown): void
  /** The holder is gone (a step died): one waiter takes over. Whoever renews a stale value next shall wait for it. */
  release(): void
}
