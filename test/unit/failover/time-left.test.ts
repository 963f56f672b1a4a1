import { describe, expect, it } from 'vitest'
import { bounded, steadyNow, timeFrom } from '../../../src/failover/time-left.ts'

describe('the time of one call', () => {
  it('is shared by its attempts, and leaves the last one enough for a place nearby', () => {
    const time = timeFrom(steadyNow(), 300)
    expect(time.left()).toBeLessThanOrEqual(300)
    expect(time.left()).toBeGreaterThan(250)
    expect(time.share()).toBeLessThanOrEqual(200)
    const over = timeFrom(steadyNow() - 1_000, 300)
    expect(over.left()).toBe(20)
    expect(over.share()).toBe(20)
  })

  it('never runs backwards, and is about the time of day', () => {
    const before = steadyNow()
    expect(steadyNow()).toBeGreaterThanOrEqual(before)
    expect(Math.abs(before - Date.now())).toBeLessThan(60_000)
  })
})

describe('a bounded promise', () => {
  const late = (): Error => new Error('late')
  const never = new Promise<never>(() => undefined)

  it('ends as the promise does', async () => {
    expect(await bounded(1_000, Promise.resolve(1), late)).toBe(1)
    await expect(bounded(1_000, Promise.reject(new Error('own')), late)).rejects.toThrow('own')
  })
  it('ends when its time is over, and then hears no more', async () => {
    await expect(bounded(1, never, late)).rejects.toThrow('late')
    let fail = (_: Error): void => undefined
    const failing = new Promise((_, reject) => {
      fail = reject
    })
    await expect(bounded(1, failing, late)).rejects.toThrow('late')
    // Would be unhandled.
    fail(new Error('afterwards'))
    await new Promise((resolve) => setImmediate(resolve))
  })
  it('that was settled while the event loop stood still counts as in time', async () => {
    const settled = new Promise((resolve) => setImmediate(() => resolve('in time')))
    const asked = bounded(1, settled, late)
    const until = performance.now() + 30
    while (performance.now() < until);
    expect(await asked).toBe('in time')
  })
})
