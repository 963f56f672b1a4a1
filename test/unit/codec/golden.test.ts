import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { decodeValue } from '../../../src/codec/decode.ts'
import {
  type EnvelopeFields,
  packValue,
  readEnvelope,
  writeAbsent,
  writeEnvelope,
} from '../../../src/codec/envelope.ts'
import { encode, hit, LATER, MIB, NOW } from './support.ts'

/**
 * The wire format: what lies in a Redis somewhere must stay readable, and what others read must not change shape.
 * A file here is changed only together with a way to read what the old one shows.
 */
const folder = new URL('../../golden/', import.meta.url)
const read = (name: string): string => readFileSync(new URL(`${name}.txt`, folder), 'utf8').replace(/\n$/, '')

const VERSION = '018c2e65d5c00001a1b2c3d4'
const written: Record<string, [value: unknown, fields?: EnvelopeFields]> = {
  'ours-text': ['plain text'],
  'ours-empty-text': [''],
  'ours-number': [12.5],
  'ours-false': [false],
  'ours-null': [null],
  'ours-object': [{ id: 'o1', items: [{ sku: 'a', count: 2 }], note: null, ':key': true }],
  'ours-colon-text': [{ text: ':x', twice: '::y', like: ':base64:AA==' }],
  'ours-buffer': [{ file: Buffer.from([0, 127, 255]) }],
  'ours-control': ['\u0000\u001f\u007f\u2028 \ud800'],
  'ours-date': [{ at: new Date(NOW), ':at': new Date(0) }],
  'ours-date-alone': [new Date(NOW)],
  'ours-map': [
    new Map<unknown, unknown>([
      ['a', 1],
      [new Date(0), new Map([['b', undefined]])],
    ]),
  ],
  'ours-set': [new Set<unknown>([1, 'a', new Set([2n])])],
  'ours-bigint': [{ big: 2n ** 70n, negative: -1n }],
  'ours-undefined': [{ gone: undefined, list: [undefined] }],
  'ours-numbers': [[Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0]],
  'ours-regexp': [/a\/b\.c/gi],
  'ours-url': [new URL('https://example.org/a?b=c#d')],
  'ours-bytes': [new Uint8Array([1, 2, 255])],
  'ours-floats': [{ samples: new Float64Array([0.5, -1]) }],
  'ours-odd-names': [{ 'a.b': new Date(0), 'c\\d': new Date(0), '': new Date(0) }],
  'ours-buffer-beside-date': [{ at: new Date(0), file: Buffer.from('x'), text: ':y' }],
  'ours-created-at': ['x', { expires: LATER, createdAt: NOW }],
  'ours-tags': [{ a: 1 }, { expires: LATER, tags: ['menu', 'lunch "x"'] }],
  'ours-hard-expiry': ['x', { expires: LATER, hardExpiry: LATER + 3_600_000 }],
  'ours-version': [{ a: 1 }, { expires: LATER, version: VERSION }],
  'ours-no-end': [{ step: 2 }, {}],
  'ours-everything': [
    { at: new Date(0) },
    { version: VERSION, expires: LATER, tags: ['t'], createdAt: NOW, hardExpiry: LATER + 1 },
  ],
}

const menu = {
  items: Array.from({ length: 30 }, (_, i) => ({ id: `dish-${i}`, name: 'Pasta', cents: 650 + i, since: new Date(i) })),
}
/** The deflated bytes may be others with another zlib; what matters is that these are read. */
const compressed: Record<string, EnvelopeFields> = {
  'ours-compressed': { expires: LATER },
  'ours-compressed-everything': {
    version: VERSION,
    expires: LATER,
    tags: ['t'],
    createdAt: NOW,
    hardExpiry: LATER + 1,
  },
}

const absent: Record<string, EnvelopeFields> = {
  'ours-absent': { expires: LATER },
  'ours-absent-everything': {
    version: VERSION,
    expires: LATER,
    tags: ['t'],
    createdAt: NOW,
    hardExpiry: LATER + 1,
  },
}

/** Written by Keyv 5.6 and by INCRBY; `:` strings and Buffers in Keyv's form. */
const foreign: Record<string, [value: unknown, expires: number | undefined]> = {
  'keyv-object': [{ name: 'Ada', list: [1, null] }, LATER],
  'keyv-no-end': ['plain', undefined],
  'keyv-null-end': [{ a: 1 }, undefined],
  'keyv-colon-text': [{ text: ':x', twice: '::y' }, LATER],
  'keyv-buffer': [Buffer.from([0, 127, 255]), LATER],
  'keyv-null': [null, LATER],
  counter: [42, undefined],
  'counter-negative': [-7, undefined],
}

describe('the stored form', () => {
  it.each(Object.entries(written))('%s is written and read', async (name, [value, fields = { expires: LATER }]) => {
    const text = writeEnvelope(await encode(value), fields)
    expect(text).toBe(read(name))
    const { value: stored, outcome, ...rest } = hit(read(name))
    expect(outcome).toBe('hit')
    expect(await decodeValue(stored)).toStrictEqual(value)
    expect(rest).toEqual(fields)
  })

  it.each(Object.entries(compressed))('%s is read', async (name, fields) => {
    const text = read(name)
    const { value, packed, outcome, ...rest } = hit(text)
    expect(outcome).toBe('hit')
    expect(await decodeValue(value)).toStrictEqual(menu)
    expect(rest).toEqual(fields)
    if (packed === undefined) throw new Error('not compressed')
    expect(writeEnvelope(packed, fields)).toBe(text)
  })

  it('what is compressed now has that shape', async () => {
    const text = writeEnvelope(await packValue(await encode(menu), 100), { expires: LATER })
    const shape = /^\{"expires":1700000060000,"meta":\{"z":"[A-Za-z0-9+/]+=*"\}\}$/
    expect(text).toMatch(shape)
    expect(read('ours-compressed')).toMatch(shape)
  })

  it.each(Object.entries(absent))('%s is written and read', (name, fields) => {
    expect(writeAbsent(fields)).toBe(read(name))
    const { outcome, ...rest } = readEnvelope(read(name), { codec: 'keyv', now: NOW, maxBytes: MIB })
    expect(outcome).toBe('absent')
    expect(rest).toEqual(fields)
  })

  it.each(Object.entries(foreign))('%s is read', async (name, [value, expires]) => {
    const read_ = hit(read(name))
    expect(await decodeValue(read_.value)).toStrictEqual(value)
    expect(read_.expires).toBe(expires)
    expect(read_.version).toBeUndefined()
  })

  it('every golden file is used', () => {
    const files = readdirSync(folder).map((file) => file.replace(/\.txt$/, ''))
    expect(files.sort()).toEqual([written, compressed, absent, foreign].flatMap(Object.keys).sort())
  })
})
