import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cacheError, isCacheError } from '../../../src/errors.ts'
import { packNumber, packOptions, unpackNumber } from '../../../src/motia/step/protocol.ts'
import { checkWireError, fromWire, toWire } from '../../../src/motia/step/wire-error.ts'

const overJson = <T>(value: T): unknown => JSON.parse(JSON.stringify(value))
const travel = (error: unknown): unknown => {
  const wire = checkWireError(overJson(toWire(error)))
  if (wire === undefined) throw new Error('refused')
  return fromWire(wire)
}

describe('numbers on the channel', () => {
  it('arrive as they are, also those that JSON has no word for', () => {
    fc.assert(
      fc.property(fc.oneof(fc.double(), fc.constantFrom(Number.NaN, -0, Number.POSITIVE_INFINITY)), (number) => {
        expect(unpackNumber(overJson(packNumber(number)))).toBe(number)
      }),
    )
  })

  it('leave other values alone', () => {
    for (const value of ['10m', true, null, ['a'], { number: 'constructor' }, { number: 1 }, {}]) {
      expect(unpackNumber(value)).toBe(value)
    }
  })

  it('are packed in options; undefined stays absent', () => {
    const packed = overJson(packOptions({ ttl: Number.NaN, fresh: true, tags: ['a'], grace: undefined }))
    expect(packed).toEqual({ ttl: { number: 'NaN' }, fresh: true, tags: ['a'] })
  })
})

describe('errors on the channel', () => {
  it('a CacheError keeps all it says', () => {
    const sent = cacheError('CACHE_TIMEOUT', 'slow', { category: 'menu', operation: 'set', applied: 'unknown' })
    const got = travel(sent)
    expect(isCacheError(got)).toBe(true)
    expect({ ...(got as object), message: (got as Error).message }).toEqual({ ...sent, message: sent.message })
  })

  it('whatever can not be read is still an error', () => {
    const throws = () => {
      throw new Error('no')
    }
    const unreadable: unknown[] = [
      Object.assign(new Error('x'), { name: { toString: throws } }),
      Object.assign(new Error('x'), { message: Object.create(null) }),
      Object.defineProperty(new Error('x'), 'stack', { get: throws }),
      new Proxy(new Error('x'), { get: throws }),
      new Proxy({}, { get: throws, ownKeys: throws }),
      {
        toJSON: throws,
        get [Symbol.toStringTag]() {
          return throws()
        },
      },
    ]
    for (const error of unreadable) {
      expect(travel(error)).toBeInstanceOf(Error)
      expect((travel(error) as Error).message).toBe('an error that could not be read')
    }
  })

  it("a factory's error keeps name, message, code and stack", () => {
    const sent = Object.assign(new TypeError('no menu'), { code: 'E_MENU' })
    const got = travel(sent)
    expect(got).toBeInstanceOf(Error)
    expect(got).toMatchObject({ name: 'TypeError', message: 'no menu', code: 'E_MENU', stack: sent.stack })
    expect(Object.keys(got as object)).toEqual(['code'])
  })

  it('what is thrown without being an Error arrives as JSON has it', () => {
    const cyclic: { self?: unknown } = {}
    cyclic.self = cyclic
    expect(travel(undefined)).toBeUndefined()
    expect(travel(null)).toBeNull()
    expect(travel('text')).toBe('text')
    expect(travel({ status: 404 })).toEqual({ status: 404 })
    expect(travel(10n)).toBe('[object BigInt]')
    expect(travel(Symbol('s'))).toBe('Symbol(s)')
    expect(travel(cyclic)).toBe('[object Object]')
  })

  it('a wrong shape is refused', () => {
    for (const wrong of [null, 1, 'x', {}, { kind: 'cache' }, { kind: 'error', name: 'E' }, { kind: 'else' }]) {
      expect(checkWireError(wrong)).toBeUndefined()
    }
    expect(checkWireError({ kind: 'error', name: 'E', message: 'm', code: {} })).toBeUndefined()
    expect(checkWireError({ kind: 'error', name: 'E', message: 'm', stack: 5 })).toBeUndefined()
  })
})
