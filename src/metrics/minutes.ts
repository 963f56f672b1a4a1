import { LATENCY_CLASSES, quantile } from './latency.js'
import { createMinuteRows } from './minute-rows.js'

/** One minute of a category. */
export interface Minute {
  /** Epoch ms of its beginning. */
  readonly at: number
  readonly reads: number
  readonly writes: number
  readonly hits: number
  readonly misses: number
  /** Answered although their time was over, within grace. */
  readonly stale: number
  readonly computed: number
  readonly errors: number
  /** ms. Undefined: no call ended in it. */
  readonly p50: number | undefined
  readonly p99: number | undefined
}

export type Counted = 'reads' | 'writes' | 'hits' | 'misses' | 'stale' | 'computed' | 'errors'

/** The last hour of one category, minute by minute, in a fixed 6 KB. */
export interface Minutes {
  count(what: Counted, many: number): void
  /** A call ended whose duration is of this class. */
  called(what: 'reads' | 'writes', latency: number, failed: boolean): void
  /** Oldest first; the last one is still running. Minutes in which nothing happened are there, too. */
  hour(): Minute[]
  /** How many calls of the hour took how long, by the classes of latency. */
  latencies(): number[]
}

const counted: readonly Counted[] = ['reads', 'writes', 'hits', 'misses', 'stale', 'computed', 'errors']
const placeOf = Object.fromEntries(counted.map((name, at) => [name, at])) as Record<Counted, number>
const WIDTH = counted.length + LATENCY_CLASSES

/** `now`: epoch ms. */
export const createMinutes = (now: () => number): Minutes => {
  const { add, turn, numbers, rows } = createMinuteRows(WIDTH, now)
  const one = (at: number): void => {
    numbers[at] = (numbers[at] ?? 0) + 1
  }
  return {
    count: (what, many) => add(placeOf[what], many),
    called: (what, latency, failed) => {
      const minute = turn()
      one(minute + placeOf[what])
      one(minute + counted.length + latency)
      if (failed) one(minute + placeOf.errors)
    },
    hour: () =>
      rows().map(({ at, numbers }) => {
        const latencies = numbers.subarray(counted.length)
        const values = Object.fromEntries(counted.map((name, i) => [name, numbers[i] ?? 0])) as Record<Counted, number>
        return { at, ...values, p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99) }
      }),
    latencies: () => {
      const hour = rows()
      return Array.from({ length: LATENCY_CLASSES }, (_, at) =>
        hour.reduce((sum, { numbers }) => sum + (numbers[counted.length + at] ?? 0), 0),
      )
    },
  }
}
