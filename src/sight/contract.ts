import { z } from 'zod'

/**
 * What the routes under `/__motia/redis/` are asked and answer: the one definition for the server, which checks every
 * request by it, and for the panel, which imports its types only. Times are epoch ms, durations ms, sizes bytes.
 * Figures called "about" are estimated from a sample. Loaded when the first request comes.
 */

const name = z.string().min(1).max(512)
const limit = z.coerce.number().int().min(1).max(200).default(50)
const cursor = z.string().min(1).max(4_096).optional()
const prefix = z.string().max(512).default('')

/** The query of each GET, by the last part of its path. */
export const queries = {
  overview: z.object({}),
  categories: z.object({}),
  /** `prefix` is literal. */
  keys: z.object({ category: name, prefix, cursor, limit }),
  entry: z.object({ category: name, key: name }),
  /** What `clear-category` would remove. It looks at every key of the instances: for who asks whether to do it. */
  count: z.object({ category: name }),
  /** `search`: a text that the group's name has in it. */
  groups: z.object({ search: prefix, cursor, limit }),
  items: z.object({ group: name, search: prefix, cursor, limit }),
  workflows: z.object({}),
  processes: z.object({}),
  hot: z.object({}),
} as const

/** The body of the POST to `change`. */
export const change = z.discriminatedUnion('do', [
  z.object({ do: z.literal('delete-entry'), category: name, key: name }),
  /** Within grace it stays as a stale value. */
  z.object({ do: z.literal('expire-entry'), category: name, key: name }),
  z.object({ do: z.literal('invalidate-tag'), category: name, tag: name }),
  z.object({ do: z.literal('clear-category'), category: name }),
  z.object({ do: z.literal('delete-item'), group: name, key: name }),
  z.object({ do: z.literal('clear-group'), group: name }),
  /** The instance is treated as gone for so long. Only in development. */
  z.object({ do: z.literal('drill'), instance: name, seconds: z.number().int().min(1).max(600) }),
])

export type Queries = { [Q in keyof typeof queries]: z.input<(typeof queries)[Q]> }
export type Asked = { [Q in keyof typeof queries]: z.output<(typeof queries)[Q]> }
export type Change = z.input<typeof change>

/** How many entries, items or keys a change touched, as far as that is known. */
export interface Changed {
  readonly count: number | undefined
}

/** Every refusal and failure. */
export interface Failure {
  /** One sentence, without values. */
  readonly error: string
}

/** By the last part of the path. */
export interface Answers {
  readonly overview: Overview
  readonly categories: CategoriesView
  readonly keys: KeysView
  readonly entry: EntryView
  readonly count: CountView
  readonly groups: GroupsView
  readonly items: ItemsView
  readonly workflows: WorkflowsView
  readonly processes: ProcessesView
  readonly hot: HotView
}

// ──────────────────────────────────────────────────────────────── overview ───

export interface Overview {
  readonly now: number
  readonly server: ServerView
  readonly status: 'ok' | 'degraded' | 'outage'
  readonly instances: readonly InstanceView[]
  /** Who serves what at this moment: state first, then every category. */
  readonly routing: readonly RouteView[]
  /** Newest first, at most 200, of this process since its start. */
  readonly timeline: readonly Happening[]
  readonly advice: readonly Advice[]
}

export interface ServerView {
  readonly processId: string
  readonly version: string
  readonly startedAt: number
  readonly namespace: string
  readonly production: boolean
  /** Changes are refused. */
  readonly readOnly: boolean
}

export interface InstanceView {
  readonly name: string
  /** A Redis, or files of this machine. */
  readonly kind: 'redis' | 'embedded'
  readonly state: 'up' | 'suspect' | 'down' | 'probing' | 'catching-up'
  readonly since: number
  readonly reason: string | undefined
  readonly readable: boolean
  readonly writable: boolean
  /** Of the last probes, oldest first, at most 60. */
  readonly latencies: readonly number[]
  readonly latency: number | undefined
  readonly serverVersion: string | undefined
  readonly role: string | undefined
  readonly memory: { readonly used: number; readonly max: number; readonly policy: string } | undefined
  /** As the server itself counts them, over all its clients; undefined while they can't be asked. */
  readonly live:
    | {
        readonly opsPerSecond: number
        /** 0 to 1, since the server started. Undefined: nothing was read. */
        readonly hitRate: number | undefined
        readonly clients: number
        readonly keys: number
        readonly evicted: number
        readonly expired: number
      }
    | undefined
  readonly tracking: 'on' | 'off' | 'refused'
  /** Homed here. `state` is listed as what it is. */
  readonly categories: readonly string[]
  readonly standsInFor: readonly string[]
  readonly holdsState: boolean
  readonly journal: {
    readonly entries: number
    readonly bytes: number
    readonly oldest: number | undefined
    readonly aside: number
  }
  /** While it comes back. `total` 0: not known yet. */
  readonly recovery: { readonly step: string; readonly done: number; readonly total: number } | undefined
}

export interface RouteView {
  /** A category's name, or 'state'. */
  readonly name: string
  readonly kind: 'state' | 'category'
  readonly home: string
  /** An instance's name, 'embedded', 'motia-state', or undefined: nobody serves it now. */
  readonly servedBy: string | undefined
  readonly mirror: string | undefined
  /** Kept data survives the loss of its home. */
  readonly kept: boolean
  readonly onOutage: 'failover' | 'fail-closed' | 'drop'
  /** Copies in this server's memory. */
  readonly l1: boolean
}

