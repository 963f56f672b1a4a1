import { type CategoryFigures, isReading, type Timed } from '../metrics/category-meter.js'

/** What was called in a category since the start, in few words. */
export const callsIn = ({ operations, reads, computations }: CategoryFigures) => {
  const sum = (what: (timed: Timed) => number, of: (is: boolean) => boolean = () => true): number => {
    let total = 0
    for (const [operation, timed] of operations) if (of(isReading(operation))) total += what(timed)
    return total
  }
  return {
    reads: sum(
      ({ count }) => count,
      (is) => is,
    ),
    writes: sum(
      ({ count }) => count,
      (is) => !is,
    ),
    hits: reads.hit,
    misses: reads.miss,
    stale: reads.stale,
    computed: computations.count,
    errors: sum(({ errors }) => errors),
  }
}
