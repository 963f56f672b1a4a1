import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createRedisService } from '../../../src/cache/redis-service.ts'
import { openCache } from '../../contract/open-cache.ts'
import { startTestRedis } from '../../support/redis-server.ts'
import { until } from '../../support/until.ts'

let url: string
let open: Awaited<ReturnType<typeof openCache>>

const User = z.object({ name: z.string(), born: z.coerce.date(), nick: z.string().default('none') })

beforeAll(async () => {
  url = (await startTestRedis()).url
})

describe('schemas', () => {
  beforeAll(async () => {
    open = await openCache(url, {
      categories: { user: { schema: User }, hits: { schema: z.number().int(), instance: 'secondary' } },
    })
  })
  beforeEach(async () => {
    await open.raw.flushall()
    open.said.length = 0
  })
  const user = () => open.cache.category('user')
  const ada = { name: 'Ada', born: new Date('1815-12-10'), nick: 'none' }

  it('stores the output and answers it, on a miss as on a hit', async () => {
    const partial = { name: 'Ada', born: '1815-12-10', extra: 1 }
    expect(await user().getOrSet('1', () => partial)).toEqual(ada)
    expect(await user().getOrSet('1', () => partial)).toEqual(ada)
    await user().set('2', partial)
    expect(await user().get('2')).toEqual(ada)
    expect(await open.raw.get('user:2')).not.toContain('extra')
  })

  it('refuses what does not match, and writes none of many', async () => {
    const bad = { name: 'secret', born: 'no date' }
    const refusal = { code: 'CACHE_SCHEMA', category: 'user', applied: 'no' }
    await expect(user().set('1', bad)).rejects.toMatchObject({ ...refusal, operation: 'set' })
    await expect(user().set('1', bad)).rejects.toThrow('at born')
    await expect(user().set('1', bad)).rejects.not.toThrow('secret')
    await expect(user().getOrSet('1', () => bad)).rejects.toMatchObject({ ...refusal, operation: 'getOrSet' })
    const many = user().setMany([
      ['2', ada],
      ['1', bad],
    ])
    await expect(many).rejects.toMatchObject({ ...refusal, operation: 'setMany' })
    expect(await open.raw.keys('user:*')).toEqual([])
  })

  it('a stored value that does not match is a miss everywhere, said once with its place', async () => {
    await open.raw.set('user:1', '{"value":{"name":5}}')
    expect(await user().get('1')).toBeUndefined()
    expect(await user().has('1')).toBe(false)
    expect(await user().getEntry('1')).toBeUndefined()
    expect((await user().getMany(['1'])).size).toBe(0)
    expect(await user().touch('1')).toBe(false)
    expect(open.said).toEqual([expect.stringMatching(/category user: .*at name/)])
    expect(await user().getOrSet('1', () => ada)).toEqual(ada)
    expect(await user().get('1')).toEqual(ada)
  })

  it('what others stored is seen through the schema', async () => {
    await open.raw.set('user:1', '{"value":{"name":"Ada","born":"1815-12-10T00:00:00.000Z"}}')
    expect(await user().get('1')).toEqual(ada)
    expect((await user().getEntry('1'))?.value).toEqual(ada)
    expect(await user().touch('1', { ttl: '1m' })).toBe(true)
  })

  it('counters only where the schema takes numbers', async () => {
    const refusal = { code: 'CACHE_SCHEMA', operation: 'increment' }
    await expect(user().increment('1')).rejects.toMatchObject(refusal)
    const hits = open.cache.category('hits')
    expect([await hits.increment('1'), await hits.increment('1'), await hits.get('1')]).toEqual([1, 2, 2])
  })
})

