import fc from 'fast-check'
import { expect, it } from 'vitest'
import { byBytes, firstAfter, isAfter } from '../../../src/instances/name-pages.ts'

it('the first names after one are those that sorting all of them would give', () => {
  const name = fc.string({ maxLength: 3, unit: fc.constantFrom('a', 'b', 'é', '😀', '\uffff', '\0') })
  fc.assert(
    fc.property(
      fc.array(name),
      fc.option(name, { nil: undefined }),
      fc.integer({ min: 1, max: 5 }),
      (all, before, most) => {
        const expected = [...new Set(all)].filter((each) => isAfter(each, before)).sort(byBytes)
        expect(firstAfter(all, before, most)).toEqual(expected.slice(0, most))
      },
    ),
  )
})
