import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  formatAge,
  formatBytes,
  formatCount,
  formatDuration,
  formatPercent,
  formatRate,
  formatShort,
  formatTime,
  plural,
  sentence,
  visible,
} from '../../../src/motia/workbench/format.ts'

const minute = 60_000
const hour = 60 * minute

describe('figures', () => {
  it('say what is not known with a dash', () => {
    const all = [formatCount, formatShort, formatBytes, formatDuration, formatPercent, formatRate]
    expect(all.map((format) => format(undefined))).toEqual(all.map(() => '–'))
    expect(formatPercent(Number.NaN)).toBe('–')
    expect(formatAge(undefined, 0)).toBe('–')
  })

  it.each([
    [0, '0'],
    [999, '999'],
    [1_000, '1k'],
    [12_340, '12.3k'],
    [999_999, '1M'],
    [2_500_000_000, '2.5G'],
  ])('%d is %s where room is short', (count, text) => expect(formatShort(count)).toBe(text))

  it.each([
    [0, '0 B'],
    [1_023, '1023 B'],
    [1_024, '1 KB'],
    [1_536, '1.5 KB'],
    [30 * 1_048_576, '30 MB'],
    [1_048_575, '1 MB'],
    [5 * 1_024 ** 4, '5 TB'],
    [5_000 * 1_024 ** 4, '5000 TB'],
  ])('%d bytes are %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text))

  it.each([
    [0, '0 ms'],
    [0.042, '0.04 ms'],
    [1.25, '1.3 ms'],
    [42.4, '42 ms'],
    [1_500, '1.5 s'],
    [59_940, '59.9 s'],
    [59_999, '1 min'],
    [90_000, '1 min 30 s'],
    [12 * minute, '12 min'],
    [2 * hour + 5 * minute, '2 h 5 min'],
    [76 * hour, '3 d 4 h'],
  ])('%d ms are %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text)
  })

  it.each([
    [0, '0 %'],
    [0.0004, '< 0.1 %'],
    [0.5, '50 %'],
    [0.963, '96 %'],
    [0.994, '99.4 %'],
    [0.9999, '> 99.9 %'],
    [1, '100 %'],
  ])('a share of %d is %s', (share, text) => expect(formatPercent(share)).toBe(text))

  it.each([
    [0, '0 /s'],
    [0.02, '< 0.1 /s'],
    [12.54, '12.5 /s'],
    [1_200, '1.2k /s'],
  ])('%d a second are %s', (rate, text) => expect(formatRate(rate)).toBe(text))

  it('never show more than they are, nor nothing for something', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (share) => {
        const text = formatPercent(share)
        if (share < 1) expect(text).not.toBe('100 %')
        if (share > 0) expect(text).not.toBe('0 %')
      }),
    )
  })

  it('have at most four digits where room is short', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e14, noNaN: true }), (value) => {
        expect(formatShort(value).replace(/\D/g, '').length).toBeLessThanOrEqual(4)
      }),
    )
  })
})

describe('moments', () => {
  const now = new Date(2026, 4, 17, 14, 3, 59).getTime()

  it.each([
    [0, 'just now'],
    [12_400, '12 s ago'],
    [5 * minute + 20_000, '5 min ago'],
    [3 * hour + 59 * minute, '3 h ago'],
    [-hour, 'just now'],
  ])('%d ms before now were %s', (age, text) => expect(formatAge(now - age, now)).toBe(text))

  it('are a time of day, with the day if it was another one', () => {
    expect(formatTime(now - 1_000, now)).toBe('14:03:58')
    expect(formatTime(now - 24 * hour, now)).toBe('2026-05-16 14:03:59')
  })
})

describe('words', () => {
  it('are one or many, and many where the number is not known', () => {
    expect(plural(1, 'entry', 'entries')).toBe('1 entry')
    expect(plural(1_204, 'entry', 'entries')).toBe('1,204 entries')
    expect(plural(undefined, 'entry', 'entries')).toBe('entries')
  })

  it('of a server become a sentence', () => {
    expect(sentence('the panel is read-only here')).toBe('The panel is read-only here.')
    expect(sentence('Why?')).toBe('Why?')
    expect(sentence('')).toBe('.')
    expect(sentence('primary: no answer in time')).toBe('primary: no answer in time.')
    expect(sentence('primary is down', ['primary'])).toBe('primary is down.')
    expect(sentence('auth, ml and 3 more moved', ['auth', 'ml'])).toBe('auth, ml and 3 more moved.')
    expect(sentence('author unknown', ['auth'])).toBe('Author unknown.')
  })

  it('of a user show what could not be seen, and nothing else is changed', () => {
    expect(visible('a\u0000b\nc\u202ed\u200be\u001b[31m')).toBe('a\\0b\\nc\\u202ed\\u200be\\u001b[31m')
    expect(visible('<img src=x onerror=alert(1)> ключ 鍵 🔑')).toBe('<img src=x onerror=alert(1)> ключ 鍵 🔑')
  })

  it('of a user never hold a control character when shown', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u.test(visible(text))).toBe(false)
      }),
    )
  })
})
