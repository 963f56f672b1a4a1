import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ReadResult, readEnvelope } from '../../../src/codec/envelope.ts'
import { usualValue } from '../../../src/codec/usual.ts'

const read = (text: string): unknown => {
  const result: ReadResult = readEnvelope(text, { codec: 'keyv', now: 1_000, maxBytes: 1 << 20 })
  return result.outcome === 'hit'
    ? { ...result, value: { parsed: result.value.parsed, meta: result.value.meta } }
    : result
}
/** A space at the end makes every text unusual, and means nothing in JSON. */
const readCarefully = (text: string): unknown => read(`${text} `)

describe('the usual text', () => {
  it('is taken apart by hand', () => {
    expect(usualValue('{"value":{"a":1,"expires":5},"expires":1795424918732}')).toEqual({
      value: { json: '{"a":1,"expires":5}', parsed: { a: 1, expires: 5 } },
      expires: 1_795_424_918_732,
    })
    const ver = '0123456789abcdef01234567'
    expect(usualValue(`{"ver":"${ver}","value":[1],"expires":6,"meta":{"c":5,"g":7}}`)).toEqual({
      value: { json: '[1]', parsed: [1] },
      expires: 6,
      createdAt: 5,
      hardExpiry: 7,
      version: ver,
    })
    expect(usualValue('{"value":{"a":{}},"expires":6,"meta":{"g":7}}')).toMatchObject({ expires: 6, hardExpiry: 7 })
    expect(usualValue('{"value":{"a":{}},"expires":6,"meta":{"c":7}}')).toMatchObject({ expires: 6, createdAt: 7 })
    expect(usualValue('{"value":null,"expires":7}')).toMatchObject({
      value: { json: 'null', parsed: null },
      expires: 7,
    })
  })

  it.each([
    '{"value":1}',
    '{"value":1,"expires":}',
    '{"value":1,"expires":0}',
    '{"value":1,"expires":012}',
    '{"value":1,"expires":-5}',
    '{"value":1,"expires":1.5}',
    '{"value":1,"expires":1234567890123456}',
    '{"value":,"expires":5}',
    '{"value":"expires":5}',
    '{"value":1,"value":2,"expires":5}',
    '{"value":1,"expires":4,"expires":5}',
    '{"value":{"a":1,"expires":5}',
    '{"value":{"__proto__":1},"expires":5}',
    '{"value":"::a","expires":5}',
    '{"value":"\\u003a:a","expires":5}',
    '{"ver":"0","value":1,"expires":5}',
    '{"value":1,"expires":5,"meta":{}}',
    '{"value":1,"expires":5,"meta":{"g":07}}',
    '{"value":1,"expires":5,"meta":{"g":7,"c":5}}',
    '{"value":1,"expires":5,"meta":{"c":5,"g":7,"t":[]}}',
    '{"value":1,"expires":5,"meta":{"t":["a"],"g":7}}',
    '{"value":"","expires":5,"meta":{"g":7}}}',
    '{"ver":"0123456789ABCDEF01234567","value":1,"expires":5}',
    '{"ver":"0123456789abcdef0123456","value":1,"expires":5}',
    '"expires":5}',
    ',"expires":5}',
    '5}',
    '}',
    '',
  ])('is not %s', (text) => {
    expect(usualValue(text)).toBeUndefined()
  })

  it('reads like any other way to write the same JSON', () => {
    const value = fc.oneof(
      fc.json(),
      fc.string().map((text) => JSON.stringify(text)),
      fc.constantFrom(
        '1,"value":2',
        '{"__proto__":1}',
        '"::x"',
        '":base64:AA=="',
        '',
        ' [] ',
        '1e999',
        '{"a":1,"expires":5',
      ),
    )
    const expires = fc.oneof(
      fc.integer().map(String),
      fc.constantFrom('', '0', '01', '1e3', '2000.5', 'null', '9'.repeat(17)),
    )
    const meta = fc.oneof(
      fc.constantFrom('', ',"meta":{"g":3000}', ',"meta":{"c":900,"g":1500}', ',"meta":{"c":"x"}', ',"meta":{"g":5}'),
      fc.json().map((text) => `,"meta":${text}`),
    )
    const version = fc.constantFrom('', '"ver":"0123456789abcdef01234567",', '"ver":"0123456789abcdef012345\\"",')
    fc.assert(
      fc.property(version, value, expires, meta, (before, json, end, after) => {
        const text = `{${before}"value":${json},"expires":${end}${after}}`
        expect(read(text)).toEqual(readCarefully(text))
      }),
      { numRuns: 2_000 },
    )
  })
})
