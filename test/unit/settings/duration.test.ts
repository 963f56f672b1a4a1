import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseDuration } from '../../../src/settings/duration.ts'
import { Problem } from '../../../src/settings/problem.ts'

const year = 365 * 24 * 3_600_000

const problemOf = (input: unknown): string => {
  const result = parseDuration(input)
  if (!Problem.is(result)) throw new Error(`accepted as ${result}`)
  return result.problem
}

describe('parseDuration', () => {
  it.each([
    [1, 1],
    [60_000, 60_000],
    [year, year],
    ['250ms', 250],
    ['30s', 30_000],
    ['10m', 600_000],
    ['6h', 21_600_000],
    ['7d', 604_800_000],
    ['365d', year],
    ['1.5h', 5_400_000],
    ['0.001s', 1],
    ['2.3s', 2300],
    ['1.1s', 1100],
  ])('reads %j as %d ms', (input, ms) => {
    expect(parseDuration(input)).toBe(ms)
  })

  it.each([
    [0, 'too short'],
    [-0, 'too short'],
    [-1, 'too short'],
    [0.5, 'too short'],
    [1.5, 'whole number'],
    [Number.NaN, 'NaN is not a duration'],
    [Number.POSITIVE_INFINITY, 'Infinity is not a duration'],
    [1e15, "at most '365d'"],
    [year + 1, "at most '365d'"],
    ['366d', "at most '365d'"],
    ['1.5ms', 'whole number'],
    ['0.3333s', 'whole number'],
    ['0s', 'too short'],
    ['60', "write '60s', or the number 60"],
    ['-5s', "'-5s' is not a duration"],
    ['10 parsecs', "'10 parsecs' is not a duration: write milliseconds as a number, or '250ms'"],
    ['10 s', "'10 s' is not a duration"],
    ['1e3s', 'is not a duration'],
    ['', 'is not a duration'],
    [null, 'null is not a duration'],
    [undefined, 'undefined is not a duration'],
    [false, 'false is not a duration'],
    [[], 'an array is not a duration'],
    [{}, 'a value of type object is not a duration'],
    [10n, 'a value of type bigint is not a duration'],
    [Symbol('s'), 'a value of type symbol is not a duration'],
  ])('refuses %s and says %j', (input, hint) => {
    expect(problemOf(input)).toContain(hint)
  })

  it('never repeats text that may be a secret', () => {
    for (const secret of ['redis://:hunter2@host', 'hunter2', 'a1b2c3d4', `${'9'.repeat(400)}s`]) {
      expect(problemOf(secret)).not.toContain(secret)
    }
  })

  it('reads every whole number of every unit exactly, and as that many ms', () => {
    const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.entries(units)),
        fc.double({ min: 0, max: 1, noNaN: true }),
        ([unit, ms], part) => {
          const amount = 1 + Math.floor(part * (year / ms - 1))
          expect(parseDuration(`${amount}${unit}`)).toBe(amount * ms)
          expect(parseDuration(amount * ms)).toBe(amount * ms)
        },
      ),
    )
  })

  it('reads a decimal fraction of seconds if and only if it is whole ms', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000_000 }), fc.integer({ min: 1, max: 9 }), (ms, tail) => {
        const seconds = (ms / 1000).toFixed(3)
        expect(parseDuration(`${seconds}s`)).toBe(ms)
        expect(problemOf(`${seconds}${tail}s`)).toContain('whole number')
      }),
    )
  })
})
