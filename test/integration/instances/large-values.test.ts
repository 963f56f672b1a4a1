import { once } from 'node:events'
import { type AddressInfo, createConnection, createServer } from 'node:net'
import { Redis } from 'ioredis'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { RedisStore } from '../../../src/instances/redis-store.ts'
import { StoreError } from '../../../src/instances/store.ts'
import { startTestRedis, type TestRedis } from '../../support/redis-server.ts'
import { openRedisStore } from '../../support/redis-store.ts'
import { expectNothingUnhandled } from '../../support/unhandled.ts'
import { until } from '../../support/until.ts'

expectNothingUnhandled()

const big = 'x'.repeat(200_000)
const many = Array.from({ length: 60 }, (_, i) => `many:${i}`)
let redis: TestRedis
let cli: Redis
let opened = 0
const ends: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  redis = await startTestRedis()
  cli = new Redis(redis.port)
  await cli.mset(Object.fromEntries(many.map((key) => [key, big])))
  await cli.hset('~mr:state:many', Object.fromEntries(many.map((key) => [key, big])))
  return () => cli.disconnect()
})
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

/** A store that knows nothing of what lies there, and whether it has its connection for large values. */
const openFresh = (url = redis.url) => {
  const processId = `fresh${++opened}`
  // What is asked for at once is the matter here, not the speed of this machine.
  const store: RedisStore = openRedisStore(url, { processId, deadlines: { read: 10_000, write: 10_000 } })
  ends.push(() => store.close())
  const usesLarge = async (): Promise<boolean> =>
    String(await cli.client('LIST')).includes(`name=motia-redis:${processId}:large `)
  return { store, usesLarge }
}

describe('reads of many large values', () => {
  it('ask for some at a time, those of unknown size too', async () => {
    let trips = 0
    const wire = createServer((client) => {
      const upstream = createConnection({ host: '127.0.0.1', port: redis.port })
      for (const socket of [client, upstream]) socket.on('error', () => undefined) // they end in any order
      client.on('close', () => upstream.destroy())
      client.on('data', (request) => {
        if (request.includes('many:')) trips++
        upstream.write(request)
      })
      upstream.pipe(client)
    })
    await once(wire.listen(0, '127.0.0.1'), 'listening')
    ends.push(async () => wire.close())
    const { store } = openFresh(`redis://127.0.0.1:${(wire.address() as AddressInfo).port}`)
    expect(await store.readMany(many)).toEqual(many.map(() => big))
    // 16, then 5 of 200 kB at a time.
    expect(trips).toBeGreaterThanOrEqual(10)
    trips = 0
    expect(await store.readMany(many)).toEqual(many.map(() => big))
    expect(trips).toBeGreaterThanOrEqual(10)
  })

  it('walk a group of them in small pages', async () => {
    const { store } = openFresh()
    await cli.config('RESETSTAT')
    expect(new Map(await store.groupAll('many'))).toEqual(new Map(many.map((key) => [key, big])))
    const calls = /cmdstat_hscan:calls=(\d+)/.exec(await cli.info('commandstats'))?.[1]
    expect(Number(calls)).toBeGreaterThanOrEqual(6)
    expect((await store.groupFields('many')).sort()).toEqual([...many].sort())
  })

  it('learn from an answer that came too late', async () => {
    await cli.set('late', big)
    const { store, usesLarge } = openFresh()
    await store.connect()
    // No read is ever answered in time, and yet a later one goes where large values go.
    await until('its size is known', async () => {
      redis.freeze()
      await expect(store.readMany(['late'], { timeout: 20 })).rejects.toBeInstanceOf(StoreError)
      redis.thaw()
      await until('it answers again', () => store.life('late').catch(() => undefined))
      return usesLarge()
    })
    expect(await store.readMany(['late'])).toEqual([big])
  })
})

describe('a group with a large item', () => {
  it.each<[string, (store: RedisStore, group: string) => Promise<unknown>, unknown]>([
    ['get', (store, group) => store.groupGet(group, 'item'), big],
    ['delete', (store, group) => store.groupDelete(group, 'item'), big],
    ['all', (store, group) => store.groupAll(group), [['item', big]]],
    ['set', (store, group) => store.groupSet(group, 'other', 'small', false, 9), undefined],
  ])('%s: elsewhere once it is known', async (name, call, answer) => {
    const group = `large-${name}`
    await cli.hset(`~mr:state:${group}`, 'item', big)
    const { store, usesLarge } = openFresh()
    expect(await store.groupGet(group, 'item')).toBe(big)
    await store.groupSet('other', 'item', 'small', false, 9)
    expect(await store.groupGet('other', 'item')).toBe('small')
    expect(await usesLarge()).toBe(false)
    expect(await call(store, group)).toEqual(answer)
    expect(await usesLarge()).toBe(true)
  })

  it('is like any other again when it holds none', async () => {
    const { store, usesLarge } = openFresh()
    await cli.hset('~mr:state:shrinking', 'item', big)
    expect(await store.groupGet('shrinking', 'item')).toBe(big)
    await store.groupClear('shrinking')
    await store.groupSet('shrinking', 'item', 'small', false, 9)
    expect(await store.groupGet('shrinking', 'item')).toBe('small')
    expect(await usesLarge()).toBe(false)
  })
})
