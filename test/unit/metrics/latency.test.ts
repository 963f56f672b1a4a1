import { array, assert, double, property } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LATENCY_CLASSES, LATENCY_ENDS, latencyClass, quantile } from '../../../src/metrics/latency.ts'

const counts = (durations: readonly number[]): number[] => {
  const classes = new Array<number>(LATENCY_CLASSES).fill(0)
  for (const ms of durations) classes[latencyClass(ms)] = (classes[latencyClass(ms)] ?? 0) + 1
  return classes
}

describe('latencies', () => {
  it('an end belongs to the class it ends', () => {
    expect(LATENCY_ENDS.map(latencyClass)).toEqual(LATENCY_ENDS.map((_, at) => at))
    expect(latencyClass(0)).toBe(0)
    expect(latencyClass(60_000)).toBe(LATENCY_ENDS.length)
  })

  it('nothing counted has no quantile; what has no end is endless', () => {
    expect(quantile(counts([]), 0.5)).toBeUndefined()
    expect(quantile(counts([20_000]), 0.5)).toBe(Number.POSITIVE_INFINITY)
  })

  it('a quantile lies in the class of the duration it stands for', () => {
    const ms = double({ min: 0, max: 9_999, noNaN: true })
    assert(
      property(
        array(ms, { minLength: 1, maxLength: 200 }),
        double({ min: 0.01, max: 1, noNaN: true }),
        (all, share) => {
          const sorted = [...all].sort((a, b) => a - b)
          const exact = sorted[Math.ceil(sorted.length * share) - 1] ?? 0
          expect(latencyClass(quantile(counts(all), share) ?? -1)).toBe(latencyClass(exact))
        },
      ),
    )
  })
})
