import { deflateRawSync, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { writeBare } from '../../../src/codec/bare.ts'
import { decodeValue } from '../../../src/codec/decode.ts'
import { type ReadResult, readEnvelope, writeEnvelope } from '../../../src/codec/envelope.ts'
import { valueBytes } from '../../../src/codec/size.ts'
import { encode, fail, hit, LATER, MIB, NOW, Refused } from './support.ts'

const read = (text: string, codec: 'keyv' | 'json' = 'keyv', maxBytes = MIB): ReadResult =>
  readEnvelope(text, { codec, now: NOW, maxBytes })

const VERSION = '018c2e65d5c00001a1b2c3d4'

describe('an end', () => {
  it('is the moment at which the entry is gone', () => {
    const text = '{"value":1,"expires":1000}'
    const at = (now: number) => readEnvelope(text, { codec: 'keyv', now, maxBytes: MIB }).outcome
    expect([at(999), at(1000), at(1001)]).toEqual(['hit', 'expired', 'expired'])
  })

  it('may be missing or null, as Keyv writes it', async () => {
    expect(hit('{"value":"x"}').expires).toBeUndefined()
    expect(hit('{"value":"x","expires":null}').expires).toBeUndefined()
  })
})

describe('a version', () => {
  it('counts only as exactly 24 lower-case hexadecimal digits', () => {
    const versionOf = (ver: unknown) => hit(JSON.stringify({ ver, value: 1, expires: LATER })).version
    expect(versionOf(VERSION)).toBe(VERSION)
    for (const foreign of [
      VERSION.toUpperCase(),
      VERSION.slice(1),
      `${VERSION}0`,
      `${VERSION}\n`,
      'g'.repeat(24),
      7,
      null,
      {},
      '',
    ]) {
      expect(versionOf(foreign)).toBeUndefined()
    }
  })
})

const corrupt: Record<string, [text: string, reason: string]> = {
  'an empty text': ['', 'not-json'],
  'a cut text': ['{"value":{"a":1},"expi', 'not-json'],
  'two texts': ['{"value":1}{"value":2}', 'not-json'],
  'gzip bytes read as text': [gzipSync('{"value":1}').toString('utf8'), 'not-json'],
  'deflated bytes read as latin1': [deflateRawSync('{"value":1}').toString('latin1'), 'not-json'],
  'an integer that is too large': ['9007199254740993', 'not-an-envelope'],
  'an integer in another form': ['1e3', 'not-an-envelope'],
  'minus zero': ['-0', 'not-an-envelope'],
  'a fraction': ['1.5', 'not-an-envelope'],
  'an integer with spaces': [' 42 ', 'not-an-envelope'],
  'literal null': ['null', 'not-an-envelope'],
  'a bare text': ['"x"', 'not-an-envelope'],
  'a bare list': ['[1,2]', 'not-an-envelope'],
  'a bare object': ['{"id":1}', 'not-an-envelope'],
  "somebody's object with a value": ['{"value":5,"unit":"kg"}', 'not-an-envelope'],
  'an envelope without a value': ['{"expires":1700000060000}', 'not-an-envelope'],
  'an end that is a text': ['{"value":1,"expires":"1700000060000"}', 'bad-field'],
  'an end that is an object': ['{"value":1,"expires":{}}', 'bad-field'],
  'metadata that is a text': ['{"value":1,"meta":"x"}', 'bad-field'],
  'metadata that is a list': ['{"value":1,"meta":[]}', 'bad-field'],
  'metadata that is null': ['{"value":1,"meta":null}', 'bad-field'],
  'tags that are a text': ['{"value":1,"meta":{"t":"a"}}', 'bad-field'],
  'a tag that is a number': ['{"value":1,"meta":{"t":["a",1]}}', 'bad-field'],
  'a creation time that is a text': ['{"value":1,"meta":{"c":"1"}}', 'bad-field'],
  'a hard end that is null': ['{"value":1,"meta":{"g":null}}', 'bad-field'],
  "superjson's metadata as a list": ['{"value":1,"meta":{"s":[]}}', 'bad-field'],
  'a value with __proto__': ['{"value":{"a":{"__proto__":{"admin":true}}}}', 'forbidden-name'],
  'a value with an escaped __proto__': ['{"value":[{"\\u005f_proto__":1}]}', 'forbidden-name'],
  'metadata with __proto__': ['{"value":1,"meta":{"__proto__":{"c":1}}}', 'forbidden-name'],
  'an envelope with __proto__': ['{"value":1,"__proto__":{"expires":1}}', 'not-an-envelope'],
}

describe('what lies in Redis and is no entry', () => {
  it.each(Object.entries(corrupt))('%s', (_, [text, reason]) => {
    expect(read(text)).toEqual({ outcome: 'corrupt', reason })
  })

  it('what is too large is not parsed', () => {
    const text = `{"value":"${'x'.repeat(200_000)}"}`
    expect(read(text, 'keyv', 100_000)).toEqual({ outcome: 'corrupt', reason: 'too-large' })
    expect(read(`[${text}`, 'keyv', 100_000)).toEqual({ outcome: 'corrupt', reason: 'too-large' })
    // 70,000 UTF-16 units, 210,000 bytes.
    expect(read(`{"value":"${'€'.repeat(70_000)}"}`, 'keyv', 100_000)).toEqual({
      outcome: 'corrupt',
      reason: 'too-large',
    })
  })

  it('a value of exactly the limit is read, whatever its envelope adds', async () => {
    const encoded = await encode('x'.repeat(MIB))
    expect(valueBytes(encoded)).toBe(MIB)
    const text = writeEnvelope(encoded, { expires: LATER, tags: ['a'.repeat(1000)], version: VERSION })
    expect(read(text).outcome).toBe('hit')
  })

  it('100,000 levels are a value, and nothing overflows', () => {
    const text = `{"value":${'['.repeat(100_000)}"::x"${']'.repeat(100_000)}}`
    const { value } = hit(text)
    let inner = decodeValue(value)
    while (Array.isArray(inner)) inner = inner[0]
    expect(inner).toBe(':x')
    expect(read(`{"value":${'['.repeat(100_000)}{"__proto__":1}${']'.repeat(100_000)}}`)).toEqual({
      outcome: 'corrupt',
      reason: 'forbidden-name',
    })
  })

  it('what is nested too deep to be written again is passed on as it stands', () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    expect(hit(`{ "value":${deep}}`).value.json).toBe(deep)
    expect(hit(`{"value":1,"value":${deep}}`).value.json).toBe(deep)
    expect(hit(`{"value":1,"meta":{"s":{"values":${deep}}}}`).value.json).toBe('1')
    expect(hit(`{"ver":${deep},"value":1}`).value.json).toBe('1')
  })

  it('nothing reaches a prototype', () => {
    for (const [text] of Object.values(corrupt)) read(text)
    expect(({} as { admin?: unknown }).admin).toBeUndefined()
  })
})

