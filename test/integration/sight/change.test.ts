import { Redis } from 'ioredis'
import { beforeAll, beforeEach, expect, it, onTestFinished } from 'vitest'
import { startTestRedis, type TestRedis } from '../../support/redis-server.ts'
import { expectNothingUnhandled } from '../../support/unhandled.ts'
import { until } from '../../support/until.ts'
import { openSight, twoUrls } from './open-sight.ts'

expectNothingUnhandled()

let primary: TestRedis
let secondary: TestRedis
beforeAll(async () => {
  ;[primary, secondary] = await Promise.all([startTestRedis(), startTestRedis()])
})
beforeEach(() =>
  Promise.all(
    [primary, secondary].map(async ({ url }) => {
      const redis = new Redis(url)
      await redis.flushall()
      redis.disconnect()
    }),
  ),
)

it('entries are deleted and made stale, here and in copies of other processes', async () => {
  const categories = { menu: { ttl: '10m', grace: '5m', l1: '10m' } } as const
  const { sight, cache } = await openSight(twoUrls(primary, secondary), { categories })
  const other = (await openSight(twoUrls(primary, secondary), { categories })).cache.category('menu')
  const menu = cache.category('menu')
  await menu.set('soup', 1)
  await menu.set('bread', 1)
  await until('the other has copies', async () => {
    await other.get('soup')
    return (await other.getEntry('soup'))?.source === 'l1'
  })
  expect(await sight.change({ do: 'delete-entry', category: 'menu', key: 'soup' })).toEqual({ count: 1 })
  expect(await sight.change({ do: 'delete-entry', category: 'menu', key: 'soup' })).toEqual({ count: 0 })
  expect(await menu.get('soup')).toBeUndefined()
  await until('the other has heard of it', async () => (await other.get('soup')) === undefined)
  expect(await sight.change({ do: 'expire-entry', category: 'menu', key: 'bread' })).toEqual({ count: 1 })
  expect(await menu.get('bread')).toBeUndefined()
  expect(await sight.entry({ category: 'menu', key: 'bread' })).toMatchObject({ found: true, stale: true })
})

it('tags are invalidated, with the number of entries that bore them', async () => {
  const { sight, cache } = await openSight(twoUrls(primary, secondary))
  for (const category of ['menu', 'orders']) {
    const own = cache.category(category)
    for (let i = 0; i < 5; i++) await own.set(`k${i}`, i, i < 3 ? { tags: ['few'] } : {})
    expect(await sight.change({ do: 'invalidate-tag', category, tag: 'few' })).toEqual({ count: 3 })
    const { keys } = await sight.keys({ category, prefix: '', cursor: undefined, limit: 50 })
    expect([...keys].sort()).toEqual(['k3', 'k4'])
  }
})

it('a category is cleared, and no other, with the number of entries that lay there, stale ones included', async () => {
  const { sight, cache } = await openSight(twoUrls(primary, secondary))
  const clear = (category: string) => sight.change({ do: 'clear-category', category })
  for (const category of ['menu', 'orders']) {
    const own = cache.category(category)
    for (let i = 0; i < 3; i++) await own.set(`k${i}`, i, { tags: ['few'], grace: '1h' })
    await own.expire('k0')
    expect(await clear(category)).toEqual({ count: 3 })
    expect(await own.get('k1')).toBeUndefined()
    expect(await clear(category)).toEqual({ count: 0 })
  }
  await cache.category('ml').set('k', 1)
  await cache.category('orders').set('k', 1)
  expect(await clear('orders')).toEqual({ count: 1 })
  expect(await cache.category('ml').get('k')).toBe(1)
})

it('while an instance is away, a category is cleared without a number: what is at home goes when it is back', async () => {
  const { sight, cache } = await openSight(twoUrls(primary, secondary))
  const clear = (category: string) => sight.change({ do: 'clear-category', category })
  for (const category of ['menu', 'orders']) await cache.category(category).set('k', 1)
  secondary.freeze()
  onTestFinished(() => secondary.thaw())
  await until('it is known to be away', async () => {
    const { instances } = await sight.overview({})
    return instances.some(({ name, state }) => name === 'secondary' && state === 'down')
  })
  for (const category of ['menu', 'orders']) {
    expect(await clear(category)).toEqual({ count: undefined })
    expect(await cache.category(category).get('k')).toBeUndefined()
  }
})

it('items and groups of state are removed', async () => {
  const { sight, tiers } = await openSight(twoUrls(primary, secondary))
  for (const key of ['a', 'b', 'c']) await tiers.hot.set('run', key, 1)
  expect(await sight.change({ do: 'delete-item', group: 'run', key: 'a' })).toEqual({ count: 1 })
  expect(await sight.change({ do: 'delete-item', group: 'run', key: 'a' })).toEqual({ count: undefined })
  expect(await tiers.hot.keys('run')).toHaveLength(2)
  expect(await sight.change({ do: 'clear-group', group: 'run' })).toEqual({ count: 2 })
  expect(await tiers.hot.traceIds()).toEqual([])
})

it('what can not be is refused, and nothing is changed', async () => {
  const { sight, cache } = await openSight(twoUrls(primary, secondary))
  await cache.category('menu').set('k', 1)
  const wrong = [
    { do: 'delete-entry', category: 'No', key: 'k' },
    { do: 'delete-entry', category: 'menu', key: '\ud800' },
    { do: 'expire-entry', category: 'menu', key: 'é'.repeat(300) },
    { do: 'invalidate-tag', category: 'menu', tag: 't'.repeat(300) },
    { do: 'clear-category', category: '../' },
    { do: 'clear-group', group: '\ud800' },
    { do: 'delete-item', group: 'run', key: 'é'.repeat(300) },
  ] as const
  for (const change of wrong) await expect(sight.change(change)).rejects.toMatchObject({ name: 'Refused' })
  expect(await cache.category('menu').get('k')).toBe(1)
})

it('a delete while home is away is replayed when it is back', async () => {
  const { sight, cache } = await openSight(twoUrls(primary, secondary))
  const menu = cache.category('menu')
  await menu.set('soup', 1)
  secondary.freeze()
  onTestFinished(() => secondary.thaw())
  await until('it is taken all the same', () =>
    sight.change({ do: 'delete-entry', category: 'menu', key: 'soup' }).then(
      () => true,
      (error: Error) => error.name === 'Away' && false,
    ),
  )
  expect(await menu.get('soup')).toBeUndefined()
  secondary.thaw()
  await until('home is back', async () => {
    const { instances } = await sight.overview({})
    return instances.every(({ state, journal }) => state === 'up' && journal.entries === 0)
  })
  expect(await menu.get('soup')).toBeUndefined()
})