describe('where a call belongs', () => {
  beforeAll(async () => {
    open = await openCache(url, {
      categories: { menu: {}, orders: {} },
      inferCategory: { 'menu:': 'menu', 'order:': 'orders' },
      legacyKeys: true,
    })
  })
  beforeEach(async () => {
    await open.raw.flushall()
    open.said.length = 0
  })

  it('a call without a category goes where its key says', async () => {
    await open.cache.set('menu:today', 1)
    await open.cache.set('else', 2)
    expect((await open.raw.keys('*')).sort()).toEqual(['cache:else', 'menu:menu:today'])
    expect(await open.cache.get('menu:today', { category: 'menu' })).toBe(1)
  })

  it('many keys may belong to several categories, on several instances', async () => {
    const keys = ['menu:a', 'order:b', 'c', 'menu:d']
    await open.cache.setMany(keys.map((key, index) => [key, index]))
    expect([...(await open.cache.getMany([...keys].reverse()))]).toEqual([
      ['menu:d', 3],
      ['c', 2],
      ['order:b', 1],
      ['menu:a', 0],
    ])
    expect((await open.raw.keys('*')).sort()).toEqual(['cache:c', 'menu:menu:a', 'menu:menu:d'])
    expect(await open.cache.get('order:b', { category: 'orders' })).toBe(1)
    expect(await open.cache.deleteMany([...keys, 'menu:none'])).toBe(4)
  })

  it('the raw older key is read until it ends, and deleted with the new one', async () => {
    await open.raw.set('menu:today', '{"soup":1}', 'PX', 60_000)
    await open.raw.set('keyv', '{"value":"k","expires":99999999999999}')
    await open.raw.set('count', '5')
    expect(await open.cache.get('menu:today')).toEqual({ soup: 1 })
    expect(await open.cache.has('menu:today')).toBe(true)
    expect([...(await open.cache.getMany(['menu:today', 'keyv', 'none', 'count'])).values()]).toEqual([
      { soup: 1 },
      'k',
      5,
    ])
    const entry = await open.cache.getEntry('menu:today')
    expect(entry?.redisKey).toBe('menu:today')
    expect((entry?.expiresAt ?? 0) - Date.now()).toBeLessThanOrEqual(60_000)
    expect(await open.cache.getOrSet('menu:today', () => 'computed')).toEqual({ soup: 1 })
    expect(await open.cache.touch('menu:today', { ttl: '5m' })).toBe(true)
    expect(await open.raw.pttl('menu:today')).toBeGreaterThan(200_000)
    await open.cache.set('menu:today', 'newer')
    expect(await open.cache.get('menu:today')).toBe('newer')
    expect(await open.cache.deleteMany(['menu:today', 'keyv'])).toBe(2)
    expect(await open.cache.delete('count')).toBe(true)
    expect(await open.raw.dbsize()).toBe(0)
  })

  it('a raw key never reaches another category, nor what is ours', async () => {
    await open.cache.set('1', 'private', { category: 'user' })
    await open.raw.set('~mr:x', '"ours"')
    for (const key of ['user:1', '~mr:x']) {
      expect(await open.cache.get(key, { category: 'ml' })).toBeUndefined()
      expect((await open.cache.getMany([key], { category: 'ml' })).size).toBe(0)
      expect(await open.cache.delete(key, { category: 'ml' })).toBe(false)
      expect(await open.cache.deleteMany([key], { category: 'ml' })).toBe(0)
      expect(await open.raw.exists(key)).toBe(1)
    }
  })

  it('of unlisted categories those that were used count; other older keys stay readable', async () => {
    await open.raw.set('item:17', '"older"')
    expect(await open.cache.get('item:17')).toBe('older')
    await open.cache.set('bar', 'private', { category: 'foo' })
    // Wherever its home is: on this instance too it must not be reached.
    await open.raw.set('foo:bar', '{"value":"private"}')
    expect(await open.cache.get('foo:bar')).toBeUndefined()
    expect((await open.cache.getMany(['foo:bar'])).size).toBe(0)
    expect(await open.cache.delete('foo:bar')).toBe(false)
    await open.cache.set('foo:bar', 1)
    expect(await open.raw.exists('foo:bar')).toBe(1)
    // A name that only begins like it is none.
    await open.raw.mset('fo:bar', '1', 'foo', '2', 'food:bar', '3')
    expect([...(await open.cache.getMany(['fo:bar', 'foo', 'food:bar'])).values()]).toEqual([1, 2, 3])
  })

  it('a write puts an end to the older key, so that its value is not read again', async () => {
    const writes: ((key: string) => Promise<unknown>)[] = [
      (key) => open.cache.set(key, 'new', { ttl: '50ms' }),
      (key) => open.cache.setMany([[key, 'new']], { ttl: '50ms' }),
      (key) => open.cache.getOrSet(key, () => 'new', { ttl: '50ms', fresh: true }),
      (key) => open.cache.increment(key, { ttl: '50ms' }),
    ]
    for (const [index, write] of writes.entries()) {
      const key = `old:${index}`
      await open.raw.set(key, '"old"')
      expect(await open.cache.get(key)).toBe('old')
      await write(key)
      expect(await open.raw.exists(key)).toBe(0)
      await until('it has ended', async () => (await open.raw.exists(`cache:${key}`)) === 0)
      expect(await open.cache.get(key)).toBeUndefined()
    }
  })

  it('the older interface: seconds, null, and the same keys as the newer one', async () => {
    const service = createRedisService(open.cache)
    expect(await service.getCache('menu:a')).toBeNull()
    await service.setCache('menu:a', { soup: 1 }, { ttl: 90 })
    expect(await open.cache.category('menu').get('menu:a')).toEqual({ soup: 1 })
    const entry = await open.cache.getEntry('menu:a', { category: 'menu' })
    const left = (entry?.expiresAt ?? 0) - Date.now()
    expect(left).toBeGreaterThan(85_000)
    expect(left).toBeLessThanOrEqual(90_000)
    await service.setCache('k', 1, { category: 'cache', ttl: 0.5 })
    expect(await open.raw.pttl('cache:k')).toBeLessThanOrEqual(500)
    expect(await service.getCache('k', { category: 'cache' })).toBe(1)
    expect([await service.deleteCache('menu:a'), await service.deleteCache('menu:a')]).toEqual([true, false])
    await service.setCache('n', null)
    expect([await service.getCache('n'), await open.cache.has('n')]).toEqual([null, true])
    for (const ttl of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e12]) {
      await expect(service.setCache('k', 1, { ttl })).rejects.toMatchObject({ code: 'CACHE_INVALID_OPTION' })
    }
    await expect(service.setCache('k', undefined)).rejects.toMatchObject({ code: 'CACHE_INVALID_VALUE' })
    for (const options of [null, { categry: 'ml' }, { category: 5 }] as never[]) {
      const refusal = { code: 'CACHE_INVALID_OPTION' }
      await expect(service.setCache('k', 1, options)).rejects.toMatchObject(refusal)
      await expect(service.getCache('k', options)).rejects.toMatchObject(refusal)
      await expect(service.deleteCache('k', options)).rejects.toMatchObject(refusal)
    }
    await expect(service.getCache('')).rejects.toMatchObject({ code: 'CACHE_INVALID_KEY' })
    expect(open.said).toEqual([])
  })
})

