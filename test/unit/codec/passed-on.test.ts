import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readEnvelope } from '../../../src/codec/envelope.ts'
import { unescapeAll } from '../../../src/codec/escape.ts'
import { NOW } from './support.ts'

const space = fc.constantFrom('', '', ' ', '\n\t')
const number = fc.constantFrom('0', '-0', '1.0', '1e999', '-1E999', '17e2', '1700000060000', '9007199254740993')
const string = fc.oneof(
  fc.string().map((text) => JSON.stringify(text)),
  fc.constantFrom('"::x"', '":base64:AA=="', '"\\u003ax"', '",\\"value\\":1"', '"\\\\"', '"}"', '"expires"', '"]{"'),
)
/** A name as somebody may have written it. */
const nameOf = (name: string) =>
  fc.constantFrom(`"${name}"`, `"${name}"`, `"\\u${name.charCodeAt(0).toString(16).padStart(4, '0')}${name.slice(1)}"`)

const { json } = fc.letrec<{ json: string }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    number,
    string,
    fc.constantFrom('null', 'true', '[]', '{}'),
    fc.array(tie('json'), { maxLength: 3 }).map((parts) => `[${parts.join(',')}]`),
    fc
      .array(fc.tuple(fc.constantFrom('"a"', '"value"', '"meta"', '"expires"', '"ver"'), space, tie('json')), {
        maxLength: 3,
      })
      .map((parts) => `{${parts.map(([name, gap, part]) => `${name}${gap}:${gap}${part}`).join(',')}}`),
  ),
}))
const ends = fc.constantFrom('null', '1700000060000', '1.70000006e12', '1')
const metas = fc.constantFrom('{}', '{"t":["a"]}', '{"c":1, "c":2}', '{"s":{"v":1}}')
const field = fc.oneof(
  fc.tuple(nameOf('value'), json),
  fc.tuple(nameOf('expires'), ends),
  fc.tuple(nameOf('meta'), metas),
  fc.tuple(nameOf('ver'), json),
)
const envelope = fc.tuple(fc.array(fc.tuple(field, space), { maxLength: 5 }), json).map(([fields, value]) => {
  const written = fields.map(([[name, part], gap]) => `${gap}${name}${gap}:${gap}${part}${gap}`)
  return `{"value":${value}${written.map((each) => `,${each}`).join('')}}`
})

describe('the text that is passed on', () => {
  it.each(['keyv', 'json'] as const)('says what the reader in the server process sees (%s)', (codec) => {
    let hits = 0
    fc.assert(
      fc.property(fc.oneof(envelope, envelope, json), (text) => {
        const read = () => readEnvelope(text, { codec, now: NOW, maxBytes: 1_000_000 })
        const result = read()
        if (result.outcome !== 'hit') return
        hits++
        const { value } = result
        const seen = unescapeAll(JSON.parse(value.json))
        expect(value.parsed === undefined ? seen : value.parsed).toStrictEqual(seen)
        // Whoever asks for the text afterwards gets the same.
        expect(value.json).toBe((read() as typeof result).value.json)
      }),
      { numRuns: 3_000 },
    )
    expect(hits).toBeGreaterThan(300)
  })
})
