import { describe, expect, it } from 'vitest'
import { clearingCategory, howMany } from '../../../src/motia/workbench/views/clearing-category.ts'
import type { KeysView } from '../../../src/sight/contract.ts'

const answer: KeysView = {
  category: 'menu',
  keys: ['a', 'b'],
  cursor: undefined,
  partial: false,
  enumerable: true,
  foreign: 1,
}
const seen = { answer, page: 1, busy: false, turning: false, failure: undefined }

describe('how many entries a category has', () => {
  it('is counted where one page shows all of them, those of others included', () => {
    expect(howMany(seen, '', 1_000)).toEqual({ count: 3, about: false })
  })

  it('is an estimate where it does not, or may not', () => {
    const about = { count: 1_000, about: true }
    expect(howMany(seen, 'a', 1_000)).toEqual(about)
    expect(howMany({ ...seen, page: 2 }, '', 1_000)).toEqual(about)
    expect(howMany({ ...seen, busy: true }, '', 1_000)).toEqual(about)
    expect(howMany({ ...seen, turning: true }, '', 1_000)).toEqual(about)
    expect(howMany({ ...seen, failure: { kind: 'away', text: '' } }, '', 1_000)).toEqual(about)
    for (const other of [{ cursor: '1' }, { partial: true }, { enumerable: false }])
      expect(howMany({ ...seen, answer: { ...answer, ...other } }, '', 1_000)).toEqual(about)
    expect(howMany({ ...seen, answer: undefined }, '', 1_000)).toEqual(about)
  })

  it('is not known where there is no estimate either', () => {
    expect(howMany({ ...seen, page: 2 }, '', undefined)).toBeUndefined()
  })
})

describe('the question before a category is cleared', () => {
  const asked = (many: Parameters<typeof clearingCategory>[1]) => clearingCategory('menu', many, () => undefined)

  it('names the count as what it is', () => {
    expect(asked({ count: 1, about: false })).toMatchObject({ action: 'Clear 1 entry' })
    expect(asked({ count: 1_234, about: true })).toMatchObject({ action: 'Clear about 1,234 entries' })
    expect(asked({ count: 1_234, about: true }).text).toMatch(/^menu has about 1,234 entries, stale ones included\./)
    expect(asked(undefined)).toMatchObject({ action: 'Clear all entries' })
    expect(asked(undefined).text).toMatch(/How many there are isn't known/)
  })

  it('says afterwards how many went, as far as that is known', () => {
    expect(asked(undefined).done(2)).toBe('2 entries cleared.')
    expect(asked({ count: 2, about: false }).done(undefined)).toBe('menu is cleared.')
  })
})
