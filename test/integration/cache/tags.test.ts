import { createKeyv } from '@keyv/redis'
import type { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { layoutOf } from '../../../src/instances/layout.ts'
import type { Cache } from '../../../types/index.ts'
import { openCache } from '../../contract/open-cache.ts'
import { startTestRedis, type TestRedis } from '../../support/redis-server.ts'
import { until } from '../../support/until.ts'

const layout = layoutOf('')
let redis: TestRedis
let open: Awaited<ReturnType<typeof openCache>>
let cache: Cache
/** On the database of most categories. */
let raw: Redis

beforeAll(async () => {
  redis = await startTestRedis()
  open = await openCache(redis.url, { categories: { ml: { codec: 'json', instance: 'secondary' } } })
  cache = open.cache
  raw = open.raw
})
beforeEach(() => raw.flushall('ASYNC'))
afterAll(() => raw.disconnect())

/** Calls of each command since the last look, also of those inside scripts. */
const calls = async (client = raw): Promise<Record<string, number>> => {
  const stats = await client.info('commandstats')
  await client.config('RESETSTAT')
  const found = [...stats.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)].map(([, name = '', count]) => [
    name,
    Number(count),
  ])
  const ours = found.filter(([name]) => !['info', 'config|resetstat', 'ping', 'select', 'hello'].includes(String(name)))
  return Object.fromEntries(ours)
}

describe('tags over a real Redis', () => {
  it('cost a read nothing, an entry without any nothing, and one with some a command for each', async () => {
    const tags = ['a', 'b', 'c']
    await cache.set('warm', 1, { tags })
    await cache.set('tagged', 1, { tags })
    await cache.set('bare', 1)
    await calls()
    await cache.get('bare')
    const bare = await calls()
    await cache.get('tagged')
    expect(await calls()).toEqual(bare)
    expect(bare).toEqual({ get: 1 })
    await cache.getMany(['bare', 'x'])
    const many = await calls()
    await cache.getMany(['tagged', 'y'])
    expect(await calls()).toEqual(many)

    await cache.set('bare', 2)
    expect(await calls()).toEqual({ set: 1 })
    // One script in place of SET; inside it an addition per tag.
    await cache.set('tagged', 2, { tags })
    expect(await calls()).toEqual({ evalsha: 1, set: 1, time: 1, zadd: 3 })
  })

  it('an invalidation deletes for others, too', async () => {
    const keyv = createKeyv(redis.url, { namespace: 'cache', keyPrefixSeparator: ':' })
    onTestFinished(() => keyv.disconnect())
    await cache.set('a', 'tagged', { tags: ['x'] })
    await cache.set('b', 'bare')
    expect([await keyv.get('a'), await keyv.get('b')]).toEqual(['tagged', 'bare'])
    await cache.invalidateTags(['x'])
    expect(await raw.exists('cache:a')).toBe(0)
    expect([await keyv.get('a'), await keyv.get('b')]).toEqual([undefined, 'bare'])
  })

  it('what another system wrote over an entry stays', async () => {
    const keyv = createKeyv(redis.url, { namespace: 'cache', keyPrefixSeparator: ':' })
    onTestFinished(() => keyv.disconnect())
    await cache.set('a', 'ours', { tags: ['x'] })
    await cache.set('b', 'ours', { tags: ['x'] })
    await keyv.set('a', { meta: { t: ['x'] } }, 60_000)
    await raw.del('cache:b')
    await raw.hset('cache:b', 'f', 'v')
    expect(await cache.invalidateTags(['x'])).toBe(0)
    expect(await cache.get('a')).toEqual({ meta: { t: ['x'] } })
    expect(await raw.hgetall('cache:b')).toEqual({ f: 'v' })
    expect(await raw.exists(layout.tag('cache', 'x'))).toBe(0)
  })

  it('are refused where a text has no place for them', async () => {
    const refused = { code: 'CACHE_INVALID_OPTION', operation: 'set', category: 'ml' }
    await expect(cache.set('a', 1, { category: 'ml', tags: ['x'] })).rejects.toMatchObject(refused)
    await cache.set('a', 1, { category: 'ml', tags: [] })
    expect(await cache.invalidateTags(['x'], { category: 'ml' })).toBe(0)
  })

  it('of a category that only another process uses are found, too', async () => {
    const other = await openCache(redis.url)
    await other.cache.set('a', 1, { category: 'elsewhere', tags: ['x'] })
    await other.cache.set('b', 1, { category: 'elsewhere' })
    expect(await cache.invalidateTags(['x'])).toBe(1)
    expect(await other.cache.has('a', { category: 'elsewhere' })).toBe(false)
    expect(await other.cache.has('b', { category: 'elsewhere' })).toBe(true)
  })

  it('an index has no end of its own, loses what has ended, and is gone with its last entry', async () => {
    const index = layout.tag('cache', 'x')
    for (let i = 0; i < 100; i++) await cache.set(`short${i}`, i, { ttl: 40, tags: ['x'] })
    await cache.set('long', 1, { tags: ['x'] })
    expect(await raw.pttl(index)).toBe(-1)
    await until('the short ones have ended', async () => (await raw.dbsize()) <= 3)
    await new Promise((resolve) => setTimeout(resolve, 10))
    // Each write takes some of them with it.
    for (let i = 0; (await raw.zcard(index)) > 2 + i && i < 50; i++) await cache.set(`more${i}`, 1, { tags: ['x'] })
    const members = await raw.zrange(index, '0', '-1')
    expect(members.filter((member) => member.startsWith('cache:short'))).toEqual([])
    expect(members).toContain('cache:long')
    await cache.invalidateTags(['x'])
    expect(await raw.exists(index)).toBe(0)
  })

  it('an entry that is there is in the indexes of its tags, also on a server that evicts', async () => {
    await raw.config('SET', 'maxmemory', `${Number(/used_memory:(\d+)/.exec(await raw.info('memory'))?.[1]) + 2e6}`)
    await raw.config('SET', 'maxmemory-policy', 'volatile-lru')
    onTestFinished(async () => {
      await raw.config('SET', 'maxmemory', '0')
    })
    const keys = Array.from({ length: 4_000 }, (_, i) => `k${i}`)
    for (let from = 0; from < keys.length; from += 200) {
      const part = keys.slice(from, from + 200).map((key) => [key, 'x'.repeat(1_000)] as const)
      await cache.setMany(part, { tags: ['x', 'y'] })
    }
    const left = (await raw.keys('cache:*')).sort()
    expect(left.length).toBeGreaterThan(100)
    expect(left.length).toBeLessThan(keys.length)
    for (const tag of ['x', 'y']) {
      const members = new Set(await raw.zrange(layout.tag('cache', tag), '0', '-1'))
      expect(left.filter((key) => !members.has(key))).toEqual([])
    }
    // It goes on evicting.
    expect(await cache.invalidateTags(['y'])).toBeLessThanOrEqual(left.length)
    expect(await raw.keys('cache:*')).toEqual([])
  })
})

