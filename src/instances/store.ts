/**
 * What the cache and the state adapter need of a place that keeps data. A Redis instance and the
 * embedded store both are one; test/contract/store.ts runs the same suite over both.
 *
 * Texts are stored as they are. Times are absolute epoch ms, so a slow call never lengthens a life.
 * Every call ends by its deadline: it rejects with a StoreError, never hangs.
 */
export interface Store extends EntryStore, GroupStore, LeaseStore {
  readonly name: string
  health(): StoreHealth
  close(): Promise<void>
}

/** How long a call may take, in ms from now, shared by all attempts. Undefined: the store's rule for reads or writes. */
export interface CallOptions {
  readonly timeout?: number
}

export interface ClearOptions extends CallOptions {
  /** Nobody uses what lies there any more: there are no leases to break. */
  readonly abandoned?: boolean
}

export interface EntryWrite {
  readonly key: string
  readonly text: string
  /** Physical end, by this machine's clock. */
  readonly endsAt: number
  /** By which `removeTagged` finds it. The text names them too. */
  readonly tags?: Tags | undefined
  /** Its text says nothing of when it was written, so another one may be the same: it breaks a lease on the key. */
  readonly bare?: boolean
}

/** What an entry is labelled with. Each category has tags of its own. */
export interface Tags {
  readonly category: string
  /** At least one. */
  readonly names: readonly string[]
}

export interface ScanPage {
  readonly keys: readonly string[]
  /** Undefined at the end. Opaque. */
  readonly cursor: string | undefined
  /** Some that belong here may be missing, because an instance is away. */
  readonly partial?: true
}

/** Foreign types (a hash at an entry's key) read as undefined, like what is absent; `write` replaces them. */
export interface EntryStore {
  /** One key. Reads of one tick travel together. */
  read(key: string, options?: CallOptions): Promise<string | undefined>
  /** Many keys by single-key commands, in as few round trips as their size allows; in the order asked. */
  readMany(keys: readonly string[], options?: CallOptions): Promise<(string | undefined)[]>
  /** One or many entries, one round trip. */
  write(entries: readonly EntryWrite[], options?: CallOptions): Promise<void>
  /** For each key whether something was there. One round trip. */
  remove(keys: readonly string[], options?: CallOptions): Promise<boolean[]>
  /** Replace `expected` by `text` if it is still there unchanged, atomically. */
  swap(key: string, expected: string, next: Omit<EntryWrite, 'key'>, options?: CallOptions): Promise<boolean>
  /**
   * Removes the entries of the category that bear any of the tags; how many. In batches, each with the deadline: stopped
   * in between, what is left is found by the next call. What is written meanwhile may go as well. `marked`: by
   * `invalidateEverywhere` already.
   */
  removeTagged(tags: Tags, options?: CallOptions & { readonly marked?: boolean }): Promise<number>
  /**
   * Marks the tags as invalidated in all categories, for those who are computing something. Answers which categories have
   * entries with tags here; each is to be removed from by itself.
   */
  invalidateEverywhere(tags: readonly string[], options?: CallOptions): Promise<string[]>
  /** Physical remaining life of an entry in ms, or undefined if absent. Infinity without TTL. */
  life(key: string, options?: CallOptions): Promise<number | undefined>
  /**
   * Add to a counter, atomically. Absent or expired: starts at 0 and lives until `endsAt`; else its life stays.
   * A stored envelope that holds a safe integer becomes a bare integer. Rejects with kind 'not-a-number' or 'out-of-range'.
   */
  increment(key: string, by: number, endsAt: number, options?: CallOptions): Promise<number>
  /** Keys that start with the literal prefix (no pattern characters have meaning), in pages of about `limit`; duplicates possible across pages, order unspecified. */
  scan(prefix: string, cursor: string | undefined, limit: number, options?: CallOptions): Promise<ScanPage>
  /** Remove every key that starts with the literal prefix; the number removed. In batches; each batch has the deadline. */
  clear(prefix: string, options?: ClearOptions): Promise<number>
}

/**
 * ms that a lease lasts at most without being renewed. A value that lives longer than that can't come and go unnoticed:
 * `renew` finds it. A write of a shorter life breaks the lease at its key, as every removal does.
 */
export const LONGEST_LEASE = 5_000

/** A lease on what lies at one key. */
export interface LeaseName {
  readonly key: string
  /** Nobody else's. */
  readonly token: string
  /** A `clear` of this prefix breaks it. */
  readonly scope: string
}

export interface LeaseRequest {
  /** At most LONGEST_LEASE. */
  readonly ms: number
  /** Another text that lies there by now is answered instead. Without: whatever lies there. */
  readonly seen?: { readonly text: string | undefined } | undefined
  /** A failure that is noted there doesn't matter. */
  readonly despiteFailure?: boolean | undefined
}

/** died: a holder before this one did. found: what lies there. held: by somebody else. failed: ms for which nobody shall try. */
export type Grant =
  | { readonly granted: true; readonly died: boolean }
  | { readonly found: string }
  | { readonly held: true }
  | { readonly failed: number }

/** failed: ms for which nobody shall try again. died: the next holder hears of it. */
export type LeaseEnd = { readonly failed: number } | { readonly died: true }

