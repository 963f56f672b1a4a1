import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { afterEach, describe, expect, it } from 'vitest'
import { createExpiry } from '../../../src/instances/expiry.ts'
import type { RedisStore } from '../../../src/instances/redis-store.ts'
import type { StoreError, StoreHealth } from '../../../src/instances/store.ts'
import { startTestRedis, type TestRedis } from '../../support/redis-server.ts'
import { onServing, openRedisStore } from '../../support/redis-store.ts'
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts'
import { expectNothingUnhandled } from '../../support/unhandled.ts'
import { until } from '../../support/until.ts'

expectNothingUnhandled()

const soon = (): number => Date.now() + 60_000
const put = (key: string, text = 'x') => [{ key, text, endsAt: soon() }]
const ends: (() => Promise<unknown> | undefined)[] = []
const changes: string[] = []

const shown = ({ state, writable, readable, slow }: StoreHealth): string =>
  [state, readable && !writable ? 'unwritable' : '', slow === true ? 'slow' : '']
    .filter((word) => word !== '')
    .join(' ')

type Options = Parameters<typeof openRedisStore>[1]
const open = async (url: string, options: Options = {}): Promise<RedisStore> => {
  const onState = onServing((health) => changes.push(shown(health)))
  // What is noticed when depends on deadlines: here they are the built-in ones.
  const store = openRedisStore(url, { onState, deadlines: {}, ...options })
  ends.push(() => store.close())
  await store.connect()
  return store
}
const admin = (redis: TestRedis): Redis => {
  const client = new Redis(redis.port)
  client.on('error', () => undefined) // servers are broken on purpose here
  ends.push(async () => client.disconnect())
  return client
}
const proxyTo = async (redis: TestRedis): Promise<TcpProxy> => {
  const proxy = await startTcpProxy(redis.port)
  ends.push(() => proxy.close())
  return proxy
}
afterEach(async () => {
  await Promise.all(ends.splice(0).map((end) => end()))
  changes.length = 0
})

const failure = (call: Promise<unknown>): Promise<StoreError | undefined> =>
  call.then(
    () => undefined,
    (error) => error,
  )
/** The number of the newest connection of that role. */
const clients = async (cli: Redis, role: string): Promise<number> => {
  const list = String(await cli.call('CLIENT', 'LIST')).split('\n')
  const ids = list.filter((line) => line.includes(`:${role} `)).map((line) => Number(/id=(\d+)/.exec(line)?.[1]))
  return Math.max(0, ...ids)
}
const pings = async (cli: Redis): Promise<number> =>
  Number(/cmdstat_ping:calls=(\d+)/.exec(await cli.info('commandstats'))?.[1] ?? 0)

/** The error of a call that is refused here: it ends in the turn of the event loop in which it began. */
const refusedAtOnce = async (call: Promise<unknown>): Promise<StoreError | undefined> => {
  let error: StoreError | undefined
  void failure(call).then((found) => {
    error = found
  })
  await setImmediate()
  return error
}
const sees = (store: RedisStore, what: string): Promise<unknown> =>
  until(what, () => shown(store.health()) === what, 15_000)