describe('100,000 entries with a tag', () => {
  // A server of their own: what makes others wait must not be what the other tests meet.
  let cache: Cache
  let raw: Redis
  beforeAll(async () => {
    const many = await openCache((await startTestRedis()).url)
    cache = many.cache
    raw = many.raw
  })

  const ENDS = 4_102_444_800_000
  const text = `{"value":"${'x'.repeat(100)}","expires":${ENDS},"meta":{"t":["x"]}}`
  const index = layout.tag('cache', 'x')
  const fill = async (): Promise<void> => {
    for (let from = 0; from < 100_000; from += 2_000) {
      const keys = Array.from({ length: 2_000 }, (_, i) => `cache:k${from + i}`)
      const pipeline = raw.pipeline()
      for (const key of keys) pipeline.set(key, text, 'PX', 600_000)
      await pipeline.zadd(index, ...keys.flatMap((key) => [ENDS, key])).exec()
    }
    await calls(raw)
  }
  /** ms of its own processor time: a busy machine may hold the server up in the midst of the shortest script. */
  const serverTime = async (): Promise<number> => {
    const info = await raw.info('cpu')
    const of = (kind: string): number => Number(new RegExp(`used_cpu_${kind}_main_thread:([\\d.]+)`).exec(info)?.[1])
    return (of('user') + of('sys')) * 1_000
  }
  /** Arguments of the largest script since `SLOWLOG RESET`: the log shows 31 of them and says how many more there are. */
  const largestScript = async (): Promise<number> => {
    const log = (await raw.call('SLOWLOG', 'GET', '-1')) as [number, number, number, string[]][]
    const sizes = log.flatMap(([, , , args]) => {
      const more = /\((\d+) more arguments\)$/.exec(args.at(-1) ?? '')?.[1]
      return args[0]?.toLowerCase() !== 'evalsha'
        ? []
        : [more === undefined ? args.length : args.length - 1 + Number(more)]
    })
    return Math.max(0, ...sizes)
  }
  /** What another client sees meanwhile: how often it is answered. */
  const observed = async (work: () => Promise<unknown>): Promise<number> => {
    let answers = 0
    let ended = false
    const working = work().finally(() => {
      ended = true
    })
    while (!ended) {
      await raw.ping()
      answers++
    }
    await working
    return answers
  }

  it('go without making any other client wait for longer than 10 ms', async () => {
    await fill()
    await raw.config('SET', 'slowlog-max-len', '10000', 'slowlog-log-slower-than', '100')
    await raw.call('SLOWLOG', 'RESET')
    const before = await serverTime()
    const answers = await observed(async () => {
      expect(await cache.invalidateTags(['x'], { category: 'cache' })).toBe(100_000)
    })
    const used = (await serverTime()) - before
    const scripts = (await calls(raw)).evalsha ?? 0
    expect(await raw.dbsize()).toBeLessThan(5)
    expect(scripts).toBeGreaterThan(300)
    // What one costs goes by the keys it is given: so much it is for the one that was given most.
    const largest = await largestScript()
    expect(largest).toBeGreaterThan(100)
    expect((used / 100_000) * largest).toBeLessThan(10)
    expect(answers).toBeGreaterThan(100)
  })

  it('control: one script for all of them does', async () => {
    await fill()
    const script = `for _, key in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do redis.call('UNLINK', key) end`
    const before = await serverTime()
    const client = raw.duplicate()
    onTestFinished(() => client.disconnect())
    const answers = await observed(() => client.eval(script, 1, index))
    expect((await serverTime()) - before).toBeGreaterThan(10)
    expect(answers).toBeLessThan(100)
  })
})

