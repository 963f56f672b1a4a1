import { randomBytes } from 'node:crypto'
import { deflateRawSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeValue } from '../../../src/codec/decode.ts'
import { packValue, type ReadResult, readEnvelope, tagsIn, writeEnvelope } from '../../../src/codec/envelope.ts'
import { valueBytes } from '../../../src/codec/size.ts'
import { encode, hit, LATER, MIB, NOW } from './support.ts'

const read = (text: string, maxBytes = MIB): ReadResult => readEnvelope(text, { codec: 'keyv', now: NOW, maxBytes })

const compressed = async (value: unknown, above = 1): Promise<string> =>
  writeEnvelope(await packValue(await encode(value), above), { expires: LATER })

const isCompressed = (text: string): boolean => text.includes('"z":')

/** An envelope with any text in the place of what we compress. */
const around = (inner: string | Buffer): string =>
  JSON.stringify({ expires: LATER, meta: { z: deflateRawSync(inner, { level: 9 }).toString('base64') } })

const dishes = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    id: `dish-${i}`,
    name: ['Tomato soup', 'Pasta al limone', 'Apple tart'][i % 3],
    cents: 650 + ((i * 7919) % 1000),
    contains: ['gluten', 'milk', 'eggs'].slice(i % 3),
    since: '2024-05-01T00:00:00.000Z',
  }))

describe('a compressed value', () => {
  it('takes at most 1.3 KB where a menu takes 5.5 KB', async () => {
    const menu = dishes(50)
    expect(valueBytes(await encode(menu))).toBeGreaterThan(5_500)
    expect(Buffer.byteLength(await compressed(menu))).toBeLessThan(1_300)
  })

  it('is left as it is up to the limit, and where a tenth is not saved', async () => {
    const text = 'a'.repeat(998) // and two quotes are not counted
    expect(isCompressed(await compressed(text, 998))).toBe(false)
    expect(isCompressed(await compressed(text, 997))).toBe(true)
    expect(isCompressed(await compressed('€'.repeat(400), 1_200))).toBe(false)
    expect(isCompressed(await compressed('€'.repeat(400), 1_199))).toBe(true)
    expect(isCompressed(await compressed(randomBytes(4_000).toString('base64')))).toBe(false)
    expect(isCompressed(await compressed(1))).toBe(false)
  })

  it('of any length comes back', async () => {
    for (const count of [10, 600, 6_000]) {
      const text = await compressed(dishes(count))
      expect(isCompressed(text)).toBe(true)
      expect(decodeValue(hit(text).value)).toEqual(dishes(count))
    }
  })

  it('comes back as it was, in the server and through the channel', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            fc
              .jsonValue({ maxDepth: 2 })
              .filter((value) => !/__proto__|prototype|constructor/.test(JSON.stringify(value))),
            fc.string({ unit: 'binary' }),
            fc.constantFrom(':x', '::y', ':base64:AA==', '"}', 'z', Number.NaN, undefined, 7n),
            fc.date({ noInvalidDate: true }),
          ),
          { minLength: 1 },
        ),
        async (list) => {
          const value = { list, filling: 'x'.repeat(500) }
          const text = await compressed(value)
          expect(isCompressed(text)).toBe(true)
          expect(await decodeValue(hit(text).value)).toStrictEqual(value)
          const { json, meta } = hit(text).value
          expect(await decodeValue(JSON.parse(JSON.stringify({ json, meta })))).toStrictEqual(value)
        },
      ),
      { numRuns: 300 },
    )
  })

  it('tells its tags without being written out', async () => {
    const packed = await packValue(await encode('x'.repeat(1_000)), 1)
    expect(tagsIn(writeEnvelope(packed, { expires: LATER, tags: ['a', 'b'] }))).toEqual(['a', 'b'])
    expect(tagsIn('{"expires":1,"meta":{"t":["a"],"z":"no"}}')).toEqual(['a'])
    expect(tagsIn('{"value":"\\"t\\":["}')).toEqual([])
    expect(tagsIn('{"meta":{"t":["a"]}}')).toEqual([])
    expect(tagsIn('"t":[')).toEqual([])
  })
})

describe('what claims to be compressed and is not ours', () => {
  it.each([
    ['no base64', '{"meta":{"z":"!!!"}}'],
    ['nothing', '{"meta":{"z":""}}'],
    ['gzip', JSON.stringify({ meta: { z: gzipSync('{"value":1}').toString('base64') } })],
    ['a cut text', around('{"value":[1,2,3,4,5,6,7,8,9]}').replace(/.{8}"\}\}$/, '"}}')],
    ['no JSON', around('{"value":')],
    ['no envelope', around('[1,2,3]')],
    ['an absence', around('{"meta":{"n":1}}')],
    ['a property __proto__', around('{"value":{"__proto__":{"admin":true}}}')],
    ['bytes that are no text', around(Buffer.from([255, 254, 0]))],
    ['a compressed value', around(around('{"value":1}'))],
  ])('%s is corrupt', (_, text) => {
    expect(read(text)).toEqual({ outcome: 'corrupt', reason: 'bad-compression' })
    expect(({} as { admin?: unknown }).admin).toBeUndefined()
  })

  it.each([
    ['a number', '{"meta":{"z":1}}', 'bad-field'],
    ['an absence of 2', '{"meta":{"n":2}}', 'bad-field'],
    ['both', '{"meta":{"n":1,"z":"AA=="}}', 'not-an-envelope'],
    ['neither', '{"meta":{"t":["a"]}}', 'not-an-envelope'],
  ])('%s is corrupt', (_, text, reason) => {
    expect(read(text)).toEqual({ outcome: 'corrupt', reason })
  })

  it('metadata that does not fit its value is for the reader to check, as ever', () => {
    const { value } = hit(around('{"value":"x","meta":{"s":{"values":["Date"],"v":1}}}'))
    expect(value.meta).toEqual({ values: ['Date'], v: 1 })
    return expect((async () => decodeValue(value))()).rejects.toThrow(/does not fit/)
  })

  it('a bomb is not written out beyond what a value may take', () => {
    const bomb = around(`{"value":"${'0'.repeat(100 * MIB)}"}`)
    expect(bomb.length).toBeLessThan(MIB)
    const before = process.memoryUsage().rss
    expect(read(bomb)).toEqual({ outcome: 'corrupt', reason: 'bad-compression' })
    expect(process.memoryUsage().rss - before).toBeLessThan(50 * MIB)
  })

  it('of a value above the limit, too', async () => {
    const text = await compressed('x'.repeat(200_000))
    expect(read(text, 100_000)).toEqual({ outcome: 'corrupt', reason: 'bad-compression' })
    expect(read(text, 200_000).outcome).toBe('hit')
  })

  it('one value within another, and so on, is not followed', () => {
    let text = '{"value":1}'
    for (let level = 0; level < 50; level++) text = around(text)
    expect(read(text, 64 * MIB)).toEqual({ outcome: 'corrupt', reason: 'bad-compression' })
  })

  it('a value beside it is the value', () => {
    expect(hit('{"value":1,"meta":{"z":"AA=="}}').value.json).toBe('1')
    expect(hit('{"value":1,"meta":{"n":1}}').value.json).toBe('1')
  })
})