describe('keys without text before them', () => {
  it('can be read and written, not listed nor cleared', async () => {
    const bare = await openCache(url, {
      env: {
        REDIS_PRIMARY_URL: `${url}/1`,
        REDIS_PRIMARY_TYPES: 'auth',
        REDIS_SECONDARY_URL: `${url}/0`,
        REDIS_SECONDARY_TYPES: 'theirs',
      },
      categories: { theirs: { key: '<key>' } },
    })
    const theirs = bare.cache.category('theirs')
    await theirs.set('raw', 1)
    expect(await bare.raw.exists('raw')).toBe(1)
    expect(await theirs.get('raw')).toBe(1)
    await expect(theirs.clear()).rejects.toMatchObject({ code: 'CACHE_NOT_ENUMERABLE', operation: 'clear' })
    await expect(theirs.keys()).rejects.toMatchObject({ code: 'CACHE_NOT_ENUMERABLE', operation: 'keys' })
    expect(await bare.raw.exists('raw')).toBe(1)
    // What is ours on that server can't be named by a caller.
    const ours = { code: 'CACHE_INVALID_KEY', applied: 'no' }
    await expect(theirs.get('~mr:state:g')).rejects.toMatchObject({ ...ours, operation: 'get' })
    await expect(theirs.set('~mr:state:g', 1)).rejects.toMatchObject({ ...ours, operation: 'set' })
    await expect(theirs.deleteMany(['a', '~mr:groups'])).rejects.toMatchObject({ ...ours, operation: 'deleteMany' })
  })
})
