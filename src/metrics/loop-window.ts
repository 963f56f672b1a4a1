import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'

/** How late the event loop was lately. */
export interface LoopWindow {
  /** Of the last one to two windows; it stays the same however often it is asked. s. */
  late(): { readonly p50: number; readonly p99: number; readonly max: number }
  close(): void
}

/** ms between looks at the event loop: often enough to see a stall that costs a deadline. */
const RESOLUTION = 20

/**
 * Two histograms, begun anew in turn: whoever reads takes the one that was begun earlier, and begins none, because
 * others read as well. `window`: ms. Keeps no process alive.
 */
export const createLoopWindow = (window: number): LoopWindow => {
  const begin = (): IntervalHistogram => {
    const loop = monitorEventLoopDelay({ resolution: RESOLUTION })
    loop.enable()
    return loop
  }
  let [older, newer] = [begin(), begin()]
  const timer = setInterval(() => {
    older.reset()
    ;[older, newer] = [newer, older]
  }, window).unref()
  // What is measured (ns) is the time between two looks.
  const late = (between: number): number => Math.max(0, between / 1e9 - RESOLUTION / 1e3)
  return {
    late: () => ({ p50: late(older.percentile(50)), p99: late(older.percentile(99)), max: late(older.max) }),
    close: () => {
      clearInterval(timer)
      older.disable()
      newer.disable()
    },
  }
}
