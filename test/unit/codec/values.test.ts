import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { encodeValue } from '../../../src/codec/encode.ts'
import { encode, fail, Refused, throughChannel, throughEnvelope, toText } from './support.ts'

const nested = (levels: number, leaf: unknown = 'leaf'): unknown => {
  let value = leaf
  for (let i = 0; i < levels; i++) value = i % 2 === 0 ? [value] : { in: value }
  return value
}

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

class Order {
  total = 12_345
}
class LateDate extends Date {}

const cycle: Record<string, unknown> = { a: { b: [] } }
;(cycle.a as { b: unknown[] }).b.push({ back: cycle })
const cyclicMap = new Map<string, unknown>()
cyclicMap.set('self', [cyclicMap])
const withProto: unknown = JSON.parse('{"profile":{"__proto__":{"admin":true}}}')
const hidden = (): object => Object.defineProperty({ secret: 'hidden-value' }, 'toJSON', { value: () => 'called' })

const refusals: Record<string, [value: unknown, text: RegExp]> = {
  undefined: [undefined, /^undefined can't be stored.*delete/],
  'a symbol': [Symbol('secret'), /^a symbol can't/],
  'a symbol inside': [{ list: [Symbol.iterator] }, /^a symbol can't.*\(at list\[0\]\)$/],
  'a symbol as a name': [{ a: { [Symbol('secret')]: 1 } }, /symbol.*\(at a\)$/],
  'a function': [{ order: { items: [0, 1, 2, { total: () => 1 }] } }, /^a function.*\(at order\.items\[3\]\.total\)$/],
  'a class': [Order, /^a function/],
  'an invalid Date': [{ at: new Date(Number.NaN) }, /^an invalid Date.*\(at at\)$/],
  'an Error': [{ cause: new TypeError('secret') }, /^an Error.*\(at cause\)$/],
  'a class instance': [[new Order()], /^an instance of Order.*\(at \[0\]\)$/],
  'a subclass of Date': [new LateDate(), /^an instance of LateDate/],
  'a subclass of Array': [{ list: new (class List extends Array {})() }, /^an instance of List.*\(at list\)$/],
  'a subclass of Uint8Array': [new (class Bytes extends Uint8Array {})(), /^an instance of Bytes/],
  'an object with an inherited part': [Object.create({ total: 1 }), /^an instance of/],
  'a boxed string': [new String('x'), /^an instance of String/],
  'a Promise': [{ later: Promise.resolve(1) }, /^a Promise.*await.*\(at later\)$/],
  'a WeakMap': [new WeakMap(), /^an instance of WeakMap/],
  URLSearchParams: [new URLSearchParams('a=b'), /^an instance of URLSearchParams/],
  'a Date with properties': [Object.assign(new Date(1), { zone: 'UTC' }), /^a Date with properties/],
  'a cycle': [cycle, /contains itself.*\(at a\.b\[0\]\.back\)$/],
  'a cycle through a Map': [cyclicMap, /contains itself.*\(at <value 0>\[0\]\)$/],
  '20,000 levels': [nested(20_000), /nested deeper than 1000 levels/],
  'one level too many': [nested(1_001), /nested deeper than 1000 levels/],
  'one level too many beside a Date': [nested(251, new Date(1)), /nested deeper than 250 levels beside a Date/],
  'a sparse array': [{ list: Object.assign([1], { 2: 3 }) }, /holes.*\(at list\[1\]\)$/],
  'a throwing getter': [
    {
      ok: 1,
      get bad() {
        throw new Error('secret')
      },
    },
    /^reading the value threw an error \(at bad\)$/,
  ],
  'a toJSON method': [{ money: { toJSON: () => 'secret' } }, /toJSON.*\(at money\)$/],
  'a throwing toJSON method': [
    {
      toJSON: () => {
        throw new Error('secret')
      },
    },
    /toJSON/,
  ],
  'a hidden toJSON method': [{ a: hidden() }, /toJSON.*\(at a\)$/],
  'a toJSON method on an array': [Object.assign([1], { toJSON: () => 'secret' }), /toJSON/],
  'a Proxy that throws': [
    {
      proxy: new Proxy(
        {},
        {
          ownKeys: () => {
            throw new Error('secret')
          },
        },
      ),
    },
    /^reading the value threw an error \(at proxy\)$/,
  ],
  'a revoked Proxy': [
    (() => {
      const { proxy, revoke } = Proxy.revocable({}, {})
      revoke()
      return [proxy]
    })(),
    /^reading the value threw an error \(at \[0\]\)$/,
  ],
  'an own __proto__': [withProto, /'__proto__'.*\(at profile\.__proto__\)$/],
  'constructor beside a Date': [
    { car: { constructor: 'x' }, at: new Date(1) },
    /'constructor' \(at car\.constructor\).*beside a Date/,
  ],
  'prototype beside a Date': [{ prototype: 1, at: new Date(1) }, /'prototype'.*beside a Date/],
  'a Float64Array with NaN': [new Float64Array([1, Number.NaN]), /Float64Array with NaN/],
  'a Float32Array with -0': [new Float32Array([-0]), /Float32Array with NaN, Infinity or -0/],
  'a BigInt64Array': [new BigInt64Array(1), /^a BigInt64Array can't/],
  'a DataView': [new DataView(new ArrayBuffer(1)), /^a DataView can't/],
  'an ArrayBuffer': [new ArrayBuffer(1), /^an instance of ArrayBuffer/],
  'a BigInt of 10,001 digits': [{ n: 10n ** 10_000n }, /BigInt.*digits.*\(at n\)$/],
  'two equal Buffers as keys': [
    new Map([Buffer.from('a'), Buffer.from('a')].map((key) => [key, 1])),
    /two equal Buffers/,
  ],
  'two equal Buffers in a Set': [
    { set: new Set([Buffer.from('a'), Buffer.from('a')]) },
    /two equal Buffers.*\(at set\)$/,
  ],
  'a key of a Map': [new Map([['a', 1], [() => 1, 2] as unknown as [string, number]]), /\(at <key 1>\)$/],
  'a member of a Set': [new Set([1, Symbol('secret')]), /\(at <member 1>\)$/],
  'an odd name': [{ 'a b': { "'": () => 1 } }, /\(at \["a b"\]\["'"\]\)$/],
}

describe('values that are refused, with the place and never the value', () => {
  it.each(Object.entries(refusals))('%s', (_, [value, text]) => {
    const thrown = (() => {
      try {
        return encodeValue(value, fail)
      } catch (error) {
        return error
      }
    })()
    expect(thrown).toBeInstanceOf(Refused)
    expect((thrown as Error).message).toMatch(text)
    expect((thrown as Error).message).not.toMatch(/secret|hidden-value|12345/)
  })

  it('nobody calls a toJSON to find out', () => {
    let calls = 0
    expect(() => encodeValue({ toJSON: () => calls++ }, fail)).toThrow(Refused)
    expect(calls).toBe(0)
  })

  it('a long path and a long name are cut', () => {
    const deep = nested(40, () => 1)
    expect(() => encodeValue(deep, fail)).toThrow(/ … /)
    expect(() => encodeValue({ ['x'.repeat(5_000)]: Symbol('s') }, fail)).toThrow(/^.{1,200}$/)
  })

  it('shared parts that multiply end in an error, not in a frozen process', () => {
    let value: unknown[] = [1]
    for (let i = 0; i < 60; i++) value = [value, value]
    expect(() => encodeValue(value, fail)).toThrow(/more than 1000000 parts/)
  })
})

describe('the moment of the call', () => {
  it('counts: what changes afterwards is not stored, whether superjson is loaded or not', async () => {
    const value = { at: new Date(1), list: [1], map: new Map([['a', { n: 1 }]]) }
    const encoded = encodeValue(value, fail)
    value.at.setTime(99)
    value.list.push(2)
    value.map.clear()
    expect(JSON.parse((await encoded).json)).toEqual({
      at: '1970-01-01T00:00:00.001Z',
      list: [1],
      map: [['a', { n: 1 }]],
    })
  })

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
