import { createKeyv } from '@keyv/redis'
import { createCache } from 'cache-manager'
import { Redis } from 'ioredis'
import type { Keyv } from 'keyv'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decodeValue } from '../../../src/codec/decode.ts'
import { packValue, readEnvelope, writeAbsent, writeEnvelope } from '../../../src/codec/envelope.ts'
import { startTestRedis } from '../../support/redis-server.ts'
import { encode, hit, MIB } from './support.ts'

/** What Keyv, cache-manager and we must agree on: everything they can store, in their own process and in ours. */
const shared: Record<string, unknown> = {
  text: 'plain',
  'empty text': '',
  number: 12.5,
  zero: 0,
  false: false,
  object: { id: 1, items: [{ sku: 'a', tags: ['x', null] }], empty: {} },
  list: [1, 'two', [3], {}],
  'colon text': ':x',
  'colon texts': { a: '::y', b: [':', ':base64:AA=='], ':key': 'v' },
  emoji: { '🍕': 'pizza 🍕' },
  'control characters': '\u0000\u001f\u2028',
  Buffer: Buffer.from([0, 127, 128, 255]),
  'Buffers inside': { files: [Buffer.from('a'), Buffer.alloc(0)], name: ':b' },
}

let redis: Redis
let keyv: Keyv

beforeAll(async () => {
  const { url } = await startTestRedis()
  redis = new Redis(url)
  // As the documentation of @nestjs/cache-manager makes its store.
  keyv = createKeyv(url)
})

afterAll(async () => {
  redis?.disconnect()
  await keyv?.disconnect()
})

const ttl = 60_000

const write = async (key: string, value: unknown, expires = Date.now() + ttl): Promise<void> => {
  await redis.set(key, writeEnvelope(await encode(value), { expires }))
}

const read = async (key: string): Promise<unknown> => {
  const text = await redis.get(key)
  if (text === null) throw new Error('nothing there')
  const result = readEnvelope(text, { codec: 'keyv', now: Date.now(), maxBytes: MIB })
  return result.outcome === 'hit' ? decodeValue(result.value) : result
}

describe('Keyv 5 on @keyv/redis', () => {
  it.each(Object.entries(shared))('reads our %s, and we read theirs', async (name, value) => {
    await write(`ours:${name}`, value)
    expect(await keyv.get(`ours:${name}`)).toStrictEqual(value)
    await keyv.set(`theirs:${name}`, value, ttl)
    expect(await read(`theirs:${name}`)).toStrictEqual(value)
  })

  it('writes the same bytes for the same plain value', async () => {
    for (const value of Object.values(shared)) {
      await keyv.set('same', value, ttl)
      const text = String(await redis.get('same'))
      expect(writeEnvelope(await encode(value), { expires: Number(hit(text).expires) })).toBe(text)
    }
  })

  it('reads what its library knows of our other fields: the value', async () => {
    const extra = {
      expires: Date.now() + ttl,
      tags: ['a'],
      createdAt: 1,
      hardExpiry: Date.now() + ttl,
      version: '0'.repeat(24),
    }
    await redis.set('fields', writeEnvelope(await encode({ a: 1 }), extra))
    expect(await keyv.get('fields')).toEqual({ a: 1 })
    await redis.set('rich', writeEnvelope(await encode({ at: new Date(0) }), extra))
    expect(await keyv.get('rich')).toEqual({ at: '1970-01-01T00:00:00.000Z' })
  })

  it('sees the end of our entries, and we see theirs', async () => {
    await write('over', 'x', Date.now() - 1)
    expect(await keyv.get('over')).toBeUndefined()
    // It deletes what it finds expired: no reader of ours may count on such an entry.
    expect(await redis.exists('over')).toBe(0)
    await keyv.set('theirs', 'x', ttl)
    const text = String(await redis.get('theirs'))
    const end = Number(hit(text).expires)
    expect(Math.abs(end - Date.now() - ttl)).toBeLessThan(20_000)
    const at = (now: number) => readEnvelope(text, { codec: 'keyv', now, maxBytes: MIB }).outcome
    expect([at(end - 1), at(end)]).toEqual(['hit', 'expired'])
  })

  it('stores without an end, and we read it', async () => {
    await keyv.set('for ever', { a: 1 })
    expect(await read('for ever')).toEqual({ a: 1 })
    expect(hit(String(await redis.get('for ever'))).expires).toBeUndefined()
  })

  it('sees a miss where we have a compressed value, or remember that there is none', async () => {
    const expires = Date.now() + ttl
    const packed = await packValue(await encode('x'.repeat(1_000)), 500)
    await redis.set('compressed', writeEnvelope(packed, { expires }))
    expect(await read('compressed')).toBe('x'.repeat(1_000))
    expect(await keyv.get('compressed')).toBeUndefined()
    await redis.set('absent', writeAbsent({ expires }))
    expect(await read('absent')).toMatchObject({ outcome: 'absent' })
    expect(await keyv.get('absent')).toBeUndefined()
    expect(await keyv.get(['compressed', 'absent'])).toEqual([undefined, undefined])
    // Looking leaves them where they are.
    expect(await redis.exists('compressed', 'absent')).toBe(2)
  })

  it('sees a miss where we have a counter', async () => {
    await redis.incrby('count', 5)
    expect(await read('count')).toBe(5)
    expect(await keyv.get('count')).toBeUndefined()
  })
})

describe('cache-manager 7', () => {
  it('reads our entries and we read its own, null and false too', async () => {
    const cache = createCache({ stores: [keyv] })
    for (const [name, value] of Object.entries({ ...shared, null: null })) {
      await write(`cm:${name}`, value)
      expect(await cache.get(`cm:${name}`), name).toStrictEqual(value)
      await cache.set(`cm2:${name}`, value, ttl)
      expect(await read(`cm2:${name}`), name).toStrictEqual(value)
    }
  })

  it('computes what we hold compressed or know to be absent', async () => {
    const cache = createCache({ stores: [keyv] })
    const expires = Date.now() + ttl
    const packed = await packValue(await encode('x'.repeat(1_000)), 500)
    await redis.set('cm:compressed', writeEnvelope(packed, { expires }))
    await redis.set('cm:absent', writeAbsent({ expires }))
    for (const key of ['cm:compressed', 'cm:absent']) {
      expect(await cache.get(key)).toBeUndefined()
      expect(await cache.wrap(key, async () => 'theirs')).toBe('theirs')
      expect(await read(key)).toBe('theirs')
    }
  })

  it('sees the end of our entries', async () => {
    const cache = createCache({ stores: [keyv] })
    await write('cm:over', 'x', Date.now() - 1)
    expect(await cache.get('cm:over')).toBeUndefined()
  })
})
