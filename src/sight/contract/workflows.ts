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
