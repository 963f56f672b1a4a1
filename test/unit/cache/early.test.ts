import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createCost, isEarly } from '../../../src/cache/early.ts'

/** Chances, evenly spread. */
const chances = Array.from({ length: 1_000 }, (_, n) => n / 1_000)
const share = (left: number, cost: number): number =>
  chances.filter((chance) => isEarly(left, cost, chance)).length / chances.length

describe('renewing early', () => {
  it('is as likely as e to the power of -(time left / cost)', () => {
    for (const left of [0, 10, 100, 300, 1_000]) expect(share(left, 100)).toBeCloseTo(Math.exp(-left / 100), 2)
  })

  it('is certain at the end, and the likelier the nearer the end and the longer it takes', () => {
    fc.assert(
      fc.property(
        fc.nat(10_000),
        fc.nat(10_000),
        fc.nat(10_000),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (left, more, cost, chance) => {
          expect(isEarly(-left, cost, chance)).toBe(true)
          if (isEarly(left + more, cost, chance)) expect(isEarly(left, cost, chance)).toBe(true)
          if (isEarly(left, cost, chance)) expect(isEarly(left, cost + more, chance)).toBe(true)
        },
      ),
    )
  })

  it('knows what computing costs lately', () => {
    const cost = createCost()
    expect(cost.ms()).toBeUndefined()
    cost.took(100)
    expect(cost.ms()).toBe(100)
    for (let n = 0; n < 50; n++) cost.took(20)
    expect(cost.ms()).toBeCloseTo(20, 1)
  })
})
