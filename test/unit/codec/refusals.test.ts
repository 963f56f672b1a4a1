import { describe, expect, it } from 'vitest'
import { encodeValue } from '../../../src/codec/encode.ts'
import { fail, nested, Refused } from './support.ts'

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
