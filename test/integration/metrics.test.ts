import { expect, it, onTestFinished } from 'vitest'
import { createCacheClient } from '../../src/cache/client.ts'
import { createEmitter } from '../../src/events.ts'
import { openTiers } from '../../src/open.ts'
import { readSettings } from '../../src/settings/read-settings.ts'
import { testFolder } from '../support/folder.ts'
import { startTestRedis } from '../support/redis-server.ts'

const report = { info: () => undefined, warn: () => undefined, error: () => undefined }

const open = async () => {
  const redis = await startTestRedis()
  const env = { REDIS_PRIMARY_URL: redis.url, MOTIA_REDIS_DIR: testFolder() }
  const policies = { categories: { menu: { grace: '1h' as const } } }
  const settings = readSettings(policies, { env, baseDir: '.', production: false })
  const tiers = openTiers(settings, { report, events: createEmitter(report) })
  onTestFinished(() => tiers.close())
  await tiers.start()
  const scrape = async (): Promise<string[]> => (await (await tiers.metrics()).text()).split('\n')
  return { cache: createCacheClient(tiers.engine).category('menu'), scrape }
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

  const text = await scrape()
  expect(text).toContain('motia_redis_reads_total{category="menu",outcome="hit"} 3')
  expect(text).toContain('motia_redis_reads_total{category="menu",outcome="stale"} 1')
  expect(text).toContain('motia_redis_reads_total{category="menu",outcome="miss"} 5')
  expect(text).toContain('motia_redis_call_seconds_count{category="menu",operation="getOrSet"} 4')
  expect(text).toContain('motia_redis_call_seconds_count{category="menu",operation="set"} 1')
  expect(text).toContain('motia_redis_computation_seconds_count{category="menu"} 3')
  expect(text).toContain('motia_redis_computation_errors_total{category="menu"} 1')
  expect(text).toContain('motia_redis_instance_state{instance="primary",state="up"} 1')
})
