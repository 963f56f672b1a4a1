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
  /** Its values and keys never leave the server. */
  readonly sensitive: boolean
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