/** Reads and writes of 8 callers until it is stopped; what failed, by kind. */
const traffic = (store: RedisStore) => {
  let going = true
  const failed = { reads: [] as string[], writes: [] as string[] }
  const caller = async (i: number): Promise<void> => {
    while (going) {
      const [write, read] = await Promise.all([failure(store.write(put(`k${i}`))), failure(store.read(`k${i}`))])
      if (write !== undefined) failed.writes.push(write.kind)
      if (read !== undefined) failed.reads.push(read.kind)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
  const callers = Promise.all(Array.from({ length: 8 }, (_, i) => caller(i)))
  return {
    failed,
    stop: async () => {
      going = false
      await callers
    },
  }
}

describe('with nobody calling', () => {
  it('a frozen instance is noticed, and its return', async () => {
    const redis = await startTestRedis()
    const store = await open(redis.url)
    redis.freeze()
    await sees(store, 'down')
    expect(store.health()).toMatchObject({
      readable: false,
      writable: false,
      reason: expect.stringMatching(/does not answer/),
    })
    redis.thaw()
    await sees(store, 'up')
    expect(changes).toEqual(['up', 'down', 'up'])
  })

  it('each state on the way is told once', async () => {
    const redis = await startTestRedis()
    const states: string[] = []
    await open(redis.url, { onState: ({ state }) => states.push(state) })
    redis.freeze()
    await until('it is down', () => states.at(-1) === 'down')
    redis.thaw()
    await until('it is up', () => states.at(-1) === 'up')
    expect(states).toEqual(['up', 'suspect', 'down', 'probing', 'up'])
  })

  it('it is asked a second after the last answer, whoever got that', async () => {
    const redis = await startTestRedis()
    const cli = admin(redis)
    const every = 2_000
    const store = await open(redis.url, { probeEvery: every })
    await new Promise((resolve) => setTimeout(resolve, every / 10))
    await store.write(put('a'))
    const [answeredAt, before] = [performance.now(), await pings(cli)]
    await until('it is asked', async () => (await pings(cli)) > before)
    // Counted from when somebody looked it would be almost twice as long.
    expect(performance.now() - answeredAt).toBeLessThan(every * 1.5)
  })

  it('so is a wire that swallows the answers', async () => {
    const redis = await startTestRedis()
    const proxy = await proxyTo(redis)
    const store = await open(proxy.url)
    proxy.mode('drop')
    await sees(store, 'down')
    proxy.mode('pass')
    await sees(store, 'up')
    await store.write(put('a'))
    expect(await store.read('a')).toBe('x')
    expect(changes).toEqual(['up', 'down', 'up'])
  })

  it.each<[string, (cli: Redis) => Promise<unknown>, (cli: Redis) => Promise<unknown>, RegExp]>([
    ['a replica', (cli) => cli.replicaof('127.0.0.1', 1), (cli) => cli.replicaof('NO', 'ONE'), /read-only/],
    [
      'too few replicas',
      (cli) => cli.config('SET', 'min-replicas-to-write', '1'),
      (cli) => cli.config('SET', 'min-replicas-to-write', '0'),
      /fewer replicas/,
    ],
    [
      'no memory',
      (cli) => cli.config('SET', 'maxmemory', '100kb'),
      (cli) => cli.config('SET', 'maxmemory', '0'),
      /out of memory/,
    ],
    [
      'paused writes',
      (cli) => cli.call('CLIENT', 'PAUSE', '60000', 'WRITE'),
      (cli) => cli.call('CLIENT', 'UNPAUSE'),
      /takes no writes/,
    ],
  ])('refused writes are noticed (%s)', async (_, cause, heal, reason) => {
    const redis = await startTestRedis()
    const cli = admin(redis)
    const store = await open(redis.url, { probeEvery: 100 })
    await cause(cli)
    await sees(store, 'up unwritable')
    expect(store.health()).toMatchObject({ readable: true, reason: expect.stringMatching(reason) })
    expect(await store.read('a')).toBeUndefined()
    expect(await refusedAtOnce(store.write(put('a')))).toMatchObject({ applied: 'no' })
    await heal(cli)
    await sees(store, 'up')
    await store.write(put('a'))
    expect(changes).toEqual(['up', 'up unwritable', 'up'])
  })

  it('a disk that is gone is noticed, though PING itself is refused then', async () => {
    const redis = await startTestRedis({ args: ['--save', '3600 1'] })
    const cli = admin(redis)
    const store = await open(redis.url, { probeEvery: 100 })
    const dump = join(redis.dir, 'dump.rdb')
    await store.write(put('a'))
    mkdirSync(dump)
    await cli.bgsave()
    await sees(store, 'up unwritable')
    expect(store.health().reason).toMatch(/disk/)
    expect(await store.read('a')).toBe('x')
    rmSync(dump, { recursive: true })
    await cli.bgsave()
    await sees(store, 'up')
    expect(changes).toEqual(['up', 'up unwritable', 'up'])
  })

  it('asks for little: a dozen commands until the first write, after 5 s; and stores nothing', async () => {
    const redis = await startTestRedis()
    const cli = admin(redis)
    const store = await open(redis.url)
    let looks = 0
    const counts = async (): Promise<{ all: number; pings: number; writes: number }> => {
      const calls = [...(await cli.info('commandstats')).matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)].map(
        ([, name = '', count]): [string, number] => [name, Number(count)],
      )
      const of = (name: string): number => calls.find(([each]) => each === name)?.[1] ?? 0
      // Our own looks are no commands of the store.
      const all = calls.reduce((sum, [, count]) => sum + count, 0) - looks++
      return { all, pings: of('ping'), writes: of('set') }
    }
    await until("the prober's connection stands", async () => /:probe /.test(String(await cli.call('CLIENT', 'LIST'))))
    const before = await counts()
    const after = await until('a write probe', async () => {
      await new Promise((resolve) => setTimeout(resolve, 250))
      const seen = await counts()
      return seen.writes > before.writes && seen
    })
    expect(after.pings - before.pings).toBeGreaterThanOrEqual(3)
    expect(after.all - before.all).toBeLessThanOrEqual(12)
    expect(await cli.dbsize()).toBe(0)
    await store.close()
    const closed = await counts()
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    expect((await counts()).pings).toBe(closed.pings)
  })

  it('needs no PING while calls are answered', async () => {
    const redis = await startTestRedis()
    const cli = admin(redis)
    const store = await open(redis.url, { probeEvery: 200 })
    const before = await pings(cli)
    let gaps = 0 // in which nothing was answered for so long that asking is right
    let last = performance.now()
    for (const end = last + 1_500; performance.now() < end; ) {
      await store.write(put('a'))
      const now = performance.now()
      if (now - last > 100) gaps++
      last = now
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    expect((await pings(cli)) - before).toBeLessThanOrEqual(1 + gaps)
  })

  it('a user who may not touch the key of the probe, nor ask for PING, is served', async () => {
    const redis = await startTestRedis()
    const cli = admin(redis)
    await cli.acl('SETUSER', 'app', 'on', '>secret', '~cache:*', '+@all', '-ping', '-info')
    const store = await open(`redis://app:secret@127.0.0.1:${redis.port}`, { probeEvery: 50 })
    await store.write(put('cache:a'))
    // ACL LOG counts what is denied: PING by its name, the write probe by its key.
    const denied = async (what: RegExp): Promise<number> =>
      ((await cli.call('ACL', 'LOG')) as (string | number)[][])
        .filter((entry) => entry.some((field) => what.test(String(field))))
        .reduce((sum, entry) => sum + Number(entry[entry.indexOf('count') + 1]), 0)
    await until('it asked for PING', async () => (await denied(/^ping$/)) >= 5)
    await until('and for a write', async () => (await denied(/^~mr:probe:/)) >= 3)
    expect(changes).toEqual(['up'])
    expect(store.health()).toMatchObject({ state: 'up', writable: true })
  })
})

describe('with many calling', () => {
  it('a crash: down at once, up when it is back', async () => {
    const redis = await startTestRedis()
    const store = await open(redis.url)
    const { failed, stop } = traffic(store)
    await until('it goes on', () => store.read('k0'))
    await redis.crash()
    await sees(store, 'down')
    await redis.restart()
    await sees(store, 'up')
    await stop()
    expect(changes).toEqual(['up', 'down', 'up'])
    expect(failed.reads.every((kind) => kind === 'unavailable')).toBe(true)
  })

  it('a freeze: no call over its deadline, then none waits', async () => {
    const redis = await startTestRedis()
    const store = await open(redis.url)
    const { failed, stop } = traffic(store)
    await until('it goes on', () => store.read('k0'))
    redis.freeze()
    await sees(store, 'down')
    for (let i = 0; i < 50; i++) expect(await refusedAtOnce(store.read('a'))).toMatchObject({ kind: 'unavailable' })
    redis.thaw()
    await sees(store, 'up')
    await stop()
    expect(changes).toEqual(['up', 'down', 'up'])
    expect(new Set([...failed.reads, ...failed.writes])).toEqual(new Set(['timeout', 'unavailable']))
  })

  it('a freeze is noticed long before the calls give up', async () => {
    const redis = await startTestRedis()
    const store = await open(redis.url, { deadlines: { read: 3_000, write: 3_000 }, probeEvery: 60_000 })
    redis.freeze()
    let over = false
    const call = failure(store.write(put('a'))).finally(() => {
      over = true
    })
    await sees(store, 'down')
    expect(over).toBe(false)
    redis.thaw()
    await sees(store, 'up')
    await call
  })

  it('a pause of 100 ms: nothing', async () => {
    const redis = await startTestRedis()
    const cli = admin(redis)
    const store = await open(redis.url, { deadlines: { read: 1_000, write: 1_000 } })
    const { failed, stop } = traffic(store)
    for (let i = 0; i < 5; i++) {
      await cli.call('CLIENT', 'PAUSE', '100', 'ALL')
      await cli.ping() // answered when it is over
      await store.write(put('a'))
    }
    await stop()
    expect(failed).toEqual({ reads: [], writes: [] })
    expect(changes).toEqual(['up'])
  })

  it('a pause of writes: they are refused, reads go on', async () => {
    const redis = await startTestRedis()
    const cli = admin(redis)
    const store = await open(redis.url)
    const { failed, stop } = traffic(store)
    await until('it goes on', () => store.read('k0'))
    await cli.call('CLIENT', 'PAUSE', '60000', 'WRITE')
    await sees(store, 'up unwritable')
    await until('reads work', () => store.read('k0'))
    const reads = failed.reads.length
    // It is asked about writes many times meanwhile, and none of these questions may hold up a read.
    const asked = await clients(cli, 'probe')
    await until('it was asked again and again', async () => {
      expect(await store.read('k0')).toBe('x')
      return (await clients(cli, 'probe')) >= asked + 5
    })
    expect(failed.reads.length).toBe(reads)
    expect(await failure(store.write(put('a')))).toMatchObject({ kind: 'unavailable', applied: 'no' })
    await cli.call('CLIENT', 'UNPAUSE')
    await sees(store, 'up')
    await stop()
    expect(changes).toEqual(['up', 'up unwritable', 'up'])
  })

  it('a script that hangs: down until it is killed by whoever runs it', async () => {
    const redis = await startTestRedis({ args: ['--busy-reply-threshold', '50'] })
    const store = await open(redis.url)
    const second = admin(redis)
    await second.ping()
    const script = admin(redis)
      .eval('while true do end', 0)
      .catch(() => undefined)
    await sees(store, 'down')
    await until('it says so', () => store.health().reason === 'busy with a script')
    await second.script('KILL')
    await script
    await sees(store, 'up')
    expect(changes).toEqual(['up', 'down', 'up'])
  })

  it('errors of callers: nothing', async () => {
    const redis = await startTestRedis()
    const cli = admin(redis)
    await cli.acl('SETUSER', 'app', 'on', '>secret', '~a', '~*mr:*', '+@all')
    const store = await open(`redis://app:secret@127.0.0.1:${redis.port}`)
    for (let i = 0; i < 200; i++) expect(await failure(store.read(`b${i}`))).toMatchObject({ kind: 'refused' })
    expect(changes).toEqual(['up'])
  })
})

describe('a full instance', () => {
  it('takes writes again when there is room, not as soon as one goes in', async () => {
    const redis = await startTestRedis()
    const cli = admin(redis)
    const store = await open(redis.url, { probeEvery: 100 })
    const used = async (): Promise<number> => Number(/used_memory:(\d+)/.exec(await cli.info('memory'))?.[1])
    const limit = (await used()) + 4_000_000
    await cli.config('SET', 'maxmemory', String(limit))
    let filled = 0
    for (;;) if ((await failure(store.write(put(`f${filled++}`, 'y'.repeat(60_000))))) !== undefined) break
    expect(shown(store.health())).toBe('up unwritable')
    expect(await store.remove(['f0', 'f1', 'f2'])).toEqual([true, true, true])
    expect(await used()).toBeLessThan(limit)
    expect(await cli.set('probe', 'x')).toBe('OK')
    const memory = await until('the memory is known', () => store.health().memory)
    const checked = memory.used
    await until('it was asked again', () => store.health().memory?.used !== checked)
    expect(shown(store.health())).toBe('up unwritable')
    await store.clear('f')
    await sees(store, 'up')
    expect(changes).toEqual(['up', 'up unwritable', 'up'])
  })
})

describe('one that is slow', () => {
  // The proxy runs in this process: where that stands still for 40 ms, the server seems to be silent.
  it('is reported, and keeps serving', { retry: 2 }, async () => {
    const redis = await startTestRedis()
    const proxy = await proxyTo(redis)
    const store = await open(proxy.url, { probeEvery: 20 })
    await store.write(put('a'))
    const cli = admin(redis)
    await until('it has a baseline', async () => (await pings(cli)) > 30 && (store.health().latency ?? 99) < 20)
    proxy.mode('delay')
    await until('it is slow', () => store.health().slow)
    expect(store.health()).toMatchObject({
      readable: true,
      writable: true,
      reason: expect.stringMatching(/answers in \d+ ms, usually in/),
    })
    expect(store.health().latency).toBeGreaterThan(50)
    expect(await store.read('a', { timeout: 2_000 })).toBe('x')
    proxy.mode('pass')
    await sees(store, 'up')
    expect(changes).toEqual(['up', expect.stringMatching(/^(up|suspect) slow$/), 'up'])
  })
})

describe('a wire that was wrong from the start', () => {
  it('TLS to a plain port: a socket that fails twice does not end the process', async () => {
    const redis = await startTestRedis()
    const stores = Array.from({ length: 20 }, () => openRedisStore(`rediss://localhost:${redis.port}`))
    await Promise.all(stores.map((store) => store.connect()))
    for (const store of stores) expect(store.health().state).toBe('down')
    await Promise.all(stores.map((store) => store.close()))
  })
})

describe('one that comes and goes', () => {
  it('is left alone after a while: four falls a minute at most', async () => {
    const redis = await startTestRedis()
    const store = await open(redis.url)
    const { stop } = traffic(store)
    await until('it goes on', () => store.read('k0'))
    for (let i = 0; i < 16; i++) {
      redis.freeze()
      await new Promise((resolve) => setTimeout(resolve, 300))
      redis.thaw()
      await new Promise((resolve) => setTimeout(resolve, 300))
    }
    await stop()
    const falls = changes.filter((change) => change === 'down').length
    expect(falls).toBeGreaterThanOrEqual(1)
    expect(falls).toBeLessThanOrEqual(4)
  })
})

describe('this process stands still', () => {
  const standStill = (ms: number): void => {
    for (const end = performance.now() + ms; performance.now() < end; );
  }
  /** Right after sending, calls and questions alike. */
  const stall = async (store: RedisStore): Promise<unknown[]> => {
    const failed: unknown[] = []
    for (const ms of [150, 300, 500]) {
      const calls = Array.from({ length: 20 }, (_, i) => failure(i % 2 === 0 ? store.read('a') : store.write(put('a'))))
      await new Promise<void>((resolve) => process.nextTick(resolve))
      standStill(ms)
      failed.push(...(await Promise.all(calls)).filter((error) => error !== undefined))
      // The prober asks many times a second here: some of its questions are on their way when this begins.
      for (let i = 0; i < 5; i++) {
        await new Promise((resolve) => setTimeout(resolve, 12))
        standStill(ms / 2)
      }
    }
    return failed
  }

  it('no call fails, and the instance is not suspected', async () => {
    const redis = await startTestRedis()
    const store = await open(redis.url, { probeEvery: 10 })
    expect(await stall(store)).toEqual([])
    expect(changes).toEqual(['up'])
  })

  it('control: without the guard they do', async () => {
    const redis = await startTestRedis()
    const store = await open(redis.url, { probeEvery: 10, expiry: createExpiry({ guard: false }) })
    expect((await stall(store)).length).toBeGreaterThan(0)
  })
})
