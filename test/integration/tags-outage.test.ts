import { Redis } from 'ioredis'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Cache } from '../../types/index.ts'
import { startTestRedis, type TestRedis } from '../support/redis-server.ts'
import { heard, openTestTiers } from '../support/tiers.ts'
import { expectNothingUnhandled } from '../support/unhandled.ts'
import { until } from '../support/until.ts'
import { isBack } from './outage-round.ts'

// Tags in outages, with everything there is: journal, stand-in, mirror, recovery, two server processes.

expectNothingUnhandled()

const client = (redis: TestRedis): Redis => {
  const raw = new Redis(redis.url)
  raw.on('error', () => undefined)
  onTestFinished(() => raw.disconnect())
  return raw
}

/** Cached and at home on each, mirrored with home on each, and one that only the second process knows. */
const categories = ['analytics', 'menu', 'orders', 'user'] as const
const policies = { user: { mirror: true }, menu: { l1: false } } as const

const openTwo = async () => {
  const [primary, secondary] = await Promise.all([startTestRedis(), startTestRedis()])
  const env = { REDIS_PRIMARY_URL: primary.url, REDIS_SECONDARY_URL: secondary.url }
  const first = openTestTiers(env, { categories: policies })
  const second = openTestTiers(env, { categories: policies })
  for (const { tiers } of [first, second]) {
    await Promise.all(categories.map((category) => tiers.cache.set('warm', 1, { category })))
    await until('both are there', () => tiers.health().instances.every(({ state }) => state === 'up'))
  }
  return { first: first.tiers, second: second.tiers, primary, secondary }
}

const fill = async (cache: Cache, key: string, value: string, tags: readonly string[]): Promise<void> => {
  for (const category of categories) await cache.set(key, value, { category, tags })
}
const found = async (cache: Cache, key: string): Promise<unknown[]> =>
  Promise.all(categories.map((category) => cache.get(key, { category })))
const none = categories.map(() => undefined)
const all = (value: string) => categories.map(() => value)

describe.each(['primary', 'secondary'] as const)('%s is away', (which) => {
  it('what bears an invalidated tag is gone for every process, then and after it is back', async () => {
    heard()
    const { first, second, ...servers } = await openTwo()
    const server = servers[which]
    await fill(first.cache, 'a', 'before', ['x', 'y'])
    await fill(first.cache, 'b', 'before', ['y'])
    // At home on either, by its name.
    const unlisted = ['one', 'two', 'three', 'four', 'five', 'six']
    for (const category of unlisted) await second.cache.set('a', 'before', { category, tags: ['x'] })

    server.freeze()
    await until('it is known', () => [first, second].every((tiers) => tiers.health().status !== 'ok'))
    await first.cache.invalidateTags(['x'])
    expect(await found(first.cache, 'a')).toEqual(none)
    expect(await first.cache.getMany(['a', 'b'], { category: 'orders' })).toEqual(new Map([['b', 'before']]))

    // Written by one while it is away, invalidated by the other.
    await fill(second.cache, 'c', 'meanwhile', ['z'])
    await fill(second.cache, 'd', 'meanwhile', ['y'])
    expect(await found(second.cache, 'c')).toEqual(all('meanwhile'))
    expect(await first.cache.invalidateTags(['z'])).toBeGreaterThan(0)
    expect(await found(first.cache, 'c')).toEqual(none)
    await until('the other one does not read it either', async () =>
      (await found(second.cache, 'c')).every((value) => value === undefined),
    )
    expect(await found(second.cache, 'd')).toEqual(all('meanwhile'))
    await fill(first.cache, 'e', 'last', ['x'])
    expect(await found(first.cache, 'e')).toEqual(all('last'))

    server.thaw()
    for (const tiers of [first, second]) {
      await until('it is back', () => tiers.health().status === 'ok' && isBack(tiers.health(), which), 20_000)
    }
    for (const { cache } of [first, second]) {
      expect(await found(cache, 'a')).toEqual(none)
      expect(await found(cache, 'c')).toEqual(none)
      for (const category of unlisted) expect(await cache.get('a', { category })).toBeUndefined()
      for (const category of ['orders', 'user']) {
        expect(await cache.get('b', { category })).toBe('before')
        expect(await cache.get('d', { category })).toBe('meanwhile')
        expect(await cache.get('e', { category })).toBe('last')
      }
    }
    for (const redis of [servers.primary, servers.secondary]) {
      const keys = await client(redis).keys('*')
      expect(keys.filter((key) => /:[ac]$/.test(key) && !key.startsWith('~mr:lease:'))).toEqual([])
    }
    // What was brought back is in the indexes, too.
    expect(await second.cache.invalidateTags(['y', 'x'])).toBeGreaterThanOrEqual(6)
    for (const key of ['b', 'd', 'e']) expect(await found(first.cache, key)).toEqual(none)
  })
})

it('with both away what lies in files is invalidated, too', async () => {
  heard()
  const { first, primary, secondary } = await openTwo()
  await fill(first.cache, 'a', 'before', ['x'])
  primary.freeze()
  secondary.freeze()
  await until('it is known', () => first.health().status === 'outage')
  await fill(first.cache, 'b', 'meanwhile', ['x', 'y'])
  await fill(first.cache, 'c', 'meanwhile', ['y'])
  await first.cache.invalidateTags(['x'])
  expect(await found(first.cache, 'b')).toEqual(none)
  expect(await found(first.cache, 'c')).toEqual(all('meanwhile'))
  primary.thaw()
  secondary.thaw()
  await until('both are back', () => first.health().status === 'ok', 20_000)
  expect(await found(first.cache, 'a')).toEqual(none)
  expect(await found(first.cache, 'b')).toEqual(none)
  expect(await Promise.all(['orders', 'user'].map((category) => first.cache.get('c', { category })))).toEqual([
    'meanwhile',
    'meanwhile',
  ])
})

it('in all categories: what fails closed says so, and the others are done', async () => {
  const lines = heard()
  const [primary, secondary] = await Promise.all([startTestRedis(), startTestRedis()])
  const env = { REDIS_PRIMARY_URL: primary.url, REDIS_SECONDARY_URL: secondary.url }
  const { tiers } = openTestTiers(env, { categories: { auth: { onOutage: 'fail-closed', mirror: false } } })
  for (const category of ['auth', 'menu', 'analytics']) await tiers.cache.set('a', 1, { category, tags: ['x'] })
  await primary.crash()
  await until('it is known', () => tiers.health().status === 'degraded')
  const failed = { code: 'CACHE_UNAVAILABLE', operation: 'invalidateTags', category: 'auth', applied: 'unknown' }
  await expect(tiers.cache.invalidateTags(['x'])).rejects.toMatchObject(failed)
  expect(await tiers.cache.has('a', { category: 'menu' })).toBe(false)
  expect(await tiers.cache.has('a', { category: 'analytics' })).toBe(false)
  expect(lines.join(' ')).not.toContain('unhandled')
})
