import { expect, it } from 'vitest'
import { sorted } from '../../../src/motia/workbench/sorting.ts'

const rows = [
  { name: 'b', of: 2 },
  { name: 'a', of: undefined },
  { name: 'c', of: 10 },
  { name: 'd', of: 2 },
] as const
const names = (list: readonly { readonly name: string }[]): string => list.map(({ name }) => name).join('')

it('sorts figures as figures, up and down, equals as they came', () => {
  expect(names(sorted(rows, ({ of }) => of, false))).toBe('bdca')
  expect(names(sorted(rows, ({ of }) => of, true))).toBe('cbda')
})

it('sorts names as people read them', () => {
  expect(sorted(['k10', 'k2', 'K1'], (name) => name, false)).toEqual(['K1', 'k2', 'k10'])
})

it('leaves the rows it was given as they were', () => {
  const given = [3, 1, 2]
  sorted(given, (value) => value, false)
  expect(given).toEqual([3, 1, 2])
})
