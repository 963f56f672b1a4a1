import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { writeBare } from '../../../src/codec/bare.ts'
import { decodeValue } from '../../../src/codec/decode.ts'
import { encodeValue } from '../../../src/codec/encode.ts'
import { readEnvelope, writeEnvelope } from '../../../src/codec/envelope.ts'
import { encode, fail, hit, LATER, MIB, NOW, Refused, throughChannel, throughEnvelope } from './support.ts'

const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom(':', 'b', '"', '\\', '.', '\ud800', '\udc00', '\u0000') }),
  fc.constantFrom(':', '::x', ':base64:', ':base64:QUJD', 'NaN', '-0', '__proto__', '1'),
)
// superjson refuses the other two names beside a Date; that refusal has a test of its own.
const name = text.filter((each) => !['__proto__', 'constructor', 'prototype'].includes(each))
const bytes = fc.uint8Array({ maxLength: 20 })
const simple = fc.oneof(
  text,
  fc.double(),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  fc.constant(undefined),
  fc.constantFrom(-0, Number.NaN, Number.POSITIVE_INFINITY),
  fc.bigInt(),
  fc.date({ noInvalidDate: true }),
  fc.constantFrom(/a/g, /[/\]]+\\/iu, /(?:)/, /\u{1f355}/u),
  fc.webUrl().map((url) => new URL(url)),
  bytes.map((each) => new Uint8Array(each)),
  fc
    .array(fc.float({ noNaN: true, noDefaultInfinity: true }).filter((n) => !Object.is(n, -0)))
    .map((list) => new Float32Array(list)),
)
const buffer = bytes.map((each) => Buffer.from(each))

const { rich } = fc.letrec((tie) => ({
  rich: fc.oneof(
    { maxDepth: 5, depthSize: 'small' },
    simple,
    buffer,
    fc.array(tie('rich'), { maxLength: 5 }),
    fc.dictionary(name, tie('rich'), { maxKeys: 5, noNullPrototype: true }),
    fc.array(fc.tuple(tie('key'), tie('rich')), { maxLength: 4 }).map((entries) => new Map(entries)),
    fc.array(tie('key'), { maxLength: 4 }).map((members) => new Set(members)),
  ),
  // Two equal Buffers as keys of one Map are refused, so a key is never a bare Buffer here.
  key: fc.oneof(
    { maxDepth: 3 },
    simple,
    fc.array(tie('rich'), { maxLength: 3 }),
    fc.dictionary(name, tie('rich'), { maxKeys: 2, noNullPrototype: true }),
  ),
}))
const storable = rich.filter((value) => value !== undefined)

const { plain } = fc.letrec((tie) => ({
  plain: fc.oneof(
    { maxDepth: 5, depthSize: 'small' },
    text.filter((each) => !each.startsWith(':')),
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter((n) => !Object.is(n, -0)),
    fc.constantFrom(true, false, null),
    fc.array(tie('plain'), { maxLength: 5 }),
    fc.dictionary(
      text.filter((each) => each !== '__proto__'),
      tie('plain'),
      { maxKeys: 5, noNullPrototype: true },
    ),
  ),
}))

describe('any value', () => {
  it('comes back as it was, in the server and through the channel', async () => {
    await fc.assert(
      fc.asyncProperty(storable, async (value) => {
        expect(await throughEnvelope(value)).toStrictEqual(value)
        expect(await throughChannel(value)).toStrictEqual(value)
      }),
      { numRuns: 200 },
    )
  })

  it('is left as it was by encoding it, and encodes to the same text again', async () => {
    await fc.assert(
      fc.asyncProperty(storable, async (value) => {
        const look = (): string => inspect(value, { depth: null, maxArrayLength: null, maxStringLength: null })
        const before = look()
        const first = await encode(value)
        expect(await encode(value)).toEqual(first)
        expect(look()).toBe(before)
      }),
      { numRuns: 100 },
    )
  })

  it('that is plain JSON is stored as JSON.stringify writes it, without metadata', async () => {
    await fc.assert(
      fc.asyncProperty(plain, async (value) => {
        const encoded = await encode(value)
        expect(encoded).toEqual({ json: JSON.stringify(value) })
        expect(decodeValue(encoded)).toStrictEqual(value)
        expect(writeBare(encoded, fail)).toBe(encoded.json)
      }),
    )
  })

  it('is encoded or refused, never anything else', async () => {
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withNullPrototype: true,
      withObjectString: true,
      withSparseArray: true,
      withTypedArray: true,
      withUnicodeString: true,
    })
    let refused = 0
    await fc.assert(
      fc.asyncProperty(anything, async (value) => {
        try {
          const encoded = await encodeValue(value, fail)
          await decodeValue(encoded)
        } catch (error) {
          refused++
          expect(error).toBeInstanceOf(Refused)
        }
      }),
      { numRuns: 400 },
    )
    expect(refused).toBeGreaterThan(0)
  })
})

