import { createMinuteRows } from '../../../metrics/minute-rows.js'
import type { RunView, StepView, WorkflowsView } from '../../../sight/contract.js'
import { createRunUse, type RunUse } from './cache-use.js'
import { createStepFigures, type StepFigures } from './step-figures.js'

/** The runs of steps on this server, as far back as memory for them is bounded: the last 200, and figures of an hour. */
export interface Workflows {
  begin(start: { readonly step: string; readonly traceId: string | undefined }): Run
  view(): WorkflowsView
}

export interface Run extends RunUse {
  readonly step: string
  readonly traceId: string | undefined
  /** The first one counts. */
  ended(failed: boolean): void
}

const RUNS = 200
const STEPS = 200
/** All steps beyond the first 200. */
const OTHER = 'other'

/** `now`: epoch ms. `elapsed`: monotonic ms. */
export const createWorkflows = (
  now: () => number = Date.now,
  elapsed: () => number = () => performance.now(),
): Workflows => {
  const runs: (() => RunView)[] = []
  const steps = new Map<string, StepFigures>()
  const totals = createMinuteRows(2, now)
  let last = 0

  const figuresOf = (step: string): StepFigures => {
    const name = steps.has(step) || steps.size < STEPS ? step : OTHER
    const known = steps.get(name) ?? createStepFigures(now)
    steps.set(name, known)
    return known
  }

  return {
    begin: ({ step, traceId }) => {
      last += 1
      const start = { id: last, step, traceId, at: now() }
      const begun = elapsed()
      const used = createRunUse()
      let end: { readonly ms: number; readonly outcome: 'ok' | 'failed' } | undefined
      runs.push(() => ({
        ...start,
        ...(end ?? { ms: undefined, outcome: 'running' }),
        cache: { ...used.use },
        slowest: [...used.slowest],
      }))
      if (runs.length > RUNS) runs.shift()
      return {
        ...used,
        step,
        traceId,
        ended: (failed) => {
          if (end !== undefined) return
          end = { ms: elapsed() - begun, outcome: failed ? 'failed' : 'ok' }
          figuresOf(step).ended(end.ms, failed, used.use)
          totals.add(0, 1)
          if (failed) totals.add(1, 1)
        },
      }
    },
    view: () => ({
      now: now(),
      steps: [...steps]
        .map(([step, figures]): StepView => ({ step, ...figures.view() }))
        .filter((each) => each.runs > 0)
        .sort((a, b) => b.runs - a.runs),
      runs: runs.map((view) => view()).reverse(),
      hour: totals.rows().map(({ at, numbers }) => ({ at, runs: numbers[0] ?? 0, failures: numbers[1] ?? 0 })),
    }),
  }
}
