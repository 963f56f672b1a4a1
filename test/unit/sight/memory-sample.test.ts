import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { layoutOf } from '../../../src/instances/layout.ts'
import type { Drawn } from '../../../src/instances/looks.ts'
import { readSettings } from '../../../src/settings/read-settings.ts'
import { createLive } from '../../../src/sight/live.ts'
import { createMemorySamples, extrapolate, purposes } from '../../../src/sight/memory-sample.ts'

const settings = readSettings(
  { namespace: 'shop:' },
  {
    env: { REDIS_PRIMARY_URL: 'redis://127.0.0.1:1', REDIS_SECONDARY_URL: 'redis://127.0.0.1:2' },
    baseDir: '/',
    production: false,
  },
)
const layout = layoutOf('shop:')

describe('what a key is there for', () => {
  const onPrimary = purposes(settings, 'primary')
  const onSecondary = purposes(settings, 'secondary')

  it.each([
    ['an entry at home', onSecondary, 'shop:menu:soup', 'string', { role: 'home', category: 'menu', key: 'soup' }],
    ['an entry elsewhere than at home', onPrimary, 'shop:menu:soup', 'string', { role: 'other' }],
    ['another type', onSecondary, 'shop:menu:soup', 'hash', { role: 'other' }],
    [
      'a copy',
      onSecondary,
      `${layout.mirror('primary')}shop:auth:a:b`,
      'string',
      { role: 'mirror', category: 'auth', key: 'a:b' },
    ],
    [
      'what stands in',
      onPrimary,
      `${layout.standIn('secondary', 'x1')}shop:menu:a`,
      'string',
      { role: 'stand-in', category: 'menu', key: 'a' },
    ],
    [
      'a copy of nothing we know',
      onPrimary,
      `${layout.mirror('gone')}x`,
      'string',
      { role: 'mirror', category: undefined },
    ],
    ['state', onPrimary, layout.group('flow'), 'hash', { role: 'ours', category: undefined }],
    ['a foreign one', onPrimary, 'bull:queue', 'list', { role: 'other' }],
    ['another namespace', onPrimary, 'auth:a', 'string', { role: 'other' }],
  ] as const)('%s', (_, purposeOf, key, type, expected) => {
    expect(purposeOf(key, type)).toMatchObject(expected)
  })

  it('every key has one, and those that are ours are never foreign', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(onPrimary(`shop:~mr:${text}`, 'string').role).not.toMatch(/home|other/)
        expect(onPrimary(`shop:auth:${text}`, 'string')).toEqual({ role: 'home', category: 'auth', key: text })
        expect(['home', 'mirror', 'stand-in', 'ours', 'other']).toContain(onSecondary(text, undefined).role)
      }),
    )
  })
})

const purposeOf = purposes(settings, 'secondary')
const drawnFrom = fc.array(
  fc.record({
    key: fc.oneof(
      fc.nat(50).map((n) => `shop:menu:${n}`),
      fc.nat(50).map((n) => `shop:~mr:side:${n}`),
      fc.nat(50).map((n) => `foreign:${n}`),
    ),
    type: fc.constantFrom('string', undefined),
    bytes: fc.option(fc.integer({ min: 1, max: 1e9 }), { nil: undefined }),
  }),
)

