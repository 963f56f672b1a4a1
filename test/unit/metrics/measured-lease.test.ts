import { describe, expect, it } from 'vitest'
import type { Lease } from '../../../src/cache/engine.ts'
import { createCategoryMeter } from '../../../src/metrics/category-meter.ts'
import { measureLease } from '../../../src/metrics/measured-engine.ts'

const open = (fill: Lease['fill']) => {
  const clock = { now: 0 }
  const meter = createCategoryMeter(() => 0)
  const nothing = (): void => undefined
  const plain: Lease = {
    ...{ category: 'menu', hardTimeout: 1_000, fill, skip: async (value) => value },
    ...{ fail: nothing, release: nothing },
  }
  const lease = measureLease(plain, meter, () => clock.now)
  const counted = () => {
    const { count, errors, sum } = meter.figures().computations
    return { count, errors, sum }
  }
  return { clock, lease, counted }
}

describe('a computation', () => {
  it('takes as long as making the value did, and counts when that is stored', async () => {
    let stored = (): void => undefined
    const { clock, lease, counted } = open((value) => new Promise((resolve) => (stored = () => resolve(value))))
    clock.now = 30
    const filled = lease.fill({ json: '1' }, {})
    clock.now = 100
    expect(counted().count).toBe(0)
    stored()
    await filled
    lease.release()
    expect(counted()).toEqual({ count: 1, errors: 0, sum: 30 })
  })

  it('has failed when its value is refused, once', async () => {
    const { lease, counted } = open(async () => {
      throw new RangeError('too large')
    })
    await expect(lease.fill({ json: '1' }, {})).rejects.toThrow(RangeError)
    lease.fail(new Error('late'))
    expect(counted()).toEqual({ count: 1, errors: 1, sum: 0 })
  })

  it('that stores nothing works, one that fails or goes away has failed', async () => {
    const ends: [(lease: Lease) => unknown, number][] = [
      [(lease) => lease.skip({ json: '1' }), 0],
      [(lease) => lease.fail(new Error('no')), 1],
      [(lease) => lease.release(), 1],
    ]
    for (const [end, errors] of ends) {
      const { lease, counted } = open(async (value) => value)
      await end(lease)
      expect(counted()).toEqual({ count: 1, errors, sum: 0 })
    }
  })
})