export interface Happening {
  readonly at: number
  readonly kind: 'state' | 'failover' | 'failback' | 'journal-full' | 'drill'
  readonly instance: string | undefined
  /** What happened to several of them in the same second is told once. */
  readonly categories: readonly string[]
  /** One sentence. */
  readonly text: string
}

export interface Advice {
  readonly level: 'error' | 'warning' | 'note'
  /** What is the case. */
  readonly text: string
  /** What to do about it. */
  readonly doThis: string
}

// ────────────────────────────────────────────────────────────── categories ───

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

export interface MinuteView {
  readonly at: number
  readonly reads: number
  readonly writes: number
  readonly hits: number
  readonly misses: number
  readonly stale: number
  readonly computed: number
  readonly errors: number
  readonly p50: number | undefined
  readonly p99: number | undefined
}

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

// ──────────────────────────────────────────────────────────── keys, entries ───

export interface KeysView {
  readonly category: string
  readonly keys: readonly string[]
  readonly cursor: string | undefined
  /** An instance is away: keys that only it knows are missing. */
  readonly partial: boolean
  /** False: the category can't list its keys. */
  readonly enumerable: boolean
  /** Keys of this page that others wrote and no call can name: longer than 512 bytes, or no text. */
  readonly foreign: number
}

export interface CountView {
  readonly category: string
  /** At most 10,000. */
  readonly entries: number
  /** There may be more: there are more than 10,000, or two seconds weren't enough, or an instance can't be asked. */
  readonly atLeast: boolean
}

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

/** A value as a tree of bounded size. */
export interface TreeNode {
  /** 'string', 'number', 'Date', 'Map', 'bigint', 'undefined', 'absent' (remembered as not there) …: what it is. */
  readonly type: string
  /** What a leaf shows, cut off at 10,000 characters. */
  readonly text?: string
  /** In the order of the value; `label` is a property, an index, or what a Map has as its key. */
  readonly children?: readonly { readonly label: string; readonly node: TreeNode }[]
  /** Characters, children or bytes that there are in all, where not all are shown. */
  readonly of?: number
}

// ─────────────────────────────────────────────────────────────────── state ───

export interface GroupsView {
  readonly groups: readonly {
    readonly name: string
    readonly items: number | undefined
    readonly endsAt: number | undefined
  }[]
  readonly cursor: string | undefined
  /** All there are, about. Undefined: not known. */
  readonly total: number | undefined
  /** State has another adapter than ours: there is nothing to show. */
  readonly ours: boolean
  readonly home: string
  readonly servedBy: string | undefined
  readonly mirror: { readonly instance: string; readonly current: boolean } | undefined
}

export interface ItemsView {
  readonly group: string
  readonly items: readonly { readonly key: string; readonly size: number; readonly value: TreeNode }[]
  readonly cursor: string | undefined
  readonly total: number | undefined
  readonly endsAt: number | undefined
}

// ────────────────────────────────────────────────────── workflows, processes ───

export interface WorkflowsView {
  readonly now: number
  /** Over the last hour, of steps that ran on this server. */
  readonly steps: readonly StepView[]
  /** Newest first, at most 200. */
  readonly runs: readonly RunView[]
  /** Of all steps. Oldest first, at most 60; the last one is still running. */
  readonly hour: readonly RunsMinute[]
}

export interface RunsMinute {
  readonly at: number
  readonly runs: number
  readonly failures: number
}

export interface StepView {
  readonly step: string
  readonly runs: number
  readonly failures: number
  readonly p50: number | undefined
  readonly p95: number | undefined
  readonly cache: CacheUse
  /** As for all steps. */
  readonly hour: readonly RunsMinute[]
}

export interface CacheUse {
  readonly calls: number
  readonly hits: number
  readonly misses: number
  readonly errors: number
  /** ms of all calls together. */
  readonly ms: number
}

export interface RunView {
  readonly id: number
  readonly step: string
  readonly traceId: string | undefined
  readonly at: number
  readonly ms: number | undefined
  readonly outcome: 'running' | 'ok' | 'failed'
  readonly cache: CacheUse
  /** At most 5, slowest first. Never a key. */
  readonly slowest: readonly { readonly operation: string; readonly category: string; readonly ms: number }[]
}

export interface ProcessesView {
  readonly now: number
  readonly processes: readonly ProcessView[]
}

export interface ProcessView {
  readonly processId: string
  /** The one that answers. */
  readonly self: boolean
  readonly kind: 'motia' | 'app'
  readonly host: string
  readonly pid: number
  readonly version: string
  readonly startedAt: number
  /** Its last sign of life. */
  readonly seenAt: number
  readonly seenOn: readonly string[]
  /** Since its start. Reads and writes are calls; hits, misses and stale ones are keys, of which a call may read many. */
  readonly reads: number
  readonly hits: number
  readonly misses: number
  readonly stale: number
  readonly writes: number
  readonly errors: number
  /** ms, 99th percentile since the last sign of life but one. */
  readonly loopDelay: number
  readonly rss: number
}

// ───────────────────────────────────────────────────────────────── hot keys ───

export interface HotView {
  readonly now: number
  /** Estimated from every so-manieth read since `since`; most read first, at most 50. Never of sensitive categories. */
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
