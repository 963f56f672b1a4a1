import { expect, it } from 'vitest'
import { startTestRedis } from '../../support/redis-server.ts'
import { openTestTiers } from '../../support/tiers.ts'
import { expectNothingUnhandled } from '../../support/unhandled.ts'
import { until } from '../../support/until.ts'

expectNothingUnhandled()

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** ms in which it could come and go more often than four times. */
const LONG = 12_000
const MINUTE = 60_000

it('an instance that comes and goes: its categories fail over four times a minute at most', async () => {
  const [primary, secondary] = await Promise.all([startTestRedis(), startTestRedis()])
  const { tiers } = openTestTiers({
    ...{ REDIS_PRIMARY_URL: primary.url, REDIS_SECONDARY_URL: secondary.url },
    // The built-in ones: with more patience nobody would notice.
    ...{ MOTIA_REDIS_DEADLINE_READ: '', MOTIA_REDIS_DEADLINE_WRITE: '' },
  })
  const { cache } = tiers
  let failovers = 0
  tiers.on('failover', ({ category }) => {
    if (category === 'orders') failovers += 1
  })
  await cache.set('k', 'v', { category: 'orders' })
  let going = true
  const callers = Array.from({ length: 4 }, async (_, caller) => {
    for (let i = 0; going; i++) {
      // What it answers is another test's business.
      await cache.set(`${caller}-${i % 100}`, i, { category: 'orders' }).catch(() => undefined)
      await pause(5)
    }
  })
  const calls = Promise.all(callers)
  const serves = (): boolean => tiers.health().instances.some(({ name, readable }) => name === 'primary' && readable)
  // Away as soon as it is back, as often as it gets the chance: a fifth time it gets none.
  const began = performance.now()
  while (performance.now() - began < LONG) {
    primary.freeze()
    await until('it is away', () => !serves(), 2_000).catch(() => undefined)
    primary.thaw()
    await until('it is back', serves, 5_000).catch(() => undefined)
  }
  // On a machine that takes longer the first ones don't count any more: there might rightly be a fifth.
  expect(performance.now() - began).toBeLessThan(MINUTE)
  expect(failovers).toBeGreaterThanOrEqual(2)
  expect(failovers).toBeLessThanOrEqual(4)
  going = false
  await calls
}, 90_000)
