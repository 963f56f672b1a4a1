import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import { expect, it, onTestFinished } from 'vitest'
import { createCacheClient } from '../../src/cache/client.ts'
import { createEmitter } from '../../src/events.ts'
import { openTiers } from '../../src/open.ts'
import { readSettings } from '../../src/settings/read-settings.ts'
import { testFolder } from '../support/folder.ts'
import { startTestRedis } from '../support/redis-server.ts'
import { readScrape } from '../support/scrape.ts'
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
  const text = async (): Promise<string> => (await tiers.metrics()).text()
  const scrape = async (): Promise<string[]> => (await text()).split('\n')
  const cache = createCacheClient(tiers.engine)
  return { all: cache, cache: cache.category('menu'), hot: tiers.hot, url: redis.url, text, scrape }
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

it('where values came from, who waited, and what was no value of ours', async () => {
  const { cache, url, text } = await open()
  const figure = async (name: string, labels: Record<string, string> = {}): Promise<number> =>
    readScrape(await text()).value(name, { category: 'menu', ...labels }) ?? 0
  await cache.set('a', 1)
  await until('a copy answers', async () => {
    await cache.get('a')
    return (await figure('found_total', { source: 'l1' })) > 0
  })
  expect(await figure('found_total', { source: 'primary' })).toBeGreaterThan(0)
  expect(await figure('l1_entries')).toBe(1)
  expect(await figure('l1_bytes')).toBeGreaterThan(100)

  let release = (): void => undefined
  const computes = cache.getOrSet('b', () => new Promise((resolve) => (release = () => resolve(2))))
  const waits = cache.getOrSet('b', () => 3)
  await until('both asked', async () => (await figure('reads_total', { outcome: 'miss' })) >= 1)
  release()
  expect(await Promise.all([computes, waits])).toEqual([2, 2])
  expect(await figure('lease_wait_seconds_count')).toBe(1)

  const raw = new Redis(url)
  onTestFinished(() => raw.disconnect())
  await raw.set('menu:c', '{"none of ours')
  expect(await cache.get('c')).toBeUndefined()
  expect(await figure('corrupt_values_total', { reason: 'unreadable' })).toBe(1)
})

it('calls of state, and what can be told of the instance', async () => {
  const { hot, url, text } = await open()
  await hot.set('g', 'k', 1)
  await hot.get('g', 'k')
  const raw = new Redis(url)
  onTestFinished(() => raw.disconnect())
  await raw.hset('~mr:state:g', 'broken', '{')
  expect(await hot.get('g', 'broken')).toBeNull()
  await expect(hot.get('', 'k')).rejects.toThrow('STATE_INVALID_KEY')
  const { value } = readScrape(await text())
  expect(value('state_call_seconds_count', { operation: 'get' })).toBe(3)
  expect(value('state_call_errors_total', { operation: 'get' })).toBe(1)
  expect(value('state_corrupt_items_total')).toBe(1)
  expect(value('replayed_total', { instance: 'primary' })).toBe(0)
  expect(['on', 'off', 'refused'].map((state) => value('tracking_state', { instance: 'primary', state }))).toContain(1)
})

it('100,000 different keys, and categories that nobody listed, make no more series', async () => {
  const { all, cache, text } = await open()
  const series = async (): Promise<string[]> => {
    const { families } = readScrape(await text())
    return families.flatMap(({ name, metrics }) => metrics.map(({ labels }) => `${name} ${JSON.stringify(labels)}`))
  }
  const ask = async (from: number): Promise<void> => {
    await cache.getMany(Array.from({ length: 1_000 }, (_, n) => `key-${from + n}`))
    await all.get(`key-${from}`, { category: `made-up-${from}` })
  }
  await ask(0)
  const before = await series()
  for (let from = 1_000; from < 100_000; from += 1_000) await ask(from)
  expect(await series()).toEqual(before)
  expect(before.join()).not.toMatch(/key-|made-up/)
}, 120_000)
