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
    fc.assert(
      fc.property(value, expires, (json, end) => {
        const text = `{"value":${json},"expires":${end}}`
        expect(read(text)).toEqual(readCarefully(text))
      }),
      { numRuns: 2_000 },
    )
  })
})
