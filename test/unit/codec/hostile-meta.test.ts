import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeValue } from '../../../src/codec/decode.ts'
import type { SuperjsonMeta } from '../../../src/codec/payload.ts'
import { checkMeta } from '../../../src/codec/rich-check.ts'

const decode = async (value: unknown, meta: unknown): Promise<unknown> =>
  decodeValue({ json: JSON.stringify(value), meta: meta as SuperjsonMeta })

const values = (annotations: unknown): unknown => ({ values: annotations, v: 1 })

const hostile: Record<string, [value: unknown, meta: unknown]> = {
  'no version': [{ a: null }, { values: { a: ['undefined'] } }],
  'the version with the older paths': [{ a: null }, { values: { a: ['undefined'] }, v: 0 }],
  'no annotations': [{ a: 1 }, { v: 1 }],
  'annotations that are a text': ['x', values('Date')],
  'annotations that are null': ['x', values(null)],
  'a path to __proto__': [{ a: 1 }, values({ __proto__x: ['map'] })],
  'a path over __proto__': [{}, JSON.parse('{"values":{"__proto__.toString":["undefined"]},"v":1}')],
  'a property __proto__': [{}, JSON.parse('{"values":{"__proto__":["set"]},"v":1}')],
  'a path over constructor': [{ constructor: { prototype: [] } }, values({ 'constructor.prototype': ['set'] })],
  'a path that is not there': [{ a: 1 }, values({ b: ['undefined'] })],
  'a path to something inherited': [{ a: 1 }, values({ toString: ['undefined'] })],
  "an array's length": [[1], values({ length: ['undefined'] })],
  'an index beyond the end': [[null], values({ '1': ['undefined'] })],
  'an index in another form': [[null, null], values({ '01': ['undefined'] })],
  'a path into a text': ['abc', values({ '0': ['undefined'] })],
  'a malformed path': [{ 'a\\b': null }, values({ 'a\\b': ['undefined'] })],
  'a BigInt of a million digits': [{ a: '9'.repeat(1_000_000) }, values({ a: ['bigint'] })],
  'a BigInt of a number': [{ a: 5 }, values({ a: ['bigint'] })],
  'a BigInt of a fraction': [{ a: '1.5' }, values({ a: ['bigint'] })],
  'a class': [{ a: {} }, values({ a: [['class', 'User']] })],
  'a custom type': [{ a: 'x' }, values({ a: [['custom', 'decimal']] })],
  'a symbol': [{ a: 'x' }, values({ a: [['symbol', 'x']] })],
  'an Error': [{ a: { message: 'x' } }, values({ a: ['Error'] })],
  'an unknown type': [{ a: 'x' }, values({ a: ['Temporal'] })],
  'a type from a prototype': [{ a: 'x' }, values({ a: ['toString'] })],
  'a Date of a number': [{ a: 1e12 }, values({ a: ['Date'] })],
  'an invalid Date': [{ a: 'yesterday' }, values({ a: ['Date'] })],
  'a number of a number': [{ a: 5 }, values({ a: ['number'] })],
  'a number of some text': [{ a: '0x10' }, values({ a: ['number'] })],
  'undefined that is something': [{ a: 'secret' }, values({ a: ['undefined'] })],
  'a broken RegExp': [{ a: '/(/g' }, values({ a: ['regexp'] })],
  'a RegExp with unknown flags': [{ a: '/a/xyz' }, values({ a: ['regexp'] })],
  'a RegExp without slashes': [{ a: 'a' }, values({ a: ['regexp'] })],
  'a broken URL': [{ a: 'nowhere' }, values({ a: ['URL'] })],
  'a Set of a text': [{ a: 'abc' }, values({ a: ['set'] })],
  'a Map without pairs': [{ a: [1, 2] }, values({ a: ['map'] })],
  'a Map whose pair becomes a Set': [{ a: [[1, 2]] }, values({ a: ['map', { '0': ['set'] }] })],
  'a typed array of a length': [{ a: 1e9 }, values({ a: [['typed-array', 'Uint8Array']] })],
  'a typed array of texts': [{ a: ['1'] }, values({ a: [['typed-array', 'Uint8Array']] })],
  'an unknown typed array': [{ a: [1] }, values({ a: [['typed-array', 'Function']] })],
  'a type with three parts': [{ a: null }, values({ a: ['undefined', {}, {}] })],
  'an empty type': [{ a: null }, values({ a: [] })],
  'children that are a list': [{ a: [] }, values({ a: ['set', []] })],
  'a path through a Set': [{ a: [[1]] }, values({ a: ['set'], 'a.0': ['set'] })],
  'references that build a cycle': [
    { a: { b: null } },
    { values: { 'a.b': ['undefined'] }, referentialEqualities: { a: ['a.b'] }, v: 1 },
  ],
  'references to the root': [{ a: null }, { values: { a: ['undefined'] }, referentialEqualities: [['a']], v: 1 }],
}