describe('any text in Redis', () => {
  const options = { now: NOW, maxBytes: MIB }
  const damaged = fc
    .tuple(storable, fc.nat(), fc.string({ maxLength: 3 }), fc.nat(5))
    .map(([value, at, insert, cut]) => {
      const encoded = encodeValue(value, fail)
      if (encoded instanceof Promise) return ''
      const whole = writeEnvelope(encoded, { expires: LATER, tags: ['a'], createdAt: NOW })
      const place = at % whole.length
      return whole.slice(0, place) + insert + whole.slice(place + cut)
    })
  const field = fc.constantFrom('ver', 'value', 'expires', 'meta', 't', 's', 'c', 'g', 'n', 'z', '__proto__')
  const shaped = fc
    .dictionary(field, fc.oneof(fc.jsonValue(), fc.dictionary(field, fc.jsonValue())))
    .map((each) => JSON.stringify(each))
  const anyText = fc.oneof(fc.string({ unit: 'binary' }), fc.json(), damaged, shaped)

  it('is read without throwing, and a hit decodes or is refused with a plain error', async () => {
    await encode(new Date())
    const seen = { hit: 0, absent: 0, corrupt: 0, expired: 0 }
    await fc.assert(
      fc.asyncProperty(anyText, fc.constantFrom('keyv', 'json'), async (stored, codec) => {
        const result = readEnvelope(stored, { ...options, codec })
        seen[result.outcome]++
        if (result.outcome !== 'hit') return
        const { json, meta } = result.value
        const asStep = await Promise.resolve({ json, meta })
          .then(decodeValue)
          .catch((error: unknown) => error)
        const asHost = await Promise.resolve(result.value)
          .then(decodeValue)
          .catch((error: unknown) => error)
        expect(asStep instanceof Error).toBe(asHost instanceof Error)
        if (asHost instanceof Error) expect(asHost.message).toMatch(/^stored metadata /)
        else expect(asStep).toStrictEqual(asHost)
      }),
      { numRuns: 600 },
    )
    expect(seen.hit).toBeGreaterThan(20)
    expect(seen.corrupt).toBeGreaterThan(20)
  })
})

describe('the parts of an envelope', () => {
  it('come back beside any value', async () => {
    const fields = fc.record(
      {
        expires: fc.integer({ min: NOW + 1, max: 8_640_000_000_000_000 }),
        createdAt: fc.integer({ min: 0, max: NOW }),
        tags: fc.array(text, { minLength: 1, maxLength: 3 }),
        hardExpiry: fc.integer({ min: NOW, max: 8_640_000_000_000_000 }),
        version: fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 24, maxLength: 24 }),
      },
      { requiredKeys: [] },
    )
    await fc.assert(
      fc.asyncProperty(storable, fields, async (value, written) => {
        const encoded = await encode(value)
        const { outcome, value: stored, ...read } = hit(writeEnvelope(encoded, written))
        expect(outcome).toBe('hit')
        expect(read).toEqual(written)
        expect(stored.json).toBe(encoded.json)
        expect(stored.meta).toEqual(encoded.meta)
      }),
      { numRuns: 200 },
    )
  })
})
