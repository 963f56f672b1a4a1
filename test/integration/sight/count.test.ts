import { Redis } from 'ioredis'
import { beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
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
const on = async <T>({ url }: TestRedis, act: (redis: Redis) => Promise<T>): Promise<T> => {
  const redis = new Redis(url)
  try {
    return await act(redis)
  } finally {
    redis.disconnect()
  }
}
beforeEach(() => Promise.all([primary, secondary].map((each) => on(each, (redis) => redis.flushall()))))

const numbered = (many: number) => Array.from({ length: many }, (_, i): [string, unknown] => [`dish:${i}`, 1])

describe('entries of a category', () => {
  it.each(['menu', 'orders'])('of %s are counted one by one, few among many', async (category) => {
    const { sight, cache } = await openSight(twoUrls(primary, secondary))
    await cache.category(category).setMany(numbered(120))
    await cache.category('user').setMany(numbered(2_000))
    for (const each of [primary, secondary])
      await on(each, (redis) => redis.eval("for i = 1, 20000 do redis.call('SET', 'other:' .. i, '') end", 0))
    expect(await sight.count({ category })).toEqual({ category, entries: 120, atLeast: false })
    expect(await sight.count({ category: 'ml' })).toEqual({ category: 'ml', entries: 0, atLeast: false })
  })

  it('are counted up to 10,000', async () => {
    const { sight } = await openSight(twoUrls(primary, secondary))
    const fill = (many: number) =>
      on(secondary, (redis) =>
        redis.eval(`for i = 1, ${many} do redis.call('SET', 'menu:' .. i, '{"value":1}') end`, 0),
      )
    await fill(10_000)
    expect(await sight.count({ category: 'menu' })).toEqual({ category: 'menu', entries: 10_000, atLeast: false })
    await fill(12_000)
    expect(await sight.count({ category: 'menu' })).toEqual({ category: 'menu', entries: 10_000, atLeast: true })
  })

  it('are at least those that were found elsewhere, while home is away', async () => {
    const { sight, cache } = await openSight(twoUrls(primary, secondary))
    await secondary.crash()
    onTestFinished(() => secondary.restart())
    const menu = cache.category('menu')
    for (const key of ['a', 'b', 'c'])
      await until('it is written elsewhere', () =>
        menu.set(key, 1).then(
          () => true,
          () => false,
        ),
      )
    expect(await sight.count({ category: 'menu' })).toEqual({ category: 'menu', entries: 3, atLeast: true })
  })

  it('that can not be told from keys of others are not counted', async () => {
    const { sight } = await openSight(
      { ...twoUrls(primary, secondary), REDIS_SECONDARY_TYPES: 'menu' },
      { categories: { menu: { key: '<key>' } } },
    )
    await expect(sight.count({ category: 'menu' })).rejects.toMatchObject({ name: 'Refused' })
    await expect(sight.count({ category: '<b>' })).rejects.toMatchObject({ name: 'Refused' })
  })
})
