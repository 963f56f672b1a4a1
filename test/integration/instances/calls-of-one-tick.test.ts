import { Redis } from 'ioredis'
import { afterEach, describe, expect, it } from 'vitest'
import type { RedisStore, RedisStoreOptions } from '../../../src/instances/redis-store.ts'
import { startTestRedis, type TestRedis } from '../../support/redis-server.ts'
import { openRedisStore } from '../../support/redis-store.ts'
import { expectNothingUnhandled } from '../../support/unhandled.ts'

/** Reads of items and short writes that are asked for in one tick travel together; each has an outcome of its own. */
expectNothingUnhandled()

const ends: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

interface Scene {
  readonly redis: TestRedis
  readonly cli: Redis
  readonly store: RedisStore
}
const open = async (rights?: string[], options: Partial<RedisStoreOptions> = {}): Promise<Scene> => {
  const redis = await startTestRedis()
  const cli = new Redis(redis.port)
  ends.push(async () => cli.disconnect())
  if (rights !== undefined) await cli.acl('SETUSER', 'app', 'on', '>pass', ...rights)
  const login = rights === undefined ? '' : 'app:pass@'
  const store = openRedisStore(`redis://${login}127.0.0.1:${redis.port}`, options)
  ends.push(() => store.close())
  await store.read('warm')
  return { redis, cli, store }
}
/** How often each command was called since the last look, those within scripts too. */
const calledSince = async (cli: Redis): Promise<Record<string, number>> => {
  const stats = await cli.info('commandstats')
  await cli.config('RESETSTAT')
  return Object.fromEntries(
    [...stats.matchAll(/cmdstat_(\w+):calls=(\d+)/g)].map(([, name, calls]) => [String(name), Number(calls)]),
  )
}
const soon = (): number => Date.now() + 60_000
const write = (store: RedisStore, key: string, text: string, timeout?: number): Promise<void> =>
  store.write([{ key, text, endsAt: soon() }], timeout === undefined ? {} : { timeout })
const group = (name: string): string => `~mr:state:${name}`
const fulfilled = (value: unknown) => ({ status: 'fulfilled', value })
const patient = { deadlines: { read: 10_000, write: 10_000 } }

