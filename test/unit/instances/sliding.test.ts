import { describe, expect, it } from 'vitest'
import { createSliding } from '../../../src/instances/sliding.ts'

describe('a group whose ttl was just set', () => {
  it('gets it again after 1 % of it, at most a minute', () => {
    let now = 0
    const sliding = createSliding(() => now)
    expect(sliding.due('g', 10_000)).toBe(true)
    sliding.done('g', 10_000)
    now = 99
    expect([sliding.due('g', 10_000), sliding.due('other', 10_000)]).toEqual([false, true])
    now = 100
    expect(sliding.due('g', 10_000)).toBe(true)
    sliding.done('g', 7 * 86_400_000)
    now += 59_999
    expect(sliding.due('g', 7 * 86_400_000)).toBe(false)
    now += 1
    expect(sliding.due('g', 7 * 86_400_000)).toBe(true)
  })

  it('gets another ttl at once', () => {
    const sliding = createSliding(() => 0)
    sliding.done('g', 10_000)
    expect([sliding.due('g', 20_000), sliding.due('g', false)]).toEqual([true, true])
    sliding.done('g', false)
    expect([sliding.due('g', false), sliding.due('g', 10_000)]).toEqual([false, true])
  })

  it('is forgotten when 10,000 others came after it', () => {
    const sliding = createSliding(() => 0)
    for (let n = 0; n <= 10_000; n++) sliding.done(`g${n}`, 10_000)
    expect([sliding.due('g0', 10_000), sliding.due('g1', 10_000)]).toEqual([true, false])
  })
})