describe('what is said of all keys', () => {
  it('is as many as there are, shared out as those that were drawn', () => {
    fc.assert(
      fc.property(drawnFrom, fc.nat(1e9), (drawn, keys) => {
        const { roles, sampled, sizeOf, drawn: each } = extrapolate({ keys, drawn }, purposeOf)
        const all = Object.values(roles)
        const sum = all.reduce((total, { entries }) => total + entries, 0)
        expect(sampled).toBe(drawn.length)
        // Rounded, each by a half at most.
        expect(Math.abs(sum - (drawn.length === 0 ? 0 : keys))).toBeLessThanOrEqual(all.length / 2)
        const met = drawn.some(({ key }) => key.startsWith('shop:menu:'))
        expect(sizeOf('menu')).toEqual(met || each.length >= keys ? roles.home : undefined)
        expect(new Set(each.map(({ key }) => key)).size).toBe(each.length)
        const weights = drawn.flatMap(({ bytes }) => bytes ?? [])
        for (const { entries, bytes } of all) {
          if (bytes === undefined) continue
          expect(bytes).toBeLessThanOrEqual((entries + 0.5) * Math.max(0, ...weights) + 0.5)
        }
      }),
    )
  })

  it('says nothing of a category that it met no key of, unless it met all keys', () => {
    const drawn: Drawn[] = [{ key: 'shop:menu:1', type: 'string', bytes: 100 }]
    const of = (keys: number) => extrapolate({ keys, drawn: [...drawn, ...drawn] }, purposeOf)
    expect(of(2).sizeOf('menu')).toEqual({ entries: 2, bytes: 200 })
    expect(of(2).sizeOf('user')).toBeUndefined()
    expect(of(1).sizeOf('user')).toEqual({ entries: 0, bytes: 0 })
    expect(extrapolate({ keys: 0, drawn: [] }, purposeOf).sizeOf('menu')).toEqual({ entries: 0, bytes: 0 })
  })

  it('has no size where nothing could be weighed', () => {
    const foreign: Drawn[] = [{ key: 'foreign:1', type: undefined, bytes: undefined }]
    const { roles } = extrapolate({ keys: 10, drawn: foreign }, purposeOf)
    expect(roles.other).toEqual({ entries: 10, bytes: undefined })
    expect(roles.home).toEqual({ entries: 0, bytes: 0 })
  })
})

describe('where the servers count commands', () => {
  it.each([
    { probeEvery: '500', every: 10_000, count: 100 },
    { probeEvery: '5000', every: 10_000, count: 10 },
    { probeEvery: '60000', every: 60_000, count: 10 },
  ])('they are asked for fewer keys, and as seldom as by probes: $probeEvery', async ({ probeEvery, every, count }) => {
    let time = 0
    const asked: [at: number, count: number][] = []
    const looks = {
      sample: async (count: number) => {
        asked.push([time, count])
        return { keys: 5_000, drawn: Array.from({ length: count }, (_, n) => drawnKey(asked.length * count + n)) }
      },
    }
    const metered = { ...settings, probeEvery: Number(probeEvery) }
    const samples = createMemorySamples(metered, new Map([['secondary', looks]]), () => time)
    for (; time < every * 150; time += 5_000) await samples('secondary')
    expect(asked).toEqual(Array.from({ length: 150 }, (_, n) => [n * every, count]))
    // No more is remembered than elsewhere, and no less.
    expect((await samples('secondary'))?.sampled).toBe(1_000)
  })

  it('what they count themselves is asked for as seldom', async () => {
    let time = 0
    let asked = 0
    const looks = {
      figures: async () => {
        asked++
        return undefined
      },
    }
    const live = createLive({ probeEvery: 10_000 }, new Map([['secondary', looks]]), () => time)
    for (; time < 60_000; time += 500) await live('secondary')
    expect(asked).toBe(6)
  })
})

const drawnKey = (n: number): Drawn => ({ key: `shop:menu:${n}`, type: 'string', bytes: 100 })

describe('samples', () => {
  it('are drawn every ten seconds at most, and become better while somebody looks', async () => {
    let time = 0
    let draws = 0
    const looks = {
      sample: async (count: number) => {
        draws++
        return {
          keys: 1_000,
          drawn: Array.from({ length: count }, (_, n) => ({ key: `shop:menu:${n}`, type: 'string', bytes: 100 })),
        }
      },
    }
    const samples = createMemorySamples(settings, new Map([['secondary', looks]]), () => time)
    await Promise.all([samples('secondary'), samples('secondary')])
    time = 9_999
    expect(await samples('secondary')).toMatchObject({
      sampled: 100,
      roles: { home: { entries: 1_000, bytes: 100_000 } },
    })
    expect(draws).toBe(1)
    for (time = 10_000; time < 300_000; time += 10_000) await samples('secondary')
    expect(draws).toBe(30)
    expect((await samples('secondary'))?.sampled).toBe(1_000)
    // After a while nobody knows whether it is still so.
    time += 60_000
    expect((await samples('secondary'))?.sampled).toBe(100)
    expect(await samples('primary')).toBeUndefined()
  })
})