describe('the text that is passed on to a step', () => {
  it.each([
    ['ours', '{"value":{"a":[1,"x"]},"expires":1700000060000}', '{"a":[1,"x"]}'],
    ['with a version', `{"ver":"${VERSION}","value":"a\\"b","expires":1700000060000}`, '"a\\"b"'],
    ['with metadata', '{"value":"x","expires":1700000060000,"meta":{"t":["a\\n"],"c":1}}', '"x"'],
    ['without an end', '{"value":[]}', '[]'],
    ['an end of null', '{"value":0,"expires":null}', '0'],
    [
      'a value that looks like the rest',
      '{"value":",\\"expires\\":1700000060000}","expires":1700000060000}',
      '",\\"expires\\":1700000060000}"',
    ],
    ['with spaces', '{ "value" : { "a" : 1 } , "expires" : 1700000060000 }', '{ "a" : 1 }'],
    ['in another order', '{"expires":1700000060000,"value":{"a":1}}', '{"a":1}'],
    ['metadata before the end', '{"value":{"a":1},"meta":{},"expires":1700000060000}', '{"a":1}'],
    ['an end in another form', '{"value":{"a":1},"expires":1.70000006e12}', '{"a":1}'],
    ['Keyv escapes', '{"value":["::x",":base64:AA=="]}', '["::x",":base64:AA=="]'],
    ['a field twice: the last counts', '{"value":1,"value":2}', '2'],
    ['a field twice, with escapes', '{"value":{"a":1},"\\u0076alue":{"a":2}}', '{"a":2}'],
    ['an end twice', '{"value":1,"expires":1,"expires":1700000060000}', '1'],
    ['metadata twice', '{"value":1,"meta":{"t":[]},"meta":{}}', '1'],
    ['a version twice', '{"ver":"a","value":1,"ver":"a"}', '1'],
    ['names of fields inside the value', '{"value":{"value":1,"meta":[]}}', '{"value":1,"meta":[]}'],
    ['a number that JSON writes in another way', '{"expires":1700000060000,"value":[-0,1e999,1.0]}', '[-0,1e999,1.0]'],
    ['a foreign version', '{"ver":{"x":1},"value":{"a":1}}', '{"a":1}'],
  ])('%s', (_, text, json) => {
    expect(hit(text).value.json).toBe(json)
    const both = hit(text).value
    decodeValue(both)
    expect(both.json).toBe(json)
  })
})

describe("codec 'json'", () => {
  const values: unknown[] = [
    1,
    'x',
    null,
    [1],
    { a: { b: null } },
    ':x',
    { t: '::y', u: ':base64:AA==' },
    { value: 1, expires: 5 },
  ]

  it.each(values.map((value) => [JSON.stringify(value), value]))('%s is bare JSON both ways', async (json, value) => {
    const text = writeBare(await encode(value), fail)
    expect(text).toBe(json)
    const { value: stored, expires } = hit(text, 'json')
    expect(decodeValue(stored)).toStrictEqual(value)
    expect(decodeValue({ json: stored.json })).toStrictEqual(value)
    expect(expires).toBeUndefined()
  })

  it.each([
    ['a Date', { at: new Date() }],
    ['undefined inside', { a: undefined }],
    ['NaN', Number.NaN],
    ['a Buffer', { file: Buffer.from('x') }],
    ['a Buffer beside a text', [':x', Buffer.alloc(0)]],
  ])('%s is refused with what to do', async (_, value) => {
    const encoded = await encode(value)
    expect(() => writeBare(encoded, fail)).toThrow(Refused)
    expect(() => writeBare(encoded, fail)).toThrow(/codec 'keyv'/)
  })

  it('reads any JSON by anybody', () => {
    expect(decodeValue(hit(' {"a" : [1.5e3, "\\u003ax"]} ', 'json').value)).toStrictEqual({ a: [1500, ':x'] })
    expect(decodeValue(hit('null', 'json').value)).toBeNull()
    expect(read('{"a":', 'json')).toEqual({ outcome: 'corrupt', reason: 'not-json' })
    expect(read('{"a":{"__proto__":1}}', 'json')).toEqual({ outcome: 'corrupt', reason: 'forbidden-name' })
    expect(read(`${'['.repeat(50_000)}${']'.repeat(50_000)}`, 'json').outcome).toBe('corrupt')
  })
})
