import { LATENCY_CLASSES, latencyClass, quantile } from './latency.js'

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
  took(ms: number): void
  /** Oldest first; the last one is still running. Minutes in which nothing happened are there, too. */
  hour(): Minute[]
}

const KEPT = 60
const counted: readonly Counted[] = ['reads', 'writes', 'hits', 'misses', 'stale', 'computed', 'errors']
const placeOf = Object.fromEntries(counted.map((name, at) => [name, at])) as Record<Counted, number>
const WIDTH = counted.length + LATENCY_CLASSES

/** `now`: epoch ms. */
export const createMinutes = (now: () => number): Minutes => {
  const first = Math.floor(now() / 60_000)
  const numbers = new Uint32Array(KEPT * WIDTH)
  let current = first
  let row = 0

  /** Moves on to the minute it is; the minutes between had nothing. A clock that is set back stays where it was. */
  const turn = (): void => {
    const minute = Math.floor(now() / 60_000)
    if (minute <= current) return
    const steps = Math.min(KEPT, minute - current)
    for (let step = 0; step < steps; step++) {
      row = (row + 1) % KEPT
      numbers.fill(0, row * WIDTH, (row + 1) * WIDTH)
    }
    current = minute
  }
  const add = (field: number, many: number): void => {
    const at = row * WIDTH + field
    numbers[at] = (numbers[at] ?? 0) + many
  }
  const minuteOf = (minute: number): Minute => {
    const begin = (((row - (current - minute)) % KEPT) + KEPT) % KEPT
    const own = numbers.subarray(begin * WIDTH, (begin + 1) * WIDTH)
    const latencies = own.subarray(counted.length)
    const values = Object.fromEntries(counted.map((name, at) => [name, own[at] ?? 0])) as Record<Counted, number>
    return { at: minute * 60_000, ...values, p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99) }
  }
  return {
    count: (what, many) => {
      turn()
      add(placeOf[what], many)
    },
    took: (ms) => {
      turn()
      add(counted.length + latencyClass(ms), 1)
    },
    hour: () => {
      turn()
      const oldest = Math.max(first, current - KEPT + 1)
      return Array.from({ length: current - oldest + 1 }, (_, at) => minuteOf(oldest + at))
    },
  }
}
