/** Upper ends of the classes that durations are counted in, ms; what takes longer is in one class more. */
export const LATENCY_ENDS: readonly number[] = [
  0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 10_000,
]
export const LATENCY_CLASSES = LATENCY_ENDS.length + 1

/** The class of a duration. Most calls take less than a few ms, so looking from below is quickest. */
export const latencyClass = (ms: number): number => {
  let at = 0
  while (ms > (LATENCY_ENDS[at] ?? Number.POSITIVE_INFINITY)) at++
  return at
}

/**
 * The duration (ms) within which this share of the counted calls ended, as if they lay evenly in their class. Undefined
 * where nothing was counted; Infinity in the last class, which has no end.
 */
export const quantile = (counts: ArrayLike<number>, share: number): number | undefined => {
  let total = 0
  for (let at = 0; at < LATENCY_CLASSES; at++) total += counts[at] ?? 0
  if (total === 0) return undefined
  let left = Math.max(1, Math.ceil(total * share))
  for (let at = 0; at < LATENCY_ENDS.length; at++) {
    const count = counts[at] ?? 0
    const end = LATENCY_ENDS[at] ?? Number.POSITIVE_INFINITY
    if (count > 0 && left <= count) {
      const begin = at === 0 ? 0 : (LATENCY_ENDS[at - 1] ?? 0)
      return begin + (end - begin) * (left / count)
    }
    left -= count
  }
  return Number.POSITIVE_INFINITY
}
