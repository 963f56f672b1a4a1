import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type FilterOperation, type HotItem, inferType, matchesFilters } from '../../../src/state/filter.ts'
import type { JsonValue } from '../../../src/state/value.ts'

const OPERATIONS: FilterOperation[] = [
  'eq',
  'neq',
  'gt',
  'gte',
  'lt',
  'lte',
  'contains',
  'notContains',
  'startsWith',
  'endsWith',
  'isNotNull',
  'isNull',
]

const item = (value: JsonValue, key = 'k1'): HotItem => ({ groupId: 'g', key, type: inferType(value), value })
const passes = (
  value: JsonValue,
  valueKey: string,
  operation: FilterOperation,
  wanted: unknown,
  key?: string,
): boolean => matchesFilters(item(value, key), [{ valueKey, operation, value: wanted }])

const operation = fc.constantFrom(...OPERATIONS)
const json = fc.jsonValue() as fc.Arbitrary<JsonValue>

describe('inferType', () => {
  it.each([
    ['', 'string'],
    [0, 'number'],
    [false, 'boolean'],
    [null, 'null'],
    [[], 'array'],
    [{}, 'object'],
  ] as const)('%j is %s', (value, type) => {
    expect(inferType(value as JsonValue)).toBe(type)
  })
})

describe('matchesFilters', () => {
  it.each<[JsonValue, string, FilterOperation, unknown, boolean]>([
    [{ n: 5 }, 'n', 'eq', 5, true],
    [{ n: 5 }, 'n', 'eq', '5', false],
    [{ n: 5 }, 'n', 'neq', '5', true],
    [{ n: 5 }, 'n', 'gt', '4', true],
    [{ n: 0 }, 'n', 'gt', '-1', true],
    [{ n: 0 }, 'n', 'gte', '0', true],
    [{ n: 5 }, 'n', 'lt', '5', false],
    [{ n: 5 }, 'n', 'lte', '5', true],
    [{ s: 'open' }, 's', 'contains', 'pe', true],
    [{ s: 'open' }, 's', 'contains', '', true],
    [{ s: '' }, 's', 'notContains', 'x', true],
    [{ s: 'open' }, 's', 'startsWith', 'op', true],
    [{ s: 'open' }, 's', 'endsWith', 'op', false],
    [{ n: 5 }, 'n', 'contains', '5', false],
    [{ n: 5 }, 'n', 'notContains', '6', false],
    [{ tags: ['a', 'b'] }, 'tags', 'contains', 'b', true],
    [{ tags: ['ab'] }, 'tags', 'contains', 'b', false],
    [{ tags: ['ab'] }, 'tags', 'notContains', 'b', true],
    [{ a: null }, 'a', 'isNull', '', true],
    [{ a: 0 }, 'a', 'isNotNull', '', true],
    ['open', 'anything', 'eq', 'open', true],
    [7, 'anything', 'gt', '6', true],
    [null, 'anything', 'isNull', '', true],
    [['x', 'y'], '1', 'eq', 'y', true],
    [['x', 'y'], 'length', 'eq', 2, true],
  ])('%j %s %s %j is %s', (value, valueKey, op, wanted, expected) => {
    expect(passes(value, valueKey, op, wanted)).toBe(expected)
  })

  it("looks at the item's key, too, for valueKey 'key'", () => {
    expect(passes({ a: 1 }, 'key', 'startsWith', 'order', 'order-1')).toBe(true)
    expect(passes({ key: 'order-2' }, 'key', 'eq', 'order-2', 'other')).toBe(true)
    expect(passes({ key: 'order-2' }, 'key', 'eq', 'nothing', 'other')).toBe(false)
    expect(passes({ a: 1 }, 'a', 'startsWith', 'order', 'order-1')).toBe(false)
  })

  it('answers a missing property as null, for every operation, and never looks at inherited ones', () => {
    for (const valueKey of ['missing', 'toString', '__proto__', 'constructor', '']) {
      const passing = OPERATIONS.filter((op) => passes({ a: 1 }, valueKey, op, 'x'))
      expect(passing).toEqual(['neq', 'isNull'])
    }
  })

  it("doesn't match what JavaScript can't compare", () => {
    expect(passes({ odd: { toString: 1, valueOf: 2 } }, 'odd', 'gt', 'x')).toBe(false)
    expect(passes({ s: 'x' }, 's', 'startsWith', /x/)).toBe(false)
    expect(passes({ s: 'x' }, 's', 'unheard-of' as FilterOperation, 'x')).toBe(false)
  })

  it('never throws and always answers a boolean, whatever is stored and asked', () => {
    fc.assert(
      fc.property(json, fc.string(), operation, fc.anything(), (value, valueKey, op, wanted) => {
        expect(typeof passes(value, valueKey, op, wanted)).toBe('boolean')
      }),
    )
  })

  it('is every filter at once', () => {
    const filter = fc.record({
      valueKey: fc.constantFrom('a', 'b', 'key'),
      operation,
      value: fc.string({ maxLength: 2 }),
    })
    const values = fc.dictionary(fc.constantFrom('a', 'b'), fc.oneof(fc.string({ maxLength: 2 }), fc.integer()))
    fc.assert(
      fc.property(values, fc.array(filter, { maxLength: 3 }), (value, filters) => {
        expect(matchesFilters(item(value), filters)).toBe(filters.every((f) => matchesFilters(item(value), [f])))
      }),
    )
  })

  it('has opposites: eq and neq, isNull and isNotNull, and on texts and arrays contains and notContains', () => {
    fc.assert(
      fc.property(json, fc.constantFrom('a', 'length', '0'), fc.string(), (value, valueKey, wanted) => {
        expect(passes(value, valueKey, 'neq', wanted)).toBe(!passes(value, valueKey, 'eq', wanted))
        expect(passes(value, valueKey, 'isNotNull', wanted)).toBe(!passes(value, valueKey, 'isNull', wanted))
      }),
    )
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.array(fc.string())), fc.string({ maxLength: 2 }), (a, wanted) => {
        expect(passes({ a }, 'a', 'notContains', wanted)).toBe(!passes({ a }, 'a', 'contains', wanted))
      }),
    )
  })
})
