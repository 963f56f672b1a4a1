/**
 * What a call is for. A 'change' is a write that may leave less or the same behind, so that its success doesn't show
 * that the server takes writes: one that is out of memory still deletes.
 */
export type Intent = 'read' | 'write' | 'change'

const FLOOR = { read: 150, write: 300, change: 300 }
const CAP = 3_000
const TIMES_MEDIAN = 8
const WINDOW = 64
/** The median is looked up far more often than it moves. */
const RECOMPUTE_EVERY = 16

export interface Deadlines {
  /** ms a call may take. */
  limit(intent: Intent): number
  /** What a round trip may take, in ms: counts until the first was observed, so that a far server's first calls aren't cut off. */
  guess(ms: number): void
  /** One round trip, in ms. */
  observe(ms: number): void
  /**
   * A call was sent. One call at a time is timed: all that are in flight when the server stalls have to wait for the
   * same reason, and would pass for as many slow round trips.
   */
  sent(call: object): void
  /**
   * It was answered after `ms`, or never will be. An answer after the deadline counts too, else a slow link would never
   * be learned.
   */
  ended(call: object, ms?: number): void
  /** Median of the recent round trips in ms, or undefined before the first. */
  median(): number | undefined
}

/**
 * 150 ms for reads and 300 ms for writes, or 8 times the median round trip if that is longer, at most 3 s.
 * What was configured wins.
 */
export const createDeadlines = (configured: {
  readonly read?: number | undefined
  readonly write?: number | undefined
}): Deadlines => {
  const trips = new Float64Array(WINDOW)
  let count = 0
  let median: number | undefined
  let byMedian = 0
  let timed: object | undefined

  const observe = (ms: number): void => {
    trips[count % WINDOW] = ms
    count++
    if (count > RECOMPUTE_EVERY && count % RECOMPUTE_EVERY !== 0) return
    median = middle(trips.subarray(0, Math.min(count, WINDOW)))
    byMedian = Math.min(CAP, median * TIMES_MEDIAN)
  }

  return {
    limit: (intent) => configured[intent === 'read' ? 'read' : 'write'] ?? Math.max(FLOOR[intent], byMedian),
    guess: (ms) => {
      if (count === 0) byMedian = Math.min(CAP, ms * TIMES_MEDIAN)
    },
    observe,
    sent: (call) => {
      timed ??= call
    },
    ended: (call, ms) => {
      if (timed !== call) return
      timed = undefined
      if (ms !== undefined) observe(ms)
    },
    median: () => median,
  }
}

/** Of two the shorter, so that a stall between the first calls isn't taken for a far server. */
const middle = (trips: Float64Array): number => trips.slice().sort()[(trips.length - 1) >> 1] ?? 0
