import { describe, expect, it } from 'vitest'
import { startTestRedis } from '../../support/redis-server.ts'
import { openTestTiers } from '../../support/tiers.ts'
import { until } from '../../support/until.ts'

describe('a counter of a mirrored category', () => {
  it('lies on the mirror with what was added during an outage, so that home can lose its data after it', async () => {
    const [primary, secondary] = await Promise.all([startTestRedis(), startTestRedis()])
    const { tiers } = openTestTiers({ REDIS_PRIMARY_URL: primary.url, REDIS_SECONDARY_URL: secondary.url })
    const { cache } = tiers
    const well = () =>
      tiers.health().status === 'ok' && tiers.health().instances.every(({ journal }) => journal.entries === 0)
    const count = async (times: number) => {
      for (let i = 0; i < times; i++) await cache.increment('visits', { category: 'orders' })
    }
    await count(5)
    primary.freeze()
    await until('it is down', () => tiers.health().instances[0]?.state === 'down')
    await count(20)
    primary.thaw()
    await until('it is back', well)
    expect(await cache.get('visits', { category: 'orders' })).toBe(25)

    await primary.crash()
    await until('it is down again', () => tiers.health().instances[0]?.state === 'down')
    await primary.restart()
    await until('it is back, and empty at first', well)
    expect(await cache.get('visits', { category: 'orders' })).toBe(25)
    await count(1)
    expect(await cache.get('visits', { category: 'orders' })).toBe(26)
  })
})
