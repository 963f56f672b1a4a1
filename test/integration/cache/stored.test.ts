import { createKeyv } from '@keyv/redis'
import type { Keyv } from 'keyv'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openCache } from '../../contract/open-cache.ts'
import { startTestRedis } from '../../support/redis-server.ts'

let url: string
let open: Awaited<ReturnType<typeof openCache>>
let clock = 0
let chance = 0

beforeAll(async () => {
  url = (await startTestRedis()).url
  open = await openCache(
    url,
    {
      namespace: 'app:',
      categories: {
        plain: { ttl: '10m', instance: 'secondary' },
        spread: { ttl: '10m', jitter: 0.5, instance: 'secondary' },
        bare: { codec: 'json', key: 'old/<key>', instance: 'secondary' },
        small: { maxBytes: 100, instance: 'secondary' },
      },
    },
    { random: () => chance, now: () => Date.now() + clock },
  )
})

beforeEach(async () => {
  await open.raw.flushall()
  open.said.length = 0
  chance = 0
  clock = 0
})

const life = (key: string) => open.raw.pttl(key)

describe('what lies in Redis', () => {
  it('an entry under <namespace><category>:<key>, as an envelope, for its ttl', async () => {
    const before = Date.now()
    await open.cache.set('today', { id: 'a', price: 1 }, { category: 'plain' })
    const stored = JSON.parse((await open.raw.get('app:plain:today')) ?? '')
    expect(stored).toEqual({ value: { id: 'a', price: 1 }, expires: expect.any(Number) })
    expect(stored.expires).toBeGreaterThanOrEqual(before + 600_000)
    expect(stored.expires).toBeLessThanOrEqual(Date.now() + 600_000)
    const left = await life('app:plain:today')
    expect(left).toBeGreaterThan(599_000)
    expect(left).toBeLessThanOrEqual(600_000)
    expect(await open.raw.dbsize()).toBe(1)
  })

  it('on the home of its category and nowhere else', async () => {
    await open.cache.set('a', 1, { category: 'orders' })
    await open.cache.set('a', 2, { category: 'menu' })
    expect(await open.raw.keys('*')).toEqual(['app:menu:a'])
    await open.raw.select(1)
    expect(await open.raw.keys('*')).toEqual(['app:orders:a'])
    await open.raw.select(0)
  })

  it.each([
    ['set', () => open.cache.set('k', 1, { category: 'plain', ttl: '2m' })],
    ['setMany', () => open.cache.setMany([['k', 1]], { category: 'plain', ttl: '2m' })],
    ['getOrSet', () => open.cache.getOrSet('k', () => 1, { category: 'plain', ttl: '2m' })],
    ['increment', () => open.cache.increment('k', { category: 'plain', ttl: '2m' })],
    [
      'touch',
      async () => {
        await open.cache.set('k', 1, { category: 'plain' })
        await open.cache.touch('k', { category: 'plain', ttl: '2m' })
      },
    ],
  ])('the ttl of one call: %s', async (_, write) => {
    await write()
    const left = await life('app:plain:k')
    expect(left).toBeGreaterThan(119_000)
    expect(left).toBeLessThanOrEqual(120_000)
  })

  it('jitter only ever shortens, and not the life of a counter', async () => {
    chance = 0.999999
    await open.cache.set('short', 1, { category: 'spread' })
    await open.cache.increment('count', { category: 'spread' })
    const born = (await open.cache.getEntry('short', { category: 'spread' }))?.createdAt ?? 0
    chance = 0
    await open.cache.set('long', 1, { category: 'spread' })
    expect(await life('app:spread:short')).toBeLessThanOrEqual(300_001)
    expect(await life('app:spread:short')).toBeGreaterThan(299_000)
    expect(await life('app:spread:long')).toBeGreaterThan(599_000)
    expect(await life('app:spread:count')).toBeGreaterThan(599_000)
    expect(Math.abs(born - Date.now())).toBeLessThan(1000)
  })

  it('one call with many values gives each its own jitter', async () => {
    const chances = [0, 0.5]
    const spread = await openCache(
      url,
      { categories: { spread: { ttl: '10m', jitter: 0.5 } } },
      {
        random: () => chances.shift() ?? 0,
      },
    )
    await spread.cache.setMany(
      [
        ['a', 1],
        ['b', 1],
      ],
      { category: 'spread' },
    )
    const ends = await Promise.all(['a', 'b'].map((key) => spread.cache.getEntry(key, { category: 'spread' })))
    expect((ends[0]?.expiresAt ?? 0) - (ends[1]?.expiresAt ?? 0)).toBeGreaterThan(140_000)
  })

  it('nothing of a value over its limit, which is the category’s', async () => {
    await open.cache.set('k', 'x'.repeat(100), { category: 'small' })
    const write = open.cache.set('k', 'x'.repeat(101), { category: 'small' })
    await expect(write).rejects.toMatchObject({ code: 'CACHE_TOO_LARGE', category: 'small', applied: 'no' })
    await expect(write).rejects.toThrow('101 bytes')
    expect(await open.cache.get('k', { category: 'small' })).toBe('x'.repeat(100))
  })

  it('bare JSON under codec json, readable back, and nothing that JSON can’t carry', async () => {
    const bare = open.cache.category('bare')
    await bare.set('k', { a: ':colon', b: [1] })
    expect(await open.raw.get('old/k')).toBe('{"a":":colon","b":[1]}')
    expect(await bare.get('k')).toEqual({ a: ':colon', b: [1] })
    expect(await life('old/k')).toBeGreaterThan(3_599_000)
    await open.raw.set('old/theirs', '{"value":1,"expires":1}')
    expect(await bare.get('theirs')).toEqual({ value: 1, expires: 1 })
    expect((await bare.getEntry('theirs'))?.expiresAt).toBe(Number.POSITIVE_INFINITY)
    expect(await bare.touch('theirs', { ttl: '1m' })).toBe(true)
    expect(await open.raw.get('old/theirs')).toBe('{"value":1,"expires":1}')
    expect(await life('old/theirs')).toBeLessThanOrEqual(60_000)
    await expect(bare.set('k', { at: new Date() })).rejects.toMatchObject({ code: 'CACHE_INVALID_VALUE' })
    await expect(bare.getOrSet('new', () => new Map())).rejects.toMatchObject({ code: 'CACHE_INVALID_VALUE' })
    expect([...(await bare.keys()).keys].sort()).toEqual(['k', 'theirs'])
  })

  it('a counter as a bare number', async () => {
    await open.cache.increment('n', { category: 'plain', by: 41 })
    expect(await open.raw.get('app:plain:n')).toBe('41')
    await open.raw.incr('app:plain:n')
    expect(await open.cache.get('n', { category: 'plain' })).toBe(42)
  })
})

