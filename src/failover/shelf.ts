import type { ScanPage } from '../instances/store.js'
import type { CategorySettings } from '../settings/settings.js'

/** One entry's names. */
export interface EntryName {
  /** As callers know it: what the journal and the markers go by. */
  readonly key: string
  /** Where it lies at home. */
  readonly redisKey: string
}

export interface ShelfWrite extends EntryName {
  /** As it lies in the store. An envelope of kept data gets its version from the shelf. */
  readonly text: string
  /** Physical end, epoch ms. */
  readonly endsAt: number
  /** Tags in the envelope. */
  readonly tags?: readonly string[] | undefined
}

/** A text, and where it came from. */
export interface Located {
  readonly text: string
  /** An instance's name, or 'embedded'. */
  readonly source: string
  /** It isn't from home, or home can't be trusted to have the last word now. */
  readonly degraded: boolean
}

/** What somebody who found no fresh value asks for. */
export interface LeaseAsk {
  /** How long it lasts without being renewed. */
  readonly ms: number
  /** What the asker found at the key: another text that lies there by now is answered instead. Without: whatever lies there. */
  readonly seen?: { readonly text: string | undefined }
  /**
   * That somebody failed a moment ago doesn't matter: the asker has no stale value to answer meanwhile, and didn't wait
   * for the one who failed. Then the answer is never `failed`.
   */
  readonly despiteFailure?: boolean
}

/**
 * lease: the right to compute. found: what somebody stored since the asker looked. held: somebody else computes.
 * failed: somebody's computation failed, and for so many ms nobody shall try again.
 */
export type LeaseAnswer =
  | { readonly lease: ShelfLease }
  | { readonly found: string }
  | { readonly held: true }
  | { readonly failed: number }

/** The right to compute the value of one key, until it is filled or released, isn't renewed any more, or is broken. */
export interface ShelfLease {
  /** Other processes see it. Where no place can keep it now, it is this process's alone, which has to keep order itself. */
  readonly shared: boolean
  /** A refresh of the key died with its step: this one shall be waited for. */
  readonly noted: boolean
  /**
   * Stores the value and ends the lease, in one step. 'overtaken': something was written, deleted or invalidated since
   * the grant, or nobody can tell any more, because the place of the lease is lost; then nothing was stored. Rejects
   * with what speaks against this one write.
   */
  fill(write: ShelfWrite): Promise<'stored' | 'overtaken'>
  /** For so many ms from now. False: it is over, and a fill would be overtaken. Never rejects. */
  renew(ms: number): Promise<boolean>
  /**
   * Ends it without a value. `failed`: ms for which nobody shall try again. `died`: the next holder is told by `noted`.
   * Never rejects: where it doesn't arrive, the lease ends by itself.
   */
  release(why?: { readonly failed: number } | { readonly died: true }): Promise<void>
}

/** A copy in this process. */
export interface Held {
  readonly text: string
  /** What a reader made of the text, if it left that here. */
  readonly opened: unknown
  /** Keeps that for the next; `bytes`: what it takes besides the text. */
  remember(opened: unknown, bytes: number): void
}

/**
 * The entries of one category, wherever they are now: at home, on a stand-in, on the mirror, in the embedded store. The
 * cache works on this and knows nothing of outages. Every call has the deadline of one call to home, whatever it takes.
 * Rejects with a StoreError: that of home where nothing could take its place; kind 'journal' where a write needed the
 * journal in vain.
 */
export interface Shelf {
  read(name: EntryName): Promise<string | undefined>
  /** In the order asked. Of cached data what can't be read now is undefined; of kept data nothing is answered then. */
  readMany(names: readonly EntryName[]): Promise<(string | undefined)[]>
  locate(name: EntryName): Promise<Located | undefined>
  /** As readMany. */
  locateMany(names: readonly EntryName[]): Promise<(Located | undefined)[]>
  write(entries: readonly ShelfWrite[]): Promise<void>
  /** For each whether something was there, as far as that is known. */
  remove(names: readonly EntryName[]): Promise<boolean[]>
  /** Replace `expected` by `text` if it is still there unchanged. */
  swap(name: EntryName, expected: string, next: Omit<ShelfWrite, keyof EntryName>): Promise<boolean>
  /** Remaining life in ms; undefined if absent, Infinity without an end. */
  life(name: EntryName): Promise<number | undefined>
  /** Rejects with kind 'not-a-number' or 'out-of-range'. In an outage: what is known here. */
  increment(name: EntryName, by: number, endsAt: number): Promise<number>
  /** Keys as at home: they begin with the category's prefix, then `prefix`. */
  scan(prefix: string, cursor: string | undefined, limit: number): Promise<ScanPage>
  /** How many entries went; undefined: not known, as in an outage of home. */
  clear(): Promise<number | undefined>
  /**
   * Removes every entry that bears any of the tags; how many, as far as that is known. At least one tag. `tagged`: what
   * `Shelves.invalidateEverywhere` answered for them a moment ago.
   */
  invalidate(tags: readonly string[], tagged?: ReadonlySet<string>): Promise<number>
  /**
   * The right to compute the value of a key, over all processes. Every write, removal and invalidation of the key that
   * comes later is heeded by its `fill`. Rejects only where the category fails closed. src/cache/leases waits for it and
   * renews it.
   */
  lease(name: EntryName, ask: LeaseAsk): Promise<LeaseAnswer>
  /** What `read` would answer from this process at once, without a promise. */
  peek?(name: EntryName): Held | undefined
  /**
   * Calls `wake` once, as soon as it is heard that the key may have changed; nobody promises that it is. Answers how to
   * stop that.
   */
  onChanged?(name: EntryName, wake: () => void): () => void
}

export interface Shelves {
  of(category: CategorySettings): Shelf
  /** Raw keys of older code on an instance. */
  older(instance: string): Shelf
  /**
   * The tags are invalidated in all categories, also those that only other processes know: names of categories that have
   * entries with tags. Each of them, and those that are known here, are to be invalidated by themselves.
   */
  invalidateEverywhere(tags: readonly string[]): Promise<ReadonlySet<string>>
}
