import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { CacheError } from '../../../types/index.ts'
import { type OpenCache, openCache } from '../../contract/open-cache.ts'
import { startTestRedis } from '../../support/redis-server.ts'

const HOUR = 3_600_000
let time = Date.now()
let open: OpenCache & { readonly raw: import('ioredis').Redis }
let loaded: string[] = []

beforeAll(async () => {
  const { url } = await startTestRedis()
  open = await openCache(
    url,
    {
      categories: {
        menu: { ttl: '1h', grace: '1h', negativeTtl: '10m', compressAbove: 200 },
        user: { ttl: '1h', grace: '1h', negativeTtl: '10m' },
        orders: { mirror: false },
      },
      loaders: {
        user: (key: string) => {
          loaded.push(key)
          if (key.startsWith('user:bad')) throw new Error('no luck')
          return key.startsWith('user:none') ? undefined : `loaded ${key}`
        },
      },
      inferCategory: { 'menu:': 'menu', 'user:': 'user', 'order:': 'orders' },
    },
    { now: () => time, random: () => 0.5 },
  )
})
beforeEach(async () => {
  time = Date.now()
  loaded = []
  await open.raw.flushall()
})

const keysOf = (error: CacheError): unknown => error.found && [...error.found.keys()]

describe('getMany over categories and instances', () => {
  it('answers fresh values only, in the order asked: not what is stale, known to be absent, damaged or missing', async () => {
    const { cache, raw } = open
    const long = 'soup '.repeat(200)
    await cache.set('menu:stale', 'old')
    time += HOUR + 1
    await cache.setMany([
      ['menu:long', long],
      ['order:a', { n: 1 }],
      ['menu:null', null],
    ])
    await cache.getOrSet('menu:absent', () => undefined)
    await raw.set('menu:menu:damaged', '{"meta":{"z":"AAAA"}}')
    expect(await raw.get('menu:menu:long')).toContain('"z":')
    expect(await raw.get('menu:menu:absent')).toContain('"n":1')

    const keys = ['order:a', 'menu:stale', 'menu:absent', 'menu:null', 'menu:damaged', 'menu:missing', 'menu:long']
    expect([...(await cache.getMany(keys))]).toEqual([
      ['order:a', { n: 1 }],
      ['menu:null', null],
      ['menu:long', long],
    ])
    expect(await cache.getOrSet('menu:absent', () => 'asked again')).toBeUndefined()
    expect((await cache.getEntry('menu:stale'))?.stale).toBe(true)
  })

  it('reads through where there is a loader, and remembers what it said is not there', async () => {
    const { cache } = open
    await cache.set('user:fresh', 'fresh')
    const keys = ['user:fresh', 'user:none', 'user:new', 'menu:missing']
    const found = [
      ['user:fresh', 'fresh'],
      ['user:new', 'loaded user:new'],
    ]
    expect([...(await cache.getMany(keys))]).toEqual(found)
    expect([...(await cache.getMany(keys))]).toEqual(found)
    expect(loaded.sort()).toEqual(['user:new', 'user:none'])
    time += HOUR / 4 // what is not there is looked for again
    await cache.getMany(keys)
    expect(loaded.filter((key) => key === 'user:none')).toHaveLength(2)
  })

  it('a loader that fails spoils nothing of what its neighbours made: it comes with the error', async () => {
    const { cache } = open
    await cache.set('menu:a', 1)
    const keys = ['user:bad', 'user:good', 'menu:a', 'user:good2']
    const error = await cache.getMany(keys).then(
      () => expect.unreachable(),
      (thrown: CacheError) => thrown,
    )
    expect(error).toMatchObject({ code: 'CACHE_LOAD_FAILED', category: 'user', operation: 'getMany' })
    expect(keysOf(error)).toEqual(['user:good', 'menu:a', 'user:good2'])
    expect(await cache.get('user:good')).toBe('loaded user:good')
    expect(loaded.filter((key) => key === 'user:good')).toHaveLength(1)
  })

  it('a loader that fails within the grace leaves the stale value to be answered, as for get; deleteMany takes that too', async () => {
    const { cache, raw } = open
    await cache.set('user:bad', 'old')
    await cache.getOrSet('menu:absent', () => undefined)
    time += HOUR + 1
    expect(await cache.getMany(['user:bad'])).toEqual(new Map([['user:bad', 'old']]))
    expect(await cache.get('user:bad')).toBe('old')
    await cache.deleteMany(['user:bad', 'menu:absent', 'menu:never'])
    expect(await raw.exists('user:user:bad', 'menu:menu:absent')).toBe(0)
  })
})
