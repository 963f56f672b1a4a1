import { expect, it } from 'vitest'
import { hitRate } from '../../../src/motia/workbench/hit-rate.ts'

it('the hit rate is one of keys, whatever number of calls read them, and what is within grace was found', () => {
  const calls = { reads: 1, writes: 0 }
  expect(hitRate([{ ...calls, hits: 1_000, stale: 0, misses: 0 }])).toBe(1)
  expect(hitRate([{ ...calls, hits: 6, stale: 2, misses: 2 }])).toBe(0.8)
  expect(
    hitRate([
      { ...calls, hits: 9, stale: 0, misses: 0 },
      { ...calls, hits: 0, stale: 0, misses: 1 },
    ]),
  ).toBe(0.9)
  // Asked only whether something is there.
  expect(hitRate([{ ...calls, hits: 0, stale: 0, misses: 0 }])).toBeUndefined()
})
