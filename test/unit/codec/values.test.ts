import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { encodeValue } from '../../../src/codec/encode.ts'
import { encode, fail, nested, throughChannel, throughEnvelope, toText } from './support.ts'

const nestedMaps = (levels: number): unknown => {
  let value: unknown = 1
  for (let i = 0; i < levels; i++) value = new Map([[i, value]])
  return value
}

const roundTrips: Record<string, unknown> = {
  null: null,
  'empty string': '',
  zero: 0,
  false: false,
  'a plain object': { id: 7, name: 'Ada', tags: ['a', 'b'], address: { city: 'Wien', zip: null } },
  'an empty object': {},
  'an empty array': [],
  'large and small numbers': [Number.MAX_SAFE_INTEGER, Number.MIN_VALUE, 1e308, -1.5],
  NaN: Number.NaN,
  'minus zero': -0,
  Infinity: [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  BigInt: { big: 2n ** 200n, negative: -1n, zero: 0n, same: [1n, 1n] },
  'the longest BigInt': 10n ** 9_990n,
  Date: { at: new Date(1_234_567), first: new Date(-8.64e15), last: new Date(8.64e15) },
  'a Date alone': new Date(0),
  Map: new Map<unknown, unknown>([
    ['a', 1],
    [2, new Map([[null, undefined]])],
    [Number.NaN, 'nan'],
  ]),
  'a Map whose keys are Dates, objects, lists and Sets': new Map<unknown, unknown>([
    [new Date(5), 'date'],
    [{ a: new Date(6) }, 'object'],
    [[new Date(7), 1n], 'list'],
    [new Set([1n]), 'set'],
  ]),
  Set: new Set<unknown>([1, '1', new Date(3), new Set([undefined]), 1n, 2n, 3n, Number.NaN]),
  'undefined inside': { a: undefined, list: [undefined, 1, undefined], map: new Map([[undefined, undefined]]) },
  RegExp: [/a\/b/gimsuy, /(?:)/, /[/]\\/],
  URL: new URL('https://user:pass@example.org:8443/a/b?c=d#e'),
  Uint8Array: new Uint8Array([0, 127, 255]),
  'other typed arrays': [
    new Int8Array([-1]),
    new Uint16Array([65_535]),
    new Int32Array([-5]),
    new Float32Array([0.5]),
    new Float64Array([0.1]),
    new Uint8ClampedArray([255]),
    new Uint32Array(),
    new Int16Array([3]),
  ],
  Buffer: Buffer.from('bytes: \u0000\u00ff'),
  'an empty Buffer': { empty: Buffer.alloc(0) },
  'Buffers beside Dates': { at: new Date(1), files: new Map([['a', Buffer.from([1, 2, 3])]]) },
  'strings that begin with a colon': [':', '::', ':x', ':base64:', ':base64:AAAA', '::base64:', { ':key': ':value' }],
  'a colon string alone': ':x',
  'colon strings beside Dates': { at: new Date(1), text: ':base64:AAAA', set: new Set([':a', '::a']) },
  'lone surrogates': ['\ud800', 'x\udfff', { '\ud800': '\udfff', at: new Date(1) }],
  'control characters': '\u0000\u0001\u001f"\\\n\u2028\u2029\u007f',
  emoji: { '🍕': '🍕', combining: 'e\u0301', composed: '\u00e9' },
  'odd property names': { '': 1, ' ': 2, '0': 3, 'a.b': 4, 'a\\b': 5, toString: 'x', hasOwnProperty: 'y', toJSON: 'z' },
  'odd property names beside Dates': {
    '': new Date(1),
    'a.b': new Date(2),
    'a\\.b': new Date(3),
    '\\': { '.': new Date(4) },
  },
  'constructor and prototype as names': { constructor: 'Ferrari', prototype: ['P1'], text: ':x' },
  'a text that names __proto__': { text: '"__proto__":{}', more: '\\u005f' },
  'texts that look like stored ones': ['{"value":1,"expires":2}', '2020-01-01T00:00:00.000Z', 'NaN', '/re/g'],
  'many levels': nested(1_000),
  'many levels with a Date': nested(249, new Date(1)),
  'many levels of Maps': nestedMaps(250),
  'ten thousand Dates': Array.from({ length: 10_000 }, (_, i) => new Date(i)),
}

describe('values that come back as they were', () => {
  it.each(Object.entries(roundTrips))('%s', async (_, value) => {
    expect(await throughEnvelope(value)).toStrictEqual(value)
    expect(await throughChannel(value)).toStrictEqual(value)
  })

  it('a Buffer is a Buffer, a Uint8Array is none', async () => {
    expect(Buffer.isBuffer(await throughEnvelope(Buffer.from('x')))).toBe(true)
    expect(Buffer.isBuffer(await throughEnvelope(new Uint8Array(2)))).toBe(false)
  })
})

describe('values that come back changed, as documented', () => {
  it('a frozen object is thawed', async () => {
    const value = Object.freeze({ list: Object.freeze([1, ':x']), at: new Date(1) })
    const back = (await throughEnvelope(value)) as typeof value
    expect(back).toStrictEqual({ list: [1, ':x'], at: new Date(1) })
    expect(Object.isFrozen(back)).toBe(false)
  })

  it('an object without prototype becomes an ordinary one', async () => {
    const plain = Object.assign(Object.create(null), { a: 1 })
    expect(await throughEnvelope(plain)).toStrictEqual({ a: 1 })
    expect(await throughEnvelope({ plain, at: new Date(1) })).toStrictEqual({ plain: { a: 1 }, at: new Date(1) })
  })

  it('a getter that answers otherwise each time becomes its second answer, as JSON writes it', async () => {
    const changing = (...answers: unknown[]) => ({
      get x() {
        return answers.shift()
      },
    })
    expect(await encode(changing(1, 2, 3))).toEqual({ json: '{"x":2}' })
    expect(await encode(changing(1, Number.NaN, 3))).toEqual({ json: '{"x":null}' })
    expect(await encode(changing(1, undefined, 3))).toEqual({ json: '{}' })
    expect(await throughEnvelope(changing(1, new Date(0), 3))).toEqual({ x: new Date(0).toISOString() })
    // Where JSON can't carry the first answer, all is copied first.
    expect(await throughEnvelope(changing(new Date(0), 'copied', 3))).toEqual({ x: 'copied' })
  })

  it('a getter becomes what it answered', async () => {
    const value = {
      get plain() {
        return 1
      },
      get rich() {
        return new Date(1)
      },
    }
    expect(await throughEnvelope(value)).toStrictEqual({ plain: 1, rich: new Date(1) })
  })

  it('parts that are shared become copies, also in a Set, where superjson alone would lose one', async () => {
    const [a, b] = [{ id: 'a' }, { id: 'b' }]
    const value = { a, set: new Set([a, b]), b, at: new Date(1) }
    const back = (await throughEnvelope(value)) as typeof value
    expect(back).toStrictEqual(value)
    expect(back.set.has(back.a)).toBe(false)
  })

  it('objects of another realm become ours', async () => {
    const foreign: unknown = runInNewContext(
      '({ at: new Date(1), map: new Map([[1, [2]]]), re: /x/g, error: undefined })',
    )
    expect(await throughEnvelope(foreign)).toStrictEqual({
      at: new Date(1),
      map: new Map([[1, [2]]]),
      re: /x/g,
      error: undefined,
    })
    expect(await throughEnvelope(runInNewContext('({ a: [1] })'))).toStrictEqual({ a: [1] })
  })

  it('a well-behaved Proxy is what it stands for', async () => {
    expect(await throughEnvelope(new Proxy({ a: [1] }, {}))).toStrictEqual({ a: [1] })
  })
})

describe('superjson', () => {
  it('is synchronous once superjson is loaded', async () => {
    await encode(new Date())
    expect(encodeValue(new Date(), fail)).not.toBeInstanceOf(Promise)
    expect(encodeValue({ a: 1 }, fail)).not.toBeInstanceOf(Promise)
  })

  it("the app's own superjson changes nothing", async () => {
    const { default: SuperJSON } = await import('superjson')
    const before = await toText({ at: new Date(1), url: new URL('http://a.example') })
    SuperJSON.registerCustom<Date, string>(
      { isApplicable: (v): v is Date => v instanceof Date, serialize: () => 'custom', deserialize: () => new Date(2) },
      'test-date',
    )
    expect(await toText({ at: new Date(1), url: new URL('http://a.example') })).toBe(before)
  })
})
