import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createTopNames } from '../../../src/sight/top-names.ts'

const exactly = (names: readonly string[]): Map<string, number> => {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return counts
}

describe('the names met most often', () => {
  it('are counted exactly as long as there is room', () => {
    const names = Array.from({ length: 5_000 }, (_, i) => `n${(i * i) % 97}`)
    const top = createTopNames(100)
    for (const name of names) top.add(name)
    expect(new Map(top.all())).toEqual(exactly(names))
  })

  it('never claim more than there was, are never more than asked, and hold every name above its share', () => {
    const stream = fc.array(
      fc.nat({ max: 60 }).map((n) => `n${Math.floor(n * n * 0.02)}`),
      { maxLength: 2_000 },
    )
    fc.assert(
      fc.property(stream, fc.integer({ min: 1, max: 20 }), (names, most) => {
        const top = createTopNames(most)
        for (const name of names) top.add(name)
        const counts = exactly(names)
        const kept = new Map(top.all())
        expect(kept.size).toBeLessThanOrEqual(most)
        for (const [name, times] of kept) expect(times).toBeLessThanOrEqual(counts.get(name) ?? 0)
        for (const [name, times] of counts) if (times > names.length / most) expect(kept.has(name)).toBe(true)
      }),
    )
  })

  it('stand out of a million that come once', () => {
    const top = createTopNames(200)
    for (let i = 0; i < 300_000; i++) {
      top.add(`cold ${i}`)
      if (i % 50 === 0) top.add('hot')
      if (i % 100 === 0) top.add('warm')
    }
    const found = new Map(top.all())
    expect(found.get('hot')).toBeGreaterThan(4_000)
    expect(found.get('warm')).toBeGreaterThan(1_000)
    expect([...found].filter(([name, times]) => name.startsWith('cold') && times > 1)).toEqual([])
  })
})
