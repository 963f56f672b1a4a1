import type { Minute } from '../../metrics/minutes.js'

export interface CategoriesView {
  readonly now: number
  readonly categories: readonly CategoryView[]
  /** What lies on each instance. */
  readonly memory: readonly MemoryView[]
}

export interface CategoryView {
  readonly name: string
  readonly home: string
  readonly servedBy: string | undefined
  readonly policy: {
    readonly ttl: number
    readonly grace: number | false
    readonly jitter: number
    readonly negativeTtl: number | false
    readonly l1: number | false
    readonly mirror: boolean
    readonly onOutage: 'failover' | 'fail-closed' | 'drop'
    readonly sensitive: boolean
    readonly maxBytes: number
    readonly compressAbove: number | false
    readonly codec: 'keyv' | 'json'
    readonly schema: boolean
    readonly loader: boolean
  }
  /** Since the server started. */
  readonly total: {
    readonly reads: number
    readonly writes: number
    readonly hits: number
    readonly misses: number
    readonly stale: number
    readonly computed: number
    readonly errors: number
    /** Copies in memory that made room for others. */
    readonly evicted: number
  }
  /** Over the last 60 s. */
  readonly readsPerSecond: number
  readonly writesPerSecond: number
  /** 0 to 1, over the last hour. Undefined: nothing was read. */
  readonly hitRate: number | undefined
  /** ms of a call, over the last hour. */
  readonly p50: number | undefined
  readonly p99: number | undefined
  /** About; undefined: not known, also where the sample met none of many keys. */
  readonly entries: number | undefined
  readonly bytes: number | undefined
  /** Copies in this server's memory. */
  readonly copies: { readonly entries: number; readonly bytes: number } | undefined
  /** Oldest first, at most 60; the last one is still running. */
  readonly hour: readonly MinuteView[]
}

/** As it is counted, but with an end for what took longer than any class: JSON knows no Infinity. */
export type MinuteView = Minute

export interface MemoryView {
  readonly instance: string
  readonly used: number | undefined
  readonly max: number | undefined
  /** home: entries whose home it is; mirror: copies of kept data; stand-in: kept for another meanwhile; ours: state,
   *  tags, leases and what we need to know; other: everything else. About. Undefined: not asked yet. */
  readonly roles: Readonly<Record<MemoryRole, RoleSize>> | undefined
  /** So many keys were looked at. */
  readonly sampled: number
  readonly sampledAt: number | undefined
}

export type MemoryRole = 'home' | 'mirror' | 'stand-in' | 'ours' | 'other'
export interface RoleSize {
  readonly entries: number
  /** Undefined: they may not be weighed. */
  readonly bytes: number | undefined
}