describe('reads of items in one tick', () => {
  const seeded = async (rights?: string[], options?: Partial<RedisStoreOptions>): Promise<Scene> => {
    const scene = await open(rights, options)
    for (const name of ['g', 'h', 'i']) await scene.cli.hset(group(name), 'a', `${name}a`, 'b', `${name}b`)
    await calledSince(scene.cli)
    return scene
  }
  const several = (store: RedisStore, asks: readonly string[]): Promise<PromiseSettledResult<string | undefined>[]> =>
    Promise.allSettled(asks.map((ask) => store.groupGet(ask.slice(0, -1), ask.slice(-1))))

  it('one alone is a plain HGET, of one group they are one HMGET, of several one script', async () => {
    const { store, cli } = await seeded(undefined, patient)
    expect(await store.groupGet('g', 'a')).toBe('ga')
    expect(await calledSince(cli)).toMatchObject({ hget: 1 })
    expect(await several(store, ['ga', 'gx', 'gb', 'ga'])).toEqual(['ga', undefined, 'gb', 'ga'].map(fulfilled))
    expect(await calledSince(cli)).toMatchObject({ hmget: 1 })
    await several(store, ['ga', 'hb'])
    await calledSince(cli)
    expect(await several(store, ['ga', 'hb', 'xx', 'ia'])).toEqual(['ga', 'hb', undefined, 'ia'].map(fulfilled))
    expect(await calledSince(cli)).toMatchObject({ evalsha_ro: 1, hget: 4 })
  })

  it('more than one command takes are answered all the same', async () => {
    const { store } = await seeded(undefined, patient)
    const asks = Array.from({ length: 1_000 }, (_, i) => `${'ghi'[i % 3]}${'abx'[i % 7 === 0 ? 2 : i % 2]}`)
    expect(await several(store, asks)).toEqual(asks.map((ask) => fulfilled(ask.endsWith('x') ? undefined : ask)))
  })

  it('another type of data at one group reads as nothing there, and the others are answered', async () => {
    const { store, cli } = await seeded(undefined, patient)
    await cli.set(group('t'), 'text')
    for (let round = 0; round < 2; round++) {
      expect(await several(store, ['ga', 'ta', 'hb'])).toEqual(['ga', undefined, 'hb'].map(fulfilled))
      expect(await several(store, ['ta', 'tb'])).toEqual([undefined, undefined].map(fulfilled))
    }
    expect(store.health().state).toBe('up')
    // Where there is none they still travel together.
    await calledSince(cli)
    await several(store, ['ga', 'hb'])
    expect(await calledSince(cli)).toMatchObject({ evalsha_ro: 1 })
  })

  it('a server that lost the script is given it again', async () => {
    const { store, cli } = await seeded(undefined, patient)
    for (let round = 0; round < 2; round++) {
      expect(await several(store, ['ga', 'hb'])).toEqual(['ga', 'hb'].map(fulfilled))
      await cli.script('FLUSH')
    }
  })

  it('a forbidden group is refused, and the others are answered', async () => {
    const { store } = await seeded(['~~mr:state:g', '~~mr:state:h', '~warm', '+@all'], patient)
    for (let round = 0; round < 2; round++) {
      const [g, forbidden, h] = await several(store, ['ga', 'ia', 'hb'])
      expect([g, h]).toEqual(['ga', 'hb'].map(fulfilled))
      expect(forbidden).toMatchObject({ status: 'rejected', reason: { kind: 'refused', applied: 'no' } })
    }
    expect(store.health().state).toBe('up')
  })

  it('are sent one by one where scripts are forbidden', async () => {
    const { store, cli } = await seeded(['~*', '+@all', '-@scripting'], patient)
    for (let round = 0; round < 3; round++) {
      expect(await several(store, ['ga', 'hb'])).toEqual(['ga', 'hb'].map(fulfilled))
    }
    expect(await calledSince(cli)).toMatchObject({ hget: 6 })
  })

  it('all end by the deadline, and one that has more time of its own is answered', async () => {
    const { store, redis } = await seeded()
    redis.freeze()
    const late = store.groupGet('h', 'b', { timeout: 10_000 })
    const ended = await several(store, ['ga', 'hb', 'ia'])
    for (const each of ended) expect(each).toMatchObject({ status: 'rejected', reason: { kind: 'timeout' } })
    redis.thaw()
    expect(await late.catch((error) => error.kind)).toBe('hb')
  })

  it('a group that turns out to hold large items is read apart from then on', async () => {
    const { store, cli } = await seeded(undefined, patient)
    const large = 'x'.repeat(100_000)
    await cli.hset(group('g'), 'l', large)
    expect(await several(store, ['gl', 'ha'])).toEqual([large, 'ha'].map(fulfilled))
    await calledSince(cli)
    expect(await several(store, ['ga', 'gl', 'ha'])).toEqual(['ga', large, 'ha'].map(fulfilled))
    expect(await calledSince(cli)).toMatchObject({ hget: 3 })
  })
})

