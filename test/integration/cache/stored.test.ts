import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type OpenCache, openCache } from '../../contract/cache-over-redis.ts'
import { startTestRedis } from '../../support/redis-server.ts'

let url: string
let open: OpenCache

beforeAll(async () => {
  url = (await startTestRedis()).url
  open = await openCache(url, {
    categories: {
      plain: { ttl: '10m' },
      spread: { ttl: '10m', jitter: 0.5 },
      bare: { codec: 'json' },
      small: { maxBytes: 100 },
    },
  })
})

beforeEach(async () => {
  await open.raw.flushall()
})

describe('what lies in Redis', () => {
  it('an entry under <category>:<key>, as an envelope that Keyv reads, for its ttl', async () => {
    const before = Date.now()
    await open.cache.set('today', { id: 'a', price: 1 }, { category: 'plain' })
    const stored = JSON.parse((await open.raw.get('plain:today')) ?? '')
    expect(stored).toEqual({ value: { id: 'a', price: 1 }, expires: expect.any(Number) })
    expect(stored.expires).toBeGreaterThanOrEqual(before + 600_000)
    expect(stored.expires).toBeLessThanOrEqual(Date.now() + 600_000)
    const left = await open.raw.pttl('plain:today')
    expect(left).toBeGreaterThan(599_000)
    expect(left).toBeLessThanOrEqual(600_000)
  })
  it('works', async () => {
    await open.cache.set('x', new Map([['a', new Date(5)]]), { category: 'plain' })
    expect(await open.cache.get('x', { category: 'plain' })).toEqual(new Map([['a', new Date(5)]]))
    expect(z).toBeDefined()
  })
})