describe('what others stored', () => {
  const plain = () => open.cache.category('plain')

  it.each([
    ['a hash', () => open.raw.hset('app:plain:k', 'a', '1')],
    ['a list', () => open.raw.lpush('app:plain:k', '1')],
    ['a stream', () => open.raw.xadd('app:plain:k', '*', 'a', '1')],
  ])('%s at our key is a miss; a write replaces it; increment says so', async (_, store) => {
    await store()
    expect(await plain().get('k')).toBeUndefined()
    expect(await plain().has('k')).toBe(false)
    expect(await plain().getEntry('k')).toBeUndefined()
    expect((await plain().getMany(['k'])).size).toBe(0)
    expect(await plain().touch('k')).toBe(false)
    await expect(plain().increment('k')).rejects.toMatchObject({ code: 'CACHE_INVALID_VALUE', applied: 'no' })
    expect(await open.raw.exists('app:plain:k')).toBe(1)
    expect(await plain().getOrSet('k', () => 'computed')).toBe('computed')
    expect(await plain().get('k')).toBe('computed')
  })

  it.each([
    ['truncated JSON', '{"value":{"a":1'],
    ['bare JSON', '{"a":1}'],
    ['text', 'hello'],
    ['literal null', 'null'],
    ['gzip bytes', Buffer.from([0x1f, 0x8b, 8, 0, 0xff, 0xfe])],
    ['an own __proto__', '{"value":{"__proto__":{"x":1}}}'],
    [
      'metadata that climbs to a prototype',
      '{"value":{"a":"1"},"meta":{"s":{"values":{"__proto__.x":["Date"]},"v":1}}}',
    ],
    ['a number of a million digits', `{"value":"${'9'.repeat(1_000_000)}","meta":{"s":{"values":["bigint"],"v":1}}}`],
    ['a custom type', '{"value":"x","meta":{"s":{"values":[["custom","y"]],"v":1}}}'],
    ['a URL that is none', '{"value":"no url","meta":{"s":{"values":["URL"],"v":1}}}'],
    ['a RegExp that is none', '{"value":"/(/","meta":{"s":{"values":["regexp"],"v":1}}}'],
    ['a Date that is none', '{"value":"never","meta":{"s":{"values":["Date"],"v":1}}}'],
  ])('%s is a miss and left in place', async (_, text) => {
    await open.raw.set('app:plain:k', text)
    expect(await plain().get('k')).toBeUndefined()
    expect(await plain().has('k')).toBe(false)
    expect((await plain().getMany(['k'])).size).toBe(0)
    expect(await plain().getEntry('k')).toBeUndefined()
    expect(await open.raw.exists('app:plain:k')).toBe(1)
    expect(await plain().getOrSet('k', () => 'computed')).toBe('computed')
  })

  it('unreadable data is said once per category and hour, with its number', async () => {
    const fresh = await openCache(url, { namespace: 'app:' }, { now: () => Date.now() + clock })
    await fresh.raw.mset('app:menu:a', 'x', 'app:menu:b', 'y', 'app:ml:c', 'z')
    const menu = fresh.cache.category('menu')
    await Promise.all([menu.get('a'), menu.get('b'), menu.get('a'), fresh.cache.get('c', { category: 'ml' })])
    expect(fresh.said).toHaveLength(2)
    clock = 3_599_000
    await menu.get('a')
    expect(fresh.said).toHaveLength(2)
    clock = 3_601_000
    await menu.get('a')
    expect(fresh.said).toHaveLength(3)
    expect(fresh.said[2]).toMatch(/category menu: unreadable data .* 5 so far/)
    expect(fresh.said.join()).not.toMatch(/app:menu:[ab]/)
  })

  it('an entry whose end has passed is a miss, whatever Redis still holds', async () => {
    await open.raw.set('app:plain:k', JSON.stringify({ value: 1, expires: Date.now() - 1 }))
    expect(await plain().get('k')).toBeUndefined()
    expect(await plain().touch('k')).toBe(false)
    expect(open.said).toEqual([])
  })

  it('a ttl that was meant in seconds is said once per category', async () => {
    await plain().set('k', 1, { ttl: 60 })
    await plain().set('k', 1, { ttl: 60 })
    await plain().set('k', 1, { ttl: '60ms' })
    expect(open.said).toEqual([expect.stringMatching(/category plain: .*60 milliseconds.*'60s'/)])
  })
})

