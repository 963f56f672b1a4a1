import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { route } from '../../../src/routing/strategies.ts'
import { isCategoryName } from '../../../src/settings/names.ts'
import type { CategorySettings } from '../../../src/settings/settings.ts'
import { stableHome } from '../../../src/settings/stable-home.ts'
import { type Env, settingsOf, two } from '../settings/settings.ts'

const strategy = (name: string, options: unknown = {}, env: Env = {}) =>
  settingsOf(options, { ...two, REDIS_LOAD_BALANCE_STRATEGY: name, ...env })

const routed = (...[settings, name]: Parameters<typeof route>): CategorySettings => {
  const found = route(settings, name)
  if ('refused' in found) throw new Error(found.refused)
  return found.category
}

const name = fc.stringMatching(/^[a-z][a-z0-9_-]{0,31}$/)
const instances = fc.uniqueArray(fc.stringMatching(/^[a-z][a-z0-9_]{0,11}$/), { minLength: 1, maxLength: 8 })

/** One fair share, give or take 15 %. */
const expectFair = (shares: number): void => {
  expect(shares).toBeGreaterThan(0.85)
  expect(shares).toBeLessThan(1.15)
}

describe('stableHome', () => {
  it('is one of the instances, the same whatever their order', () => {
    fc.assert(
      fc.property(name, instances, (category, names) => {
        const home = stableHome(category, names)
        expect(names).toContain(home)
        expect(stableHome(category, [...names].reverse())).toBe(home)
        expect(stableHome(category, [...names].sort())).toBe(home)
      }),
    )
  })

  it('changes only to an instance that was added, only from one that was removed', () => {
    fc.assert(
      fc.property(name, instances, (category, names) => {
        const [added = '', ...before] = names
        if (before.length === 0) return
        const home = stableHome(category, before)
        expect([home, added]).toContain(stableHome(category, names))
        if (stableHome(category, names) === home) expect(stableHome(category, [home, added])).toBe(home)
      }),
    )
  })

  it.each([2, 3, 5, 8])('spreads names over %d instances evenly, and a further one takes its share', (count) => {
    const names = Array.from({ length: count }, (_, index) => `eu${index}`)
    const categories = Array.from({ length: 8000 }, (_, index) => `category-${index}`)
    const share = (on: readonly string[], instance: string) =>
      categories.filter((category) => stableHome(category, on) === instance).length / categories.length
    for (const instance of names) expectFair(share(names, instance) * count)
    const grown = [...names, 'new']
    const moved = categories.filter((category) => stableHome(category, names) !== stableHome(category, grown))
    expect(moved.every((category) => stableHome(category, grown) === 'new')).toBe(true)
    expectFair((moved.length / categories.length) * (count + 1))
  })

  it('is what it was in earlier versions: data would move otherwise', () => {
    const homes = ['sessions', 'carts', 'a', 'feature-flags', 'x_1'].map((category) =>
      stableHome(category, ['primary', 'secondary']),
    )
    expect(homes).toMatchInlineSnapshot(`
      [
        "primary",
        "secondary",
        "primary",
        "secondary",
        "primary",
      ]
    `)
  })
})

describe('smart', () => {
  it('leads listed and declared categories to their home, without a word', () => {
    const settings = strategy('smart', { categories: { menu: { instance: 'primary' }, carts: {} } })
    for (const [category, expected] of settings.categories) {
      expect(route(settings, category)).toEqual({ category: expected, notice: undefined })
    }
    expect(routed(settings, 'menu').instance).toBe('primary')
  })

  it('leads others to a stable home, with what cache has by default and a notice', () => {
    const settings = strategy('smart', { namespace: 'shop:', categories: { cache: { ttl: '5m' } } })
    const found = route(settings, 'meun')
    expect(found).toMatchObject({
      category: {
        name: 'meun',
        ttl: 3_600_000,
        keyPrefix: 'shop:meun:',
        instance: stableHome('meun', ['primary', 'secondary']),
      },
      notice: expect.stringMatching(
        /^category 'meun' is listed nowhere \(did you mean 'menu'\?\); it lives on \w+ with the defaults of 'cache'$/,
      ),
    })
    expect(route(settings, 'zzz')).toMatchObject({
      notice: expect.stringMatching(/^category 'zzz' is listed nowhere; it lives/),
    })
  })

  it('gives a declared name the home that it had while unlisted', () => {
    fc.assert(
      fc.property(name, (category) => {
        const before = strategy('smart')
        if (before.categories.has(category)) return
        const after = strategy('smart', { categories: { [category]: {} } })
        expect(routed(after, category)).toEqual(routed(before, category))
      }),
      { numRuns: 50 },
    )
  })

  it('never puts an unlisted category beside one whose keys have no text before them', () => {
    const env = { REDIS_EU_URL: 'redis://eu', REDIS_EU_TYPES: 'legacy' }
    const settings = strategy('smart', { categories: { legacy: { key: '<key>' } } }, env)
    fc.assert(fc.property(name, (category) => category === 'legacy' || routed(settings, category).instance !== 'eu'))
  })

  it("refuses a name whose keys could be taken for another category's", () => {
    const settings = strategy('smart', { categories: { orders: { key: 'shop:<key>' }, menu: { key: 'ab<key>' } } })
    expect(route(settings, 'shop')).toEqual({
      refused:
        "category 'shop' is listed nowhere, and its keys would begin like those of orders; declare it with a key of its own",
    })
    expect(route(settings, 'abc')).toHaveProperty('refused')
    expect(route(settings, 'shops')).toHaveProperty('category')
  })
})

describe('category', () => {
  it('knows listed and declared categories and `cache`, and nothing else', () => {
    const settings = strategy('category', { categories: { carts: {} } }, { REDIS_SECONDARY_TYPES: 'menu' })
    for (const known of ['auth', 'menu', 'carts', 'cache']) expect(routed(settings, known).name).toBe(known)
    expect(route(settings, 'meun')).toEqual({
      refused:
        "category 'meun' is listed nowhere (did you mean 'menu'?); list it in REDIS_<NAME>_TYPES or declare it in categories",
    })
    expect(route(settings, 'constructor')).toHaveProperty('refused')
  })
})

describe('primary', () => {
  it('has everything on the first instance, listed or not', () => {
    const settings = strategy('primary', { categories: { carts: { instance: 'secondary' } } })
    fc.assert(
      fc.property(fc.oneof(name, fc.constantFrom('user', 'menu', 'auth', 'carts', 'cache')), (category) => {
        expect(routed(settings, category)).toMatchObject({ name: category, instance: 'primary' })
      }),
    )
  })
})

describe('every strategy', () => {
  it.each(['smart', 'category', 'primary'])(
    '%s answers the same again, and gives each category keys of its own',
    (which) => {
      const settings = strategy(which, { categories: { menu: { key: 'be/<key>' } } })
      fc.assert(
        fc.property(name, name, (a, b) => {
          expect(isCategoryName(a)).toBe(true)
          expect(route(settings, a)).toEqual(route(settings, a))
          const [one, other] = [route(settings, a), route(settings, b)]
          if (a === b || 'refused' in one || 'refused' in other) return
          expect(`${one.category.keyPrefix}x`.startsWith(other.category.keyPrefix)).toBe(false)
        }),
      )
    },
  )
})
