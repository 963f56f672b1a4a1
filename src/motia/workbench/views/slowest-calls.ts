import type { RunView } from '../../../sight/contract.js'

export interface SlowCall {
  readonly id: string
  readonly operation: string
  readonly category: string
  readonly ms: number
  readonly run: RunView
}

const MOST = 10

/** The slowest cache calls of all these runs, slowest first. Each run names no more than its own five. */
export const slowestCalls = (runs: readonly RunView[]): SlowCall[] =>
  runs
    .flatMap((run) => run.slowest.map((call, index): SlowCall => ({ ...call, run, id: `${run.id}-${index}` })))
    .sort((a, b) => b.ms - a.ms)
    .slice(0, MOST)