describe('tags and what happens at the same time elsewhere', () => {
  it('nothing that was written before an invalidation is there after it', async () => {
    const other = await openCache(redis.url)
    let clock = 0
    const written = new Map<string, number>()
    let ended = false
    const writers = [cache, other.cache].map(async (writer, w) => {
      for (let i = 0; !ended; i++) {
        const key = `k${(i * 7) % 40}:${w}`
        const value = ++clock
        await writer.set(key, value, { tags: ['x', `w${w}`] })
        written.set(key, value)
      }
    })
    const invalidating = async (): Promise<void> => {
      for (let round = 0; round < 150; round++) {
        const before = new Map(written)
        await (round % 2 === 0 ? cache : other.cache).invalidateTags(['x'])
        const found = await cache.getMany<number>(before.keys())
        for (const [key, value] of found) expect(value).toBeGreaterThan(before.get(key) ?? 0)
      }
    }
    const invalidated = invalidating().finally(() => {
      ended = true
    })
    await Promise.all([invalidated, ...writers])
    expect(written.size).toBe(80)
  })

  it('what another server began to compute before it is not stored; without the invalidation it is', async () => {
    const other = await openCache(redis.url)
    const compute = (key: string, meanwhile: () => Promise<unknown>) =>
      cache.getOrSet(
        key,
        async (context) => {
          await meanwhile()
          context.setTags(['x'])
          return 'computed'
        },
        { ttl: '1m' },
      )
    expect(await compute('a', () => other.cache.invalidateTags(['x']))).toBe('computed')
    expect(await compute('b', () => other.cache.invalidateTags(['x'], { category: 'cache' }))).toBe('computed')
    expect(await compute('c', () => other.cache.invalidateTags(['other']))).toBe('computed')
    expect(await compute('d', () => other.cache.invalidateTags(['x'], { category: 'analytics' }))).toBe('computed')
    expect([...(await other.cache.getMany(['a', 'b', 'c', 'd'])).keys()]).toEqual(['c', 'd'])
  })
})