describe('metadata that we cannot have written', () => {
  it.each(Object.entries(hostile))('%s', async (_, [value, meta]) => {
    const refused = await decode(value, meta).then(
      () => undefined,
      (error: unknown) => error,
    )
    expect(refused).toBeInstanceOf(Error)
    expect((refused as Error).message).toMatch(/^stored metadata /)
    expect(Object.keys(Object.prototype)).toEqual([])
    expect(Object.prototype.toString.call({})).toBe('[object Object]')
  })

  it('nested without end', async () => {
    let node: unknown = ['set']
    let value: unknown = []
    for (let i = 0; i < 1_000; i++) {
      node = ['set', { '0': node }]
      value = [value]
    }
    await expect(decode(value, values(node))).rejects.toThrow('nested too deep')
  })
})

describe('any metadata', () => {
  const type = fc.oneof(
    fc.constantFrom('undefined', 'number', 'bigint', 'Date', 'regexp', 'URL', 'set', 'map', 'Error', 'toString'),
    fc.constantFrom(['typed-array', 'Uint8Array'], ['typed-array', 'Float64Array'], ['class', 'A'], ['custom', 'b']),
  )
  const path = fc.oneof(
    fc.constantFrom('a', 'b', '0', '1', '0.0', '0.1', '1.0', '0.a', 'a.0', 'a.b', 'length', '__proto__', 'constructor'),
    fc.string(),
  )
  const { node } = fc.letrec((tie) => ({
    node: fc.oneof({ maxDepth: 4 }, fc.tuple(type), fc.tuple(type, fc.dictionary(path, tie('node'), { maxKeys: 3 }))),
  }))
  const leaf = fc.constantFrom<unknown>(
    null,
    1,
    'NaN',
    '-0',
    '12',
    '2020-01-01T00:00:00.000Z',
    '/a/g',
    'http://a.example/',
    'x',
  )
  const { json } = fc.letrec((tie) => ({
    json: fc.oneof(
      { maxDepth: 5 },
      leaf,
      fc.array(tie('json'), { maxLength: 3 }),
      fc.tuple(tie('json'), tie('json')),
      fc.record({ a: tie('json'), b: tie('json') }),
    ),
  }))
  const passes = (value: unknown, meta: SuperjsonMeta): boolean => {
    try {
      checkMeta(value, meta)
      return true
    } catch {
      return false
    }
  }

  it('that passes the check decodes; any other is refused; no prototype changes', async () => {
    let passed = 0
    await fc.assert(
      fc.asyncProperty(json, fc.oneof(node, fc.dictionary(path, node, { maxKeys: 3 })), async (value, annotations) => {
        const meta = values(annotations) as SuperjsonMeta
        const good = passes(value, meta)
        if (good) passed++
        expect(
          await decode(value, meta).then(
            () => true,
            () => false,
          ),
        ).toBe(good)
        expect(Object.keys(Object.prototype)).toEqual([])
      }),
      { numRuns: 1_500 },
    )
    expect(passed).toBeGreaterThan(20)
  })
})
