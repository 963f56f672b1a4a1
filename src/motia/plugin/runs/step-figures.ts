import { createMinuteRows } from '../../../metrics/minute-rows.js'
import type { CacheUse, StepView } from '../../../sight/contract.js'
import { type Counted, noUse } from './cache-use.js'

/** The last hour of one step, in a fixed 26 KB. */
export interface StepFigures {
  ended(ms: number, failed: boolean, use: CacheUse): void
  /** Without its name. */
  view(): Omit<StepView, 'step'>
}

/** Steps take from some ms to minutes: each class is a third longer than the one below it. */
const GROWTH = 4 / 3
const CLASSES = 48
const classOf = (ms: number): number =>
  ms <= 1 ? 0 : Math.min(CLASSES - 1, Math.ceil(Math.log(ms) / Math.log(GROWTH) - 1e-9))
const endOf = (at: number): number => GROWTH ** at

const fields = ['runs', 'failures', 'calls', 'hits', 'misses', 'errors', 'ms'] as const
const WIDTH = fields.length + CLASSES

/** `now`: epoch ms. */
export const createStepFigures = (now: () => number): StepFigures => {
  const { add, rows } = createMinuteRows(WIDTH, now, (length) => new Float64Array(length))
  return {
    ended: (ms, failed, use) => {
      const values = { runs: 1, failures: Number(failed), ...use }
      fields.forEach((field, at) => {
        add(at, values[field])
      })
      add(fields.length + classOf(ms), 1)
    },
    view: () => {
      const minutes = rows()
      const sums = new Float64Array(WIDTH)
      for (const { numbers } of minutes)
        for (let at = 0; at < WIDTH; at++) sums[at] = (sums[at] ?? 0) + (numbers[at] ?? 0)
      const [runs = 0, failures = 0, ...cache] = sums
      const classes = sums.subarray(fields.length)
      return {
        ...{ runs, failures, p50: within(classes, runs, 0.5), p95: within(classes, runs, 0.95), cache: useOf(cache) },
        hour: minutes.map(({ at, numbers: [runs = 0, failures = 0] }) => ({ at, runs, failures })),
      }
    },
  }
}

const useOf = (sums: readonly number[]): CacheUse => {
  const use: Counted = noUse()
  fields.slice(2).forEach((field, at) => {
    if (field !== 'runs' && field !== 'failures') use[field] = sums[at] ?? 0
  })
  return use
}

/** The ms within which this share of the runs ended, as if they lay evenly in their class. */
const within = (classes: Float64Array, runs: number, share: number): number | undefined => {
  if (runs === 0) return undefined
  let left = Math.ceil(runs * share)
  for (const [at, count] of classes.entries()) {
    const begin = at === 0 ? 0 : endOf(at - 1)
    if (left <= count) return begin + (endOf(at) - begin) * (left / count)
    left -= count
  }
  return endOf(CLASSES - 1)
}