/**
 * The right to compute what lies at a key, held by one at a time over all processes. It is broken by each removal,
 * clear, swap and increment, by writes that are `bare` or of a short life, and by any other text at the key; a fill under a broken one stores nothing.
 */
export interface LeaseStore {
  grant(lease: LeaseName, request: LeaseRequest, options?: CallOptions): Promise<Grant>
  /** For `ms` from now. False: it ended, or is broken. */
  renew(lease: LeaseName, ms: number, options?: CallOptions): Promise<boolean>
  /** Stores the text and ends the lease, atomically. False: it had ended, or is broken, also by an invalidation of one of its tags. */
  fill(lease: LeaseName, entry: Omit<EntryWrite, 'key'>, options?: CallOptions): Promise<boolean>
  release(lease: LeaseName, end?: LeaseEnd, options?: CallOptions): Promise<void>
}

/**
 * Named groups of named texts: workflow state. Cost follows the group, never the keyspace. Another type of data at a
 * group's key reads as a group that holds nothing; groupSet and groupDelete reject with kind 'refused', groupClear removes it.
 */
export interface GroupStore {
  groupGet(group: string, field: string, options?: CallOptions): Promise<string | undefined>
  /** `ttl`: ms the whole group lives from now, sliding; false = for ever. Rejects with kind 'too-large' at maxItems. */
  groupSet(
    group: string,
    field: string,
    text: string,
    ttl: number | false,
    maxItems: number,
    options?: CallOptions,
  ): Promise<void>
  /** Atomic; answers what was there. */
  groupDelete(group: string, field: string, options?: CallOptions): Promise<string | undefined>
  groupAll(group: string, options?: CallOptions): Promise<[field: string, text: string][]>
  groupFields(group: string, options?: CallOptions): Promise<string[]>
  groupClear(group: string, options?: CallOptions): Promise<void>
  /** Groups that exist now, in byte order. */
  groups(options?: CallOptions): Promise<string[]>
  /** The same a page at a time, at a cost that depends neither on how many there are nor on what they hold. */
  groupPage(page: PageAsk, options?: CallOptions): Promise<GroupPage>
  /** Items of one group; order unspecified, one that is changed meanwhile may come twice. */
  itemPage(group: string, page: PageAsk, options?: CallOptions): Promise<ItemPage>
}

/** A page of names. It may be short, or empty, and have a next one: looking ends somewhere. */
export interface PageAsk {
  /** A text that the name has in it, '' for all. No character has a meaning. */
  readonly search: string
  /** What the page before answered. Another text is refused. */
  readonly cursor: string | undefined
  readonly limit: number
}

export interface GroupPage {
  readonly groups: readonly GroupFigures[]
  /** Undefined at the end. Opaque. */
  readonly cursor: string | undefined
  /** About, some that ended included; undefined: not known. */
  readonly total: number | undefined
}

export interface GroupFigures {
  readonly name: string
  /** Undefined: not known. */
  readonly items: number | undefined
  /** Epoch ms; undefined: never, or not known. */
  readonly endsAt: number | undefined
}

export interface ItemPage {
  readonly items: readonly (readonly [field: string, text: string])[]
  readonly cursor: string | undefined
  /** Of the group, whatever is searched for. */
  readonly total: number | undefined
  readonly endsAt: number | undefined
}

export interface StoreHealth {
  readonly state: 'up' | 'suspect' | 'down' | 'probing' | 'catching-up'
  readonly since: number
  /** When these facts were learned (epoch ms). */
  readonly checkedAt: number
  readonly reason?: string
  readonly readable: boolean
  readonly writable: boolean
  /** Nothing was asked of it yet, which speaks against nothing. */
  readonly untried?: boolean
  /** It answers far more slowly than it usually does. */
  readonly slow?: boolean
  /** Median of recent probes, ms. */
  readonly latency?: number
  /** ms that a call may take there now: as set, or as far as it is away. What isn't Redis has none. */
  readonly deadline?: { readonly read: number; readonly write: number }
  readonly memory?: { readonly used: number; readonly max: number; readonly policy: string }
  readonly server?: { readonly version: string; readonly runId: string; readonly role: string }
}

/**
 * unavailable: the server can't be reached or can't serve now. timeout: no answer in time.
 * configuration: password, TLS, DNS, a missing right for a script. refused: the server refused this one call (NOPERM, WRONGTYPE …).
 * full / read-only: writes are refused (OOM, READONLY, NOREPLICAS, MISCONF).
 */
export type StoreErrorKind =
  | 'unavailable'
  | 'timeout'
  | 'configuration'
  | 'refused'
  | 'full'
  | 'read-only'
  | 'not-a-number'
  | 'out-of-range'
  | 'too-large'
  /** More calls are in flight than an instance is asked to bear, and this one's turn didn't come in time. */
  | 'busy'
  /** Kept data whose last value can't be known now: the instances that know it are away. */
  | 'unknown'
  /** A write that needed the journal, which has no room for it, or no folder. */
  | 'journal'
  | 'closed'

/** Carries no command arguments, no URL, no value. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
  constructor(
    readonly kind: StoreErrorKind,
    /** Instance name. */
    readonly store: string,
    message: string,
    /** 'unknown' when the command may have run. */
    readonly applied: 'no' | 'unknown',
    /** It speaks against the instance, not against this one call. */
    readonly instanceFault?: boolean,
  ) {
    super(message)
  }
}
