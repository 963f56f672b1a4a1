import { Redis } from 'ioredis'
import { expect, it, onTestFinished } from 'vitest'
import { startTestRedis } from '../../support/redis-server.ts'
import { expectNothingUnhandled } from '../../support/unhandled.ts'
import { until } from '../../support/until.ts'
import { openSight, twoUrls } from './open-sight.ts'

expectNothingUnhandled()

it('the most read and the largest keys are named, and none of a sensitive category', { timeout: 60_000 }, async () => {
  const [primary, secondary] = await Promise.all([startTestRedis(), startTestRedis()])
  const { sight, cache, tiers } = await openSight(twoUrls(primary, secondary), {
    categories: { menu: { l1: '1m', compressAbove: false }, user: { compressAbove: false } },
  })
  await cache.category('menu').set('often', 1)
  await cache.category('menu').set('large', 'x'.repeat(200_000))
  await cache.category('user').set('s3cret', 'x'.repeat(300_000), { tags: ['s3cret-tag'] })
  await cache.category('auth').set('s3cret', 'x'.repeat(300_000))
  await tiers.hot.set('run', 'item', 'x'.repeat(100_000))
  const redis = new Redis(primary.url)
  onTestFinished(() => redis.disconnect())
  // Where it was before somebody moved the category, a lease on it, a key of another system.
  await redis.set('user:s3cret', 'x'.repeat(300_000))
  await redis.set('~mr:lease:user:s3cret', 'x'.repeat(300_000))
  await redis.set('foreign', 'x'.repeat(50_000))
  for (let i = 0; i < 3_000; i++) {
    await cache.category('menu').get('often')
    await cache.category('menu').getOrSet('set', () => i)
    await cache.category('user').get('s3cret')
    if (i % 100 === 0) await cache.category('menu').getMany(['often', 'many'])
  }
  // They are drawn at most every ten seconds, and on a busy machine the first time in vain.
  const view = await until(
    'the large ones were drawn',
    async () => {
      const seen = await sight.hot({})
      return seen.largest.length >= 4 && seen
    },
    30_000,
    100,
  )
  expect(view.read.map(({ key }) => key).sort()).toEqual(expect.arrayContaining(['often', 'set']))
  expect(view.read[0]?.readsPerMinute).toBeGreaterThan(1_500)
  expect(view.read[0]?.readsPerMinute).toBeLessThan(6_000)
  expect(view.since).toBeLessThanOrEqual(view.now)
  expect(view.largest[0]).toMatchObject({ instance: 'secondary', category: 'menu', key: 'large' })
  expect(view.largest[0]?.bytes).toBeGreaterThan(200_000)
  expect(view.largest.map(({ key }) => key)).toEqual(expect.arrayContaining(['~mr:state:run', 'foreign']))
  expect(view.largest.map(({ bytes }) => bytes)).toEqual(view.largest.map(({ bytes }) => bytes).sort((a, b) => b - a))
  expect(JSON.stringify(view)).not.toContain('s3cret')
})
