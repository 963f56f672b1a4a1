import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import { expect, it, onTestFinished } from 'vitest'
import { createCacheClient } from '../../src/cache/client.ts'
import { createEmitter } from '../../src/events.ts'
import { openTiers } from '../../src/open.ts'
import { readSettings } from '../../src/settings/read-settings.ts'
import { testFolder } from '../support/folder.ts'
import { startTestRedis } from '../support/redis-server.ts'
import { until } from '../support/until.ts'

const report = { info: () => undefined, warn: () => undefined, error: () => undefined }

const open = async () => {
  const redis = await startTestRedis()
  const env = { REDIS_PRIMARY_URL: redis.url, MOTIA_REDIS_DIR: testFolder() }
  const policies = { categories: { menu: { grace: '1h' as const, compressAbove: 1_000 } } }
  const settings = readSettings(policies, { env, baseDir: '.', production: false })
  const tiers = openTiers(settings, { report, events: createEmitter(report) })
  onTestFinished(() => tiers.close())
  await tiers.start()
  const scrape = async (): Promise<string[]> => (await (await tiers.metrics()).text()).split('\n')
  return { cache: createCacheClient(tiers.engine).category('menu'), url: redis.url, scrape }
}

it('what callers did can be read from a scrape', async () => {
  const { cache, scrape } = await open()
  await cache.set('a', 1)
  expect(await cache.get('a')).toBe(1)
  expect(await cache.get('b')).toBeUndefined()
  expect(await cache.getMany(['a', 'b', 'c'])).toEqual(new Map([['a', 1]]))
  expect(await cache.getOrSet('b', () => 2)).toBe(2)
  expect(await cache.getOrSet('b', () => 3)).toBe(2)
  await expect(cache.getOrSet('c', () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  await cache.expire('a')
  expect(await cache.getOrSet('a', () => 4)).toBe(1)

  // The last one still runs, behind the stale value.
  const text = await until('all computations ended', async () => {
    const lines = await scrape()
    return lines.includes('motia_redis_computation_seconds_count{category="menu"} 3') && lines
  })
  expect(text).toContain('motia_redis_reads_total{category="menu",outcome="hit"} 3')
  expect(text).toContain('motia_redis_reads_total{category="menu",outcome="stale"} 1')
  expect(text).toContain('motia_redis_reads_total{category="menu",outcome="miss"} 5')
  expect(text).toContain('motia_redis_call_seconds_count{category="menu",operation="getOrSet"} 4')
  expect(text).toContain('motia_redis_call_seconds_count{category="menu",operation="set"} 1')
  expect(text).toContain('motia_redis_computation_errors_total{category="menu"} 1')
  expect(text).toContain('motia_redis_instance_state{instance="primary",state="up"} 1')
})

it('how much smaller values became can be read from a scrape', async () => {
  const { cache, url, scrape } = await open()
  await cache.set('short', 'x')
  await cache.set('random', randomBytes(2_000).toString('base64url'))
  await cache.set('long', 'abcdefghij'.repeat(1_000))
  await cache.getOrSet('longer', () => 'abcdefghij'.repeat(10_000))
  const figure = async (name: string): Promise<number> => {
    const line = (await scrape()).find((one) => one.startsWith(`motia_redis_compression_${name}_bytes_total{`))
    return Number(line?.split(' ').at(-1))
  }
  expect(await figure('before')).toBe(110_000)
  const raw = new Redis(url)
  onTestFinished(() => raw.disconnect())
  const stored = await Promise.all(['long', 'longer'].map((key) => raw.strlen(`menu:${key}`)))
  const both = stored.reduce((sum, bytes) => sum + bytes, 0)
  const after = await figure('after')
  expect(after).toBeGreaterThan(100)
  // Around it lies what every entry has.
  expect(after).toBeLessThan(both)
  expect(after).toBeGreaterThan(both - 300)
})