describe('short writes in one tick', () => {
  const several = (store: RedisStore, keys: readonly string[]): Promise<PromiseSettledResult<void>[]> =>
    Promise.allSettled(keys.map((key) => write(store, key, `text of ${key}`)))
  const keys = ['a', 'b', 'c']

  it('one alone is a plain SET, several are one script, and longer ones a SET each', async () => {
    const { store, cli } = await open(undefined, patient)
    await several(store, keys)
    await calledSince(cli)
    await write(store, 'a', '1')
    expect(await calledSince(cli)).toMatchObject({ set: 1 })
    expect(await several(store, keys)).toEqual(keys.map(() => fulfilled(undefined)))
    expect(await calledSince(cli)).toMatchObject({ eval: 1, set: 3 })
    expect(await cli.mget(keys)).toEqual(keys.map((key) => `text of ${key}`))
    expect(await cli.pttl('b')).toBeGreaterThan(50_000)
    await Promise.all(keys.map((key) => write(store, key, key.repeat(1_000))))
    expect(await calledSince(cli)).not.toHaveProperty('eval')
    expect(await cli.mget(keys)).toEqual(keys.map((key) => key.repeat(1_000)))
  })

  it('keep their order, among themselves and before what follows', async () => {
    const { store, cli } = await open(undefined, patient)
    await store.increment('n', 1, soon()) // a script of its own is sent twice the first time
    const calls = [
      write(store, 'a', '1'),
      write(store, 'a', '2', 5_000),
      write(store, 'a', '3'),
      write(store, 'b', '1'),
      store.remove(['b']),
      write(store, 'c', '1'),
      write(store, 'c', 'long'.repeat(1_000)),
      write(store, 'd', '1'),
      store.increment('d', 1, soon()),
      write(store, 'd', '5'),
    ]
    const [removed] = (await calls[4]) as boolean[]
    expect(removed).toBe(true)
    await Promise.all(calls)
    expect(await cli.mget('a', 'b', 'c', 'd')).toEqual(['3', null, 'long'.repeat(1_000), '5'])
  })

  it('are read by a read of the same tick', async () => {
    const { store } = await open(undefined, patient)
    const before = store.read('x')
    const written = [write(store, 'a', '1'), write(store, 'b', '2')]
    expect(await Promise.all([before, store.read('a'), store.read('b')])).toEqual([undefined, '1', '2'])
    await Promise.all(written)
  })

  it('a server that forgets its scripts takes them', async () => {
    const { store, cli } = await open(undefined, patient)
    for (let round = 0; round < 2; round++) {
      expect(await several(store, keys)).toEqual(keys.map(() => fulfilled(undefined)))
      await cli.script('FLUSH')
    }
    expect(await cli.get('c')).toBe('text of c')
  })

  it('a forbidden key is refused, and the others are written', async () => {
    const { store, cli } = await open(['~a', '~c', '~warm', '+@all'], patient)
    for (let round = 0; round < 2; round++) {
      const [a, forbidden, c] = await several(store, keys)
      expect([a, c]).toEqual([fulfilled(undefined), fulfilled(undefined)])
      expect(forbidden).toMatchObject({ status: 'rejected', reason: { kind: 'refused', applied: 'no' } })
      expect(await cli.mget(keys)).toEqual(['text of a', null, 'text of c'])
    }
    expect(store.health()).toMatchObject({ state: 'up', writable: true })
  })

  it('are sent one by one where scripts are forbidden', async () => {
    const { store, cli } = await open(['~*', '+@all', '-@scripting'], patient)
    for (let round = 0; round < 3; round++) {
      expect(await several(store, keys)).toEqual(keys.map(() => fulfilled(undefined)))
    }
    expect(await cli.mget(keys)).toEqual(keys.map((key) => `text of ${key}`))
  })

  it('out of memory: none is applied, each hears of it, and the instance takes no writes', async () => {
    const { store, cli } = await open(undefined, patient)
    await several(store, keys)
    await cli.flushall()
    await cli.config('SET', 'maxmemory', '1mb')
    for (const each of await several(store, keys)) {
      expect(each).toMatchObject({ status: 'rejected', reason: { kind: 'full', applied: 'no' } })
    }
    expect(store.writable()).toBe(false)
    await cli.config('SET', 'maxmemory', '0')
    expect(await cli.exists(keys)).toBe(0)
  })

  it('a read-only replica: none is applied, each hears of it', async () => {
    const { store, cli } = await open(undefined, patient)
    await cli.replicaof('127.0.0.1', '1')
    for (const each of await several(store, keys)) {
      expect(each).toMatchObject({ status: 'rejected', reason: { applied: 'no' } })
    }
  })

  it('the deadline of one ends that one; those with another go on', async () => {
    const { store, redis, cli } = await open()
    redis.freeze()
    const short = write(store, 'a', '1', 100)
    const late = [write(store, 'b', '2', 10_000), write(store, 'c', '3', 10_000)]
    await expect(short).rejects.toMatchObject({ kind: 'timeout', applied: 'unknown' })
    redis.thaw()
    await Promise.all(late)
    expect(await cli.mget('b', 'c')).toEqual(['2', '3'])
  })
})
