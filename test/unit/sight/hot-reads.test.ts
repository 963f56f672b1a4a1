import { describe, expect, it } from 'vitest'
import { readSettings } from '../../../src/settings/read-settings.ts'
import { createHotReads, type HotReads } from '../../../src/sight/hot-reads.ts'

const settings = readSettings(
  { categories: { secret: { sensitive: true }, menu: {} }, inferCategory: { 'm:': 'menu', 's:': 'secret' } },
  {
    env: { REDIS_PRIMARY_URL: 'redis://127.0.0.1:1', REDIS_SECONDARY_URL: 'redis://127.0.0.1:2' },
    baseDir: '/',
    production: false,
  },
)

const open = () => {
  const clock = { now: 1_000_000 }
  return { clock, reads: createHotReads(settings, () => clock.now) }
}
const rateOf = (reads: HotReads, key: string): number =>
  reads.top(50).read.find((each) => each.key === key)?.readsPerMinute ?? 0

describe('reads that are looked at', () => {
  it('tell about how often a key is read', () => {
    const { clock, reads } = open()
    for (let i = 0; i < 60_000; i++) {
      reads.note('menu', 'often')
      if (i % 10 === 0) reads.note('menu', 'seldom')
      reads.note('menu', `once ${i}`)
    }
    clock.now += 120_000
    expect(rateOf(reads, 'often')).toBeGreaterThan(27_000)
    expect(rateOf(reads, 'often')).toBeLessThan(33_000)
    expect(rateOf(reads, 'seldom')).toBeGreaterThan(2_000)
    expect(rateOf(reads, 'seldom')).toBeLessThan(4_000)
    expect(reads.top(1).read).toMatchObject([{ category: 'menu', key: 'often' }])
  })

  it('meet each of those that come in turns', () => {
    const { reads } = open()
    for (let i = 0; i < 64 * 2_000; i++) reads.note('menu', `turn ${i % 64}`)
    expect(reads.top(100).read).toHaveLength(64)
  })

  it('count each key of many', () => {
    const { clock, reads } = open()
    const keys = Array.from({ length: 10 }, (_, i) => `k${i}`)
    for (let i = 0; i < 20_000; i++) reads.noteMany('menu', keys)
    clock.now += 60_000
    const rates = keys.map((key) => rateOf(reads, key))
    for (const rate of rates) {
      expect(rate).toBeGreaterThan(15_000)
      expect(rate).toBeLessThan(25_000)
    }
    const large = Array.from({ length: 1_000 }, (_, i) => `l${i}`)
    for (let i = 0; i < 1_000; i++) reads.noteMany('menu', large)
  })

  it('belong to the category that is inferred, and never to a sensitive one', () => {
    const { reads } = open()
    for (let i = 0; i < 2_000; i++) {
      reads.note(undefined, 'm:1')
      reads.note(undefined, 'plain')
      reads.note(undefined, 's:1')
      reads.note('secret', 'x')
      reads.note('user', 'x')
      reads.note('No Name', 'x')
      reads.note('menu', 'k'.repeat(513))
      reads.note('unlisted', 'u')
    }
    expect(new Set(reads.top(50).read.map(({ category, key }) => `${category} ${key}`))).toEqual(
      new Set(['menu m:1', 'cache plain', 'unlisted u']),
    )
  })

  it('are of the last minutes only', () => {
    const { clock, reads } = open()
    const read = (key: string): void => {
      for (let i = 0; i < 64 * 100; i++) reads.note('menu', key)
    }
    read('old')
    clock.now += 6 * 60_000
    read('new')
    expect(rateOf(reads, 'old')).toBeGreaterThan(0)
    clock.now += 5 * 60_000
    read('newer')
    expect(rateOf(reads, 'old')).toBe(0)
    expect(rateOf(reads, 'new')).toBeGreaterThan(0)
    clock.now += 60 * 60_000
    expect(reads.top(50)).toEqual({ since: clock.now, read: [] })
  })
})
