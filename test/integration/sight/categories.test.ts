import { Redis } from 'ioredis'
import { expect, it, onTestFinished } from 'vitest'
import type { CategoriesView, CategoryView, MemoryView } from '../../../src/sight/contract.ts'
import { startTestRedis } from '../../support/redis-server.ts'
import { expectNothingUnhandled } from '../../support/unhandled.ts'
import { until } from '../../support/until.ts'
import { openSight, twoUrls } from './open-sight.ts'

expectNothingUnhandled()

const twoServers = () => Promise.all([startTestRedis(), startTestRedis()])
const one = ({ categories }: CategoriesView, name: string): CategoryView | undefined =>
  categories.find((each) => each.name === name)
const memoryOf = ({ memory }: CategoriesView, name: string): MemoryView | undefined =>
  memory.find(({ instance }) => instance === name)

const raw = (url: string): Redis => {
  const redis = new Redis(url)
  onTestFinished(() => redis.disconnect())
  return redis
}

it('what is done with a category is counted, and what it is allowed is shown', async () => {
  const [primary, secondary] = await twoServers()
  const { sight, cache } = await openSight(twoUrls(primary, secondary), {
    categories: { menu: { ttl: '10m', jitter: 0.1 } },
    loaders: { menu: () => undefined },
  })
  const menu = cache.category('menu')
  await menu.set('soup', 1)
  for (let n = 0; n < 9; n++) await menu.get('soup')
  await menu.has('bread')
  await menu.getOrSet('bread', () => 2)
  const view = await sight.categories({})
  expect(one(view, 'menu')).toMatchObject({
    home: 'secondary',
    servedBy: 'secondary',
    policy: { ttl: 600_000, jitter: 0.1, loader: true, schema: false, sensitive: false, onOutage: 'failover' },
    total: { reads: 11, writes: 1, hits: 9, misses: 1, computed: 1, errors: 0 },
    hitRate: 0.9,
  })
  expect(one(view, 'menu')?.readsPerSecond).toBeGreaterThan(0)
  expect(one(view, 'menu')?.p99).toBeGreaterThan(0)
  expect(one(view, 'menu')?.hour.at(-1)).toMatchObject({ reads: 11, writes: 1 })
  expect(one(view, 'auth')).toMatchObject({
    hitRate: undefined,
    p50: undefined,
    total: { reads: 0 },
    policy: { mirror: true },
  })
  const copied = await until('copies are kept and counted', async () => {
    await menu.get('soup')
    const { copies } = one(await sight.categories({}), 'menu') ?? {}
    return copies !== undefined && copies.entries > 0 && copies
  })
  expect(copied.bytes).toBeGreaterThan(0)
})

it('memory is told by what it is for, foreign keys too, and never by looking at all of them', async () => {
  const [primary, secondary] = await twoServers()
  const { sight, cache, tiers } = await openSight(twoUrls(primary, secondary))
  // 600 of each of five kinds on secondary: entries, copies of primary's, state's copies, and what isn't ours.
  const redis = raw(secondary.url)
  const foreign = redis.pipeline()
  for (let n = 0; n < 600; n++) foreign.set(`other:${n}`, 'x'.repeat(500)).hset(`user:hash-${n}`, 'a', '1')
  await foreign.exec()
  for (let n = 0; n < 600; n++) {
    await Promise.all([
      cache.set(`k${n}`, 'y'.repeat(100), { category: 'menu' }),
      cache.set(`k${n}`, n, { category: 'orders' }),
    ])
  }
  await tiers.hot.set('flow', 'a', 1)
  const view = await sight.categories({})
  const { roles, sampled, sampledAt } = memoryOf(view, 'secondary') ?? {}
  expect(sampled).toBe(100)
  expect(sampledAt).toBeGreaterThan(Date.now() - 10_000)
  // 2,400 keys and a few. A hundred of them are drawn: far enough from what would be wrong.
  const about = (entries: number | undefined, real: number): void => {
    expect(entries).toBeGreaterThan(real * 0.3)
    expect(entries).toBeLessThan(real * 2)
  }
  about(roles?.home.entries, 600)
  about(roles?.mirror.entries, 600)
  about(roles?.other.entries, 1_200)
  about(one(view, 'menu')?.entries, 600)
  // None was drawn, but not all were.
  expect(one(view, 'user')?.entries).toBeUndefined()
  expect(roles?.['stand-in'].entries).toBe(0)
  expect(one(view, 'menu')?.bytes).toBeGreaterThan(600 * 0.3 * 150)
  expect(one(view, 'menu')?.bytes).toBeLessThan(600 * 2 * 500)
  // A second look draws nothing: that comes of the ten seconds.
  expect(memoryOf(await sight.categories({}), 'secondary')?.sampledAt).toBe(sampledAt)
  const stats = await redis.info('commandstats')
  expect(stats).not.toMatch(/cmdstat_keys:/)
  expect(Number(/cmdstat_scan:calls=(\d+)/.exec(stats)?.[1] ?? 0)).toBeLessThan(5)
  expect(stats).toMatch(/cmdstat_randomkey:calls=100,/)
})

it('a stand-in shows what it holds for another', async () => {
  const [primary, secondary] = await twoServers()
  const { sight, cache, tiers } = await openSight(twoUrls(primary, secondary))
  await until('both are up', () => tiers.health().instances.every(({ state }) => state === 'up'))
  await secondary.crash()
  await until('it is away', () => tiers.health().instances.some(({ state }) => state === 'down'))
  for (let n = 0; n < 100; n++) await cache.set(`k${n}`, n, { category: 'menu' })
  const view = await sight.categories({})
  expect(one(view, 'menu')?.servedBy).toBe('primary')
  expect(memoryOf(view, 'primary')?.roles?.['stand-in'].entries).toBeGreaterThan(50)
  expect(memoryOf(view, 'secondary')?.roles).toBeUndefined()
})

it('is there without any Redis', async () => {
  const { sight, cache } = await openSight({})
  await cache.set('a', 1, { category: 'menu' })
  const view = await sight.categories({})
  expect(one(view, 'menu')).toMatchObject({ total: { writes: 1 }, entries: undefined, copies: undefined })
  expect(memoryOf(view, 'primary')).toMatchObject({ used: undefined, roles: undefined, sampled: 0 })
  const { instances, advice, routing } = await sight.overview({})
  expect(instances.map(({ kind, state, live }) => ({ kind, state, live }))).toEqual([
    { kind: 'embedded', state: 'up', live: undefined },
    { kind: 'embedded', state: 'up', live: undefined },
  ])
  expect(routing.every(({ home, servedBy }) => home === servedBy)).toBe(true)
  expect(advice).toMatchObject([{ level: 'note', text: expect.stringContaining('no Redis') }])
})
