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
