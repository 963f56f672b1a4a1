import { describe, expect, it } from 'vitest'
import { clearingCategory } from '../../../src/motia/workbench/views/clearing-category.ts'

describe('the question before a category is cleared', () => {
  const asked = (counted: Parameters<typeof clearingCategory>[1]) => clearingCategory('menu', counted, () => undefined)

  it('names the count as what it is', () => {
    expect(asked({ entries: 1, atLeast: false })).toMatchObject({ action: 'Clear 1 entry' })
    expect(asked({ entries: 1_234, atLeast: false }).text).toMatch(/^menu has 1,234 entries, stale ones included\./)
    const many = asked({ entries: 10_000, atLeast: true })
    expect(many.text).toMatch(/^menu has at least 10,000 entries, /)
    expect(many.action).toBe('Clear all entries')
    expect(asked(undefined)).toMatchObject({ action: 'Clear all entries' })
    expect(asked(undefined).text).toMatch(/How many there are isn't known/)
  })

  it('says afterwards how many went, as far as that is known', () => {
    expect(asked(undefined).done(2)).toBe('2 entries cleared.')
    expect(asked({ entries: 2, atLeast: false }).done(undefined)).toBe('menu is cleared.')
  })
})
