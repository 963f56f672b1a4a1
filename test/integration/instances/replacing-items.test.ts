import { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import type { Store } from '../../../src/instances/store.ts'
import { startTestRedis, type TestRedis } from '../../support/redis-server.ts'
import { openRedisStore } from '../../support/redis-store.ts'

/** An item that this process wrote before is replaced by a plain HSET; these are the cases in which it is gone by then. */
let redis: TestRedis
let store: Store
let raw: Redis
const HOUR = 3_600_000

beforeAll(async () => {
  redis = await startTestRedis()
  raw = new Redis(redis.url)
})
beforeEach(async () => {
  await raw.flushall()
  store = openRedisStore(redis.url, { deadlines: { read: 10_000, write: 10_000 } })
})
afterAll(async () => {
  raw.disconnect()
})

const scriptsRun = async (): Promise<number> =>
  Number(/cmdstat_evalsha:calls=(\d+)/.exec(await raw.info('commandstats'))?.[1] ?? 0)

it('replaces without a script', async () => {
  await store.groupSet('g', 'a', '1', HOUR, 9)
  await store.groupSet('g', 'a', '2', HOUR, 9)
  const before = await scriptsRun()
  for (let i = 0; i < 10; i++) await store.groupSet('g', 'a', `${i}`, HOUR, 9)
  expect(await scriptsRun()).toBe(before)
  expect(await store.groupGet('g', 'a')).toBe('9')
  await store.close()
})

it.each([HOUR, false] as const)(
  'a group that somebody else removed is a new one, with index and ttl (%s)',
  async (ttl) => {
    await store.groupSet('g', 'a', '1', ttl, 9)
    await raw.del('~mr:state:g')
    await raw.zrem('~mr:groups', 'g')
    await store.groupSet('g', 'a', '2', ttl, 9)
    expect(await store.groups()).toEqual(['g'])
    expect(await store.groupAll('g')).toEqual([['a', '2']])
    if (ttl === false) expect(await raw.pttl('~mr:state:g')).toBe(-1)
    else expect(await raw.pttl('~mr:state:g')).toBeGreaterThan(HOUR - 60_000)
    await store.close()
  },
)

it('the limit of items holds where the item was removed and the group filled up meanwhile', async () => {
  await store.groupSet('g', 'a', '1', HOUR, 2)
  await raw.hdel('~mr:state:g', 'a')
  await raw.hset('~mr:state:g', 'b', '1', 'c', '1')
  await expect(store.groupSet('g', 'a', '2', HOUR, 2)).rejects.toMatchObject({ kind: 'too-large', applied: 'no' })
  expect((await store.groupFields('g')).sort()).toEqual(['b', 'c'])
  await store.close()
})

it.each([HOUR, false] as const)(
  'a group left without index or ttl by a process that was killed is mended by the next new item (%s)',
  async (ttl) => {
    await raw.hset('~mr:state:g', 'a', '1')
    expect(await store.groups()).toEqual([])
    await store.groupSet('g', 'b', '1', ttl, 9)
    await store.groupSet('g', 'c', '1', ttl, 9)
    expect(await store.groups()).toEqual(['g'])
    if (ttl !== false) expect(await raw.pttl('~mr:state:g')).toBeGreaterThan(HOUR - 60_000)
    await store.close()
  },
)
