import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_VALUE_BYTES, parse, serialise } from '../../../src/state/value.ts'

const nested = (levels: number): unknown => {
  let value: unknown = 1
  for (let level = 0; level < levels; level++) value = [value]
  return value
}
const cycle: { self?: unknown } = {}
cycle.self = { inner: cycle }
const throwing = (error: unknown): object => ({
  secret: 'hunter2',
  toJSON() {
    throw error
  },
})

describe('serialise', () => {
  it('gives what JSON gives, and parse gives it back', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value)
        expect(serialise(value)).toEqual({ text })
        expect(parse(text)).toEqual({ value: JSON.parse(text) })
      }),
    )
  })

  it.each([
    ['a Date', new Date(0), '"1970-01-01T00:00:00.000Z"'],
    ['an Invalid Date', new Date(Number.NaN), 'null'],
    ['NaN', Number.NaN, 'null'],
    ['Infinity', Number.POSITIVE_INFINITY, 'null'],
    ['-0', -0, '0'],
    ['null', null, 'null'],
    ["''", '', '""'],
    ['0', 0, '0'],
    ['false', false, 'false'],
    ['a Map', new Map([[1, 2]]), '{}'],
    ['a Set', new Set([1]), '{}'],
    ['a Buffer', Buffer.from('a'), '{"type":"Buffer","data":[97]}'],
    ['a TypedArray', new Uint8Array([1]), '{"0":1}'],
    ['an Error', new Error('x'), '{}'],
    [
      'a class instance',
      new (class A {
        b = 1
      })(),
      '{"b":1}',
    ],
    ['a sparse array', new Array(2), '[null,null]'],
    ['a frozen object', Object.freeze({ a: 1 }), '{"a":1}'],
    ['a Proxy', new Proxy({ a: 1 }, {}), '{"a":1}'],
    ['undefined, a function and a symbol inside', { a: undefined, b() {}, c: Symbol('c') }, '{}'],
    ['a toJSON', { toJSON: () => 'mine' }, '"mine"'],
    [
      'own __proto__ and constructor keys',
      JSON.parse('{"__proto__":1,"constructor":2}'),
      '{"__proto__":1,"constructor":2}',
    ],
    ['a lone surrogate', '\ud800', '"\\ud800"'],
  ])('stores %s as JSON does', (_, value, text) => {
    expect(serialise(value)).toEqual({ text })
  })

  it.each([
    ['undefined', undefined, /use delete/],
    ['a function', () => 1, /a function can't be stored/],
    ['a symbol', Symbol('s'), /a symbol can't be stored/],
    ['a BigInt', 1n, /BigInt/],
    ['a BigInt inside', { a: [1n] }, /BigInt/],
    ['a cycle', cycle, /contains itself/],
    ['20,000 levels', nested(20_000), /nested too deeply/],
    [
      'a throwing getter',
      {
        get secret() {
          throw new RangeError('hunter2')
        },
      },
      /threw RangeError/,
    ],
    ['a throwing toJSON', throwing(new TypeError('hunter2')), /threw TypeError/],
    ['a toJSON that throws a text', throwing('hunter2'), /threw a string/],
    ['a toJSON that answers nothing', { toJSON: () => undefined }, /toJSON returned nothing/],
    ['a revoked Proxy', revoked(), /threw TypeError/],
  ])('refuses %s, saying why and never quoting it', (_, value, reason) => {
    const refused = serialise(value)
    expect(refused).toEqual({ code: 'STATE_INVALID_VALUE', reason: expect.stringMatching(reason) })
    expect(JSON.stringify(refused)).not.toContain('hunter2')
  })

  it('takes the limit in UTF-8 bytes, and one byte more is too large', () => {
    const full = 'é'.repeat((MAX_VALUE_BYTES - 2) / 2)
    expect(serialise(full)).toEqual({ text: JSON.stringify(full) })
    expect(serialise(`${full}a`)).toEqual({
      code: 'STATE_TOO_LARGE',
      reason: expect.stringMatching(/1048577 bytes.*1048576/),
    })
  })
})

describe('parse', () => {
  it.each(['', '{', '{"a":', 'undefined', 'NaN', "{'a':1}", '\u001f\u008b\b'])('answers undefined for %j', (text) => {
    expect(parse(text)).toBeUndefined()
  })

  it('pollutes no prototype', () => {
    const parsed = parse('{"__proto__":{"polluted":true}}')?.value as object
    expect(Object.getPrototypeOf(parsed)).toBe(Object.prototype)
    expect('polluted' in {}).toBe(false)
  })
})

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}