describe('Keyv beside us', () => {
  let keyv: Keyv

  beforeAll(() => {
    keyv = createKeyv(url, { namespace: 'app:plain', keyPrefixSeparator: ':' })
  })
  afterAll(() => keyv.disconnect())

  it('reads what we wrote, and we read what it wrote', async () => {
    const plain = open.cache.category('plain')
    const value = { a: ':colon', b: [1, null] }
    await plain.set('ours', value)
    expect(await keyv.get('ours')).toEqual(value)
    await keyv.set('theirs', value, 60_000)
    await keyv.set('forever', 'x')
    expect(await plain.get('theirs')).toEqual(value)
    expect(await plain.get('forever')).toBe('x')
    expect((await plain.getEntry('forever'))?.expiresAt).toBe(Number.POSITIVE_INFINITY)
    const entry = await plain.getEntry('theirs')
    expect((entry?.expiresAt ?? 0) - Date.now()).toBeGreaterThan(59_000)
    expect(entry?.createdAt).toBeLessThanOrEqual(Date.now())
    expect(await plain.touch('theirs', { ttl: '30m' })).toBe(true)
    expect(await keyv.get('theirs')).toEqual(value)
    expect(await plain.touch('forever', { ttl: '30m' })).toBe(true)
    expect(await life('app:plain:forever')).toBeLessThanOrEqual(1_800_000)
    expect(await keyv.get('forever')).toBe('x')
  })
})
