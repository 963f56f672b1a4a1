import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assertKey, checkKey } from '../../../src/codec/key.ts'
import { fail, Refused } from './support.ts'

const good = [
  ' ',
  '0',
  '\u0000',
  'a\r\nb',
  ':',
  '{tag}',
  '*',
  '?',
  '[a-z]',
  '\\',
  '🍕',
  'é',
  'e\u0301',
  '__proto__',
  'a:b',
  'x'.repeat(512),
  '€'.repeat(170),
  '🍕'.repeat(128),
]

const bad: [key: unknown, text: string][] = [
  ['', "a key can't be empty"],
  ['x'.repeat(513), "a key can't be longer than 512 bytes in UTF-8, this one has 513"],
  ['€'.repeat(171), "a key can't be longer than 512 bytes in UTF-8, this one has 513"],
  ['\ud800', 'a key must be well-formed Unicode, this one holds half a surrogate pair'],
  ['a\udfffb', 'a key must be well-formed Unicode, this one holds half a surrogate pair'],
  [`${'x'.repeat(600)}\ud800`, 'a key must be well-formed Unicode, this one holds half a surrogate pair'],
  [undefined, 'a key must be a string, this one is undefined'],
  [null, 'a key must be a string, this one is null'],
  [42, 'a key must be a string, this one is a number'],
  [['a'], 'a key must be a string, this one is an array'],
  [{ secret: 1 }, 'a key must be a string, this one is an object'],
  [Symbol('secret'), 'a key must be a string, this one is a symbol'],
]

describe('a key', () => {
  it.each(good.map((key) => [JSON.stringify(key).slice(0, 20), key]))('%s is one', (_, key) => {
    expect(assertKey(key, fail)).toBe(key)
    expect(checkKey(key)).toBeUndefined()
  })

  it.each(bad)('%s is none', (key, text) => {
    expect(checkKey(key)).toBe(text)
    expect(() => assertKey(key, fail)).toThrow(new Refused(text))
  })

  it('is called what the caller calls it', () => {
    expect(checkKey('', 'group')).toBe("a group can't be empty")
  })

  it('is exactly a text that survives UTF-8 in 1 to 512 bytes', () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.oneof(fc.string({ unit: 'binary', maxLength: 1 }), fc.constantFrom('\ud800', '€', 'x')),
          maxLength: 400,
        }),
        (key) => {
          const utf8 = Buffer.from(key)
          expect(checkKey(key) === undefined).toBe(utf8.toString() === key && utf8.length >= 1 && utf8.length <= 512)
        },
      ),
    )
  })
})
