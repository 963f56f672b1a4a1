import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { apart } from '../../../src/invalidation/apart.ts'

const prefixes = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', ':', '~'), maxLength: 4 }))

describe('the prefixes that are tracked', () => {
  it.each([
    [
      ['menu:', 'orders:'],
      ['menu:', 'orders:'],
    ],
    [['shop:', 'shop:menu:'], ['shop:']],
    [
      ['a:b', 'a', 'a0', 'b'],
      ['a', 'b'],
    ],
    [['menu:', 'menu:'], ['menu:']],
    [[], []],
  ])('of %j are %j', (all, kept) => {
    expect(apart(all)).toEqual(kept)
  })

  it('begin all that any of them begins, and none begins another', () => {
    fc.assert(
      fc.property(prefixes, (all) => {
        const kept = apart(all)
        for (const prefix of all) expect(kept.filter((each) => prefix.startsWith(each))).toHaveLength(1)
        for (const each of kept) expect(all).toContain(each)
      }),
    )
  })
})
