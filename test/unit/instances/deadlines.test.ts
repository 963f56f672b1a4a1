import { describe, expect, it } from 'vitest'
import { createDeadlines } from '../../../src/instances/deadlines.ts'

describe('deadlines', () => {
  it('are 150 ms for reads and 300 ms for writes on a fast link', () => {
    const deadlines = createDeadlines({})
    expect([deadlines.limit('read'), deadlines.limit('write'), deadlines.limit('change')]).toEqual([150, 300, 300])
    for (let i = 0; i < 100; i++) deadlines.observe(2)
    expect([deadlines.limit('read'), deadlines.limit('write')]).toEqual([150, 300])
    expect(deadlines.median()).toBe(2)
  })

  it('grow to 8 times the median from the first round trip on, at most to 3 s', () => {
    const deadlines = createDeadlines({})
    deadlines.observe(180)
    expect([deadlines.limit('read'), deadlines.limit('write')]).toEqual([1_440, 1_440])
    for (let i = 0; i < 64; i++) deadlines.observe(900)
    expect(deadlines.limit('read')).toBe(3_000)
  })

  it('grow by what the handshake took only until the first round trip', () => {
    const deadlines = createDeadlines({})
    deadlines.guess(126)
    expect([deadlines.limit('read'), deadlines.limit('write')]).toEqual([1_008, 1_008])
    expect(deadlines.median()).toBeUndefined()
    deadlines.observe(2)
    expect([deadlines.limit('read'), deadlines.limit('write'), deadlines.median()]).toEqual([150, 300, 2])
    deadlines.guess(126)
    expect(deadlines.limit('read')).toBe(150)
    expect(createDeadlines({ read: 20 }).limit('read')).toBe(20)
  })

  it('are not moved by a few slow calls', () => {
    const deadlines = createDeadlines({})
    for (let i = 0; i < 64; i++) deadlines.observe(i % 4 === 0 ? 5_000 : 1)
    expect(deadlines.limit('read')).toBe(150)
  })

  it('take one stall for one slow round trip, however many calls it held up', () => {
    const deadlines = createDeadlines({})
    const burst = (calls: number, ms: number): void => {
      const all = Array.from({ length: calls }, () => ({}))
      for (const call of all) deadlines.sent(call)
      for (const call of all) deadlines.ended(call, ms)
    }
    for (let i = 0; i < 10; i++) burst(1, 0.2)
    for (let stall = 0; stall < 3; stall++) burst(80, 250)
    expect([deadlines.limit('read'), deadlines.limit('write'), deadlines.median()]).toEqual([150, 300, 0.2])
  })

  it('are not moved by a stall right after the first call', () => {
    const deadlines = createDeadlines({})
    deadlines.observe(0.2)
    deadlines.observe(250)
    expect([deadlines.limit('read'), deadlines.median()]).toEqual([150, 0.2])
  })

  it('learn a far server within a few calls, also from bursts and from late answers', () => {
    const deadlines = createDeadlines({})
    const burst = Array.from({ length: 80 }, () => ({}))
    for (const call of burst) deadlines.sent(call)
    for (const call of burst) deadlines.ended(call, Math.min(180, deadlines.limit('read')))
    for (let i = 0; i < 3; i++) {
      const call = {}
      deadlines.sent(call)
      deadlines.ended(call, 180)
    }
    expect([deadlines.limit('read'), deadlines.limit('write')]).toEqual([1_440, 1_440])
  })

  it('time the next call after one that failed', () => {
    const deadlines = createDeadlines({})
    const [failed, next] = [{}, {}]
    deadlines.sent(failed)
    deadlines.ended(failed)
    deadlines.sent(next)
    deadlines.ended(next, 180)
    expect(deadlines.median()).toBe(180)
  })

  it('shrink again when the link becomes fast', () => {
    const deadlines = createDeadlines({})
    for (let i = 0; i < 64; i++) deadlines.observe(200)
    for (let i = 0; i < 64; i++) deadlines.observe(1)
    expect(deadlines.limit('read')).toBe(150)
  })

  it('are what was configured', () => {
    const deadlines = createDeadlines({ read: 20, write: undefined })
    for (let i = 0; i < 64; i++) deadlines.observe(1_000)
    expect([deadlines.limit('read'), deadlines.limit('write')]).toEqual([20, 3_000])
    expect(createDeadlines({ write: 40 }).limit('change')).toBe(40)
  })
})
