import { describe, expect, it } from 'vitest'
import { createAttempts } from '../../../src/cache/attempts.ts'

const start = () => {
  const clock = { now: 0 }
  return { clock, attempts: createAttempts(() => clock.now) }
}

describe('attempts', () => {
  it('rest longer after each failure, half a minute at most', () => {
    const { clock, attempts } = start()
    const rests: number[] = []
    for (let n = 0; n < 8; n++) {
      const rest = attempts.failed('a')
      rests.push(rest)
      expect(attempts.rests('a')).toBe(true)
      clock.now += rest
      expect(attempts.rests('a')).toBe(false)
    }
    expect(rests).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
    expect(attempts.rests('b')).toBe(false)
  })

  it('begin anew when one worked, or long after the last failure', () => {
    const { clock, attempts } = start()
    attempts.failed('a')
    attempts.failed('a')
    attempts.worked('a')
    expect([attempts.rests('a'), attempts.failed('a')]).toEqual([false, 1_000])
    clock.now += 100_000
    expect(attempts.failed('a')).toBe(1_000)
  })

  it('rest for what failed elsewhere, never shorter than already', () => {
    const { clock, attempts } = start()
    attempts.failedElsewhere('a', 500)
    clock.now = 400
    expect(attempts.rests('a')).toBe(true)
    attempts.failed('a')
    attempts.failedElsewhere('a', 10)
    clock.now = 1_300
    expect(attempts.rests('a')).toBe(true)
  })

  it('remember who died until one worked, for ten minutes, of the youngest 10,000 keys', () => {
    const { clock, attempts } = start()
    attempts.died('a')
    expect([attempts.hasDied('a'), attempts.hasDied('b'), attempts.rests('a')]).toEqual([true, false, false])
    attempts.worked('a')
    expect(attempts.hasDied('a')).toBe(false)
    attempts.died('a')
    clock.now = 599_999
    expect(attempts.hasDied('a')).toBe(true)
    clock.now = 600_000
    expect(attempts.hasDied('a')).toBe(false)
    for (let n = 0; n <= 10_000; n++) attempts.died(`k${n}`)
    expect([attempts.hasDied('k0'), attempts.hasDied('k1'), attempts.hasDied('k10000')]).toEqual([false, true, true])
  })
})
