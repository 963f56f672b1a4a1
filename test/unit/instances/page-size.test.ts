import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createPageSize } from '../../../src/instances/page-size.ts'

const mebibyte = 1024 * 1024

describe('page size', () => {
  it('begins small and grows to a thousand while values are small', () => {
    const pages = createPageSize('small')
    const sizes: number[] = []
    for (let i = 0; i < 5; i++) {
      sizes.push(pages.next())
      pages.came(pages.next(), pages.next() * 100)
    }
    expect(sizes).toEqual([16, 128, 1_000, 1_000, 1_000])
    expect(createPageSize('large').next()).toBeLessThan(16)
  })

  it('is one value once they are as large as they may be, and grows back', () => {
    const pages = createPageSize('small')
    pages.came(16, 16 * mebibyte)
    expect(pages.next()).toBe(1)
    pages.came(1, 100)
    pages.came(8, 800)
    pages.came(64, 6_400)
    expect(pages.next()).toBe(512)
  })

  it('holds what fits', () => {
    const pages = createPageSize('small')
    pages.came(16, 16 * 100_000)
    expect(pages.next()).toBe(10)
  })

  it('shrinks when a page is missed, and learns nothing from an empty one', () => {
    const pages = createPageSize('small')
    pages.came(0, 0)
    expect(pages.next()).toBe(16)
    pages.missed()
    expect(pages.next()).toBe(2)
    pages.missed()
    pages.missed()
    expect(pages.next()).toBe(1)
  })

  it('is always a whole number between 1 and 1,000', () => {
    const page = fc.record({ values: fc.nat(2_000), length: fc.nat(2 ** 31 - 1), missed: fc.boolean() })
    fc.assert(
      fc.property(fc.array(page), (history) => {
        const pages = createPageSize('small')
        for (const { values, length, missed } of history) {
          if (missed) pages.missed()
          else pages.came(values, length)
          expect(Number.isInteger(pages.next()) && pages.next() >= 1 && pages.next() <= 1_000).toBe(true)
        }
      }),
    )
  })
})
