import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { inspect } from 'node:util'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { RedisStore } from '../../../src/instances/redis-store.ts'
import { type Store, StoreError, type StoreErrorKind } from '../../../src/instances/store.ts'
import { startTestRedis, type TestRedis } from '../../support/redis-server.ts'
import { onServing, openRedisStore } from '../../support/redis-store.ts'
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts'
import { expectNothingUnhandled } from '../../support/unhandled.ts'
import { until } from '../../support/until.ts'

expectNothingUnhandled()

const secretValue = 'secret-value'
const soon = (): number => Date.now() + 60_000
const stores: RedisStore[] = []
const proxies: TcpProxy[] = []
const changes: string[] = []

const open = (url: string, options: Parameters<typeof openRedisStore>[1] = {}): RedisStore => {
  const store = openRedisStore(url, { onState: onServing(({ state }) => changes.push(state)), ...options })
  stores.push(store)
  return store
}
const proxyTo = async (redis: TestRedis): Promise<TcpProxy> => {
  const proxy = await startTcpProxy(redis.port)
  proxies.push(proxy)
  return proxy
}
afterEach(async () => {
  changes.length = 0
  await Promise.all(stores.splice(0).map((store) => store.close()))
  await Promise.all(proxies.splice(0).map((proxy) => proxy.close()))
})

/** Every kind of call. None may hang. */
const calls: Record<string, (store: Store) => Promise<unknown>> = {
  read: (store) => store.read('secret-key'),
  readMany: (store) => store.readMany(['secret-key', 'b']),
  write: (store) => store.write([{ key: 'secret-key', text: secretValue, endsAt: soon() }]),
  writeLarge: (store) => store.write([{ key: 'large', text: secretValue.repeat(9_000), endsAt: soon() }]),
  remove: (store) => store.remove(['secret-key']),
  swap: (store) => store.swap('secret-key', secretValue, { text: 'x', endsAt: soon() }),
  life: (store) => store.life('secret-key'),
  increment: (store) => store.increment('n', 1, soon()),
  scan: (store) => store.scan('s', undefined, 10),
  clear: (store) => store.clear('s'),
  groupGet: (store) => store.groupGet('g', 'f'),
  groupSet: (store) => store.groupSet('g', 'f', secretValue, false, 10),
  groupDelete: (store) => store.groupDelete('g', 'f'),
  groupAll: (store) => store.groupAll('g'),
  groupFields: (store) => store.groupFields('g'),
  groupClear: (store) => store.groupClear('g'),
  groups: (store) => store.groups(),
}
const reads = ['read', 'readMany', 'life', 'scan', 'groupGet', 'groupAll', 'groupFields', 'groups']

const errorOf = async (call: Promise<unknown>): Promise<StoreError> => {
  const error = await call.then(
    () => new Error('it did not fail'),
    (reason) => reason,
  )
  expect(error).toBeInstanceOf(StoreError)
  if (!(error instanceof StoreError)) throw error
  // Nothing the caller or the configuration said may come back in an error.
  expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/secret|redis:\/\/|127\.0\.0\.1/)
  expect(error.message).toMatch(/^primary: /)
  return error
}

/** Makes every call at once and checks each failure. */
const expectAll = async (store: Store, kinds: StoreErrorKind[], applied?: 'no'): Promise<void> => {
  await Promise.all(
    Object.entries(calls).map(async ([name, call]) => {
      const error = await errorOf(call(store))
      expect(kinds, `${name}: ${error.message}`).toContain(error.kind)
      if (applied !== undefined || reads.includes(name)) expect(error.applied, name).toBe('no')
    }),
  )
}
/** Something that waits for nothing: it is over before the event loop turns, however slow this machine is. */
const atOnce = async (something: () => Promise<unknown>): Promise<void> => {
  let turned = false
  setImmediate(() => {
    turned = true
  })
  await something()
  expect(turned).toBe(false)
}
const recovers = (store: Store): Promise<unknown> =>
  until('the store works again', () => store.write([{ key: 'back', text: 'x', endsAt: soon() }]).then(() => true))

describe('an instance that is not there', () => {
  it('refuses: every call ends at once, nothing applied, one change of state', async () => {
    const redis = await startTestRedis()
    await redis.crash()
    const store = open(redis.url)
    await store.connect()
    expect(store.health()).toMatchObject({
      state: 'down',
      readable: false,
      writable: false,
      reason: 'connection refused at the address in REDIS_PRIMARY_URL',
    })
    await expectAll(store, ['unavailable'], 'no')
    expect(changes).toEqual(['down'])
    await redis.restart()
    await recovers(store)
    expect(changes).toEqual(['down', 'up'])
    await Promise.all(Object.values(calls).map((call) => call(store)))
  })

  it('has no such name: a configuration fault', async () => {
    const store = open('redis://user:secret@nx.invalid:6379')
    await expectAll(store, ['configuration'], 'no')
    expect(store.health()).toMatchObject({ state: 'down', reason: expect.stringMatching(/host name/) })
  })

  it('is waited for at the first call, if it is only far away', async () => {
    const redis = await startTestRedis()
    const proxy = await proxyTo(redis)
    proxy.mode('delay')
    const store = open(proxy.url)
    await calls.write?.(store)
    expect(await store.read('secret-key')).toBe(secretValue)
    expect(store.health().latency).toBeGreaterThan(40)
  })

  it('can be closed while it is being opened', async () => {
    const redis = await startTestRedis()
    redis.freeze()
    const store = open(redis.url)
    const call = errorOf(store.read('a'))
    await store.close()
    expect(await call).toMatchObject({ kind: 'closed', applied: 'no' })
    redis.thaw()
  })
})

describe('an instance that goes away', () => {
  it('crashes in mid-flight: calls end, and it comes back by itself', async () => {
    const redis = await startTestRedis()
    const store = open(redis.url)
    await store.connect()
    redis.freeze() // so that the calls are certainly in flight
    const inFlight = expectAll(store, ['unavailable', 'timeout'])
    await redis.crash()
    await inFlight
    await until('it is seen as down', () => store.health().state === 'down')
    await expectAll(store, ['unavailable'], 'no')
    await redis.restart()
    await recovers(store)
    expect(changes).toEqual(['up', 'down', 'up'])
  })

  it('freezes: calls end by their deadline, those after it fail at once', async () => {
    const redis = await startTestRedis()
    const store = open(redis.url)
    await Promise.all(Object.values(calls).map((call) => call(store)))
    redis.freeze()
    const startedAt = performance.now()
    await expectAll(store, ['timeout', 'unavailable'])
    expect(performance.now() - startedAt).toBeLessThan(2_500)
    await until('the prober has judged', () => store.health().state === 'down')
    await atOnce(() => expectAll(store, ['unavailable'], 'no'))
    redis.thaw()
    await recovers(store)
    expect(store.health().state).toBe('up')
    expect(changes).toEqual(['up', 'down', 'up'])
  })

  it('stays frozen: the silent connection is given up, and calls fail at once', async () => {
    const redis = await startTestRedis()
    const store = open(redis.url)
    await store.connect()
    redis.freeze()
    await errorOf(store.read('a'))
    await until('the connection is given up', () => store.health().state === 'down', 9_000)
    await atOnce(async () => {
      expect(await errorOf(store.read('a'))).toMatchObject({ kind: 'unavailable', applied: 'no' })
    })
    redis.thaw()
    await recovers(store)
  })

  it('never speaks: the connection is given up, and another one tried', async () => {
    const silent = createServer((socket) => socket.on('error', () => undefined))
    let connections = 0
    silent.on('connection', () => connections++)
    await once(silent.listen(0, '127.0.0.1'), 'listening')
    const store = open(`redis://127.0.0.1:${(silent.address() as AddressInfo).port}`)
    await store.connect()
    expect(store.health()).toMatchObject({ state: 'down' })
    await until('it tries again', () => connections > 1, 9_000)
    await store.close()
    silent.close()
  })

  it('honours a timeout of the caller', async () => {
    const redis = await startTestRedis()
    const store = open(redis.url)
    await store.connect()
    redis.freeze()
    const ended: string[] = []
    const note = () => ended.push('the one with a longer timeout')
    const other = store.read('b', { timeout: 10_000 }).then(note, note)
    const error = await errorOf(store.read('a', { timeout: 20 }))
    expect(error).toMatchObject({ kind: 'timeout', message: 'primary: no answer in 20 ms' })
    expect(ended).toEqual([])
    redis.thaw()
    await other
  })

  it('drops one connection: calls after it do not notice', async () => {
    const redis = await startTestRedis()
    const proxy = await proxyTo(redis)
    const store = open(proxy.url)
    await calls.write?.(store)
    for (let i = 0; i < 5; i++) {
      proxy.resetAll()
      await until('the old connections are gone', () => proxy.connections() < 2)
      await until('the store has noticed', () => proxy.connections() === 2)
      expect(await store.read('secret-key')).toBe(secretValue)
    }
    expect(changes).toEqual(['up'])
  })
})

describe('a bad wire', () => {
  it.each([
    ['garbage', ['unavailable']],
    ['reset', ['unavailable']],
    ['drop', ['timeout', 'unavailable']],
  ] as const)('%s: every call ends, and it recovers by itself', async (mode, kinds) => {
    const redis = await startTestRedis()
    const proxy = await proxyTo(redis)
    const store = open(proxy.url)
    await store.connect()
    await calls.writeLarge?.(store)
    proxy.mode(mode)
    await expectAll(store, [...kinds, 'timeout'])
    await expectAll(store, ['unavailable', 'timeout'])
    proxy.mode('pass')
    await recovers(store)
    expect(await store.read('back')).toBe('x')
  })

  it('drip: replies in pieces are put together, or the deadline ends the call', async () => {
    const redis = await startTestRedis()
    const proxy = await proxyTo(redis)
    const store = open(proxy.url)
    await store.write([{ key: 'a', text: 'x'.repeat(20), endsAt: soon() }])
    proxy.mode('drip')
    expect(await store.read('a', { timeout: 2_000 })).toBe('x'.repeat(20))
    expect(await errorOf(store.read('a', { timeout: 10 }))).toMatchObject({ kind: 'timeout' })
    proxy.mode('pass')
    await recovers(store)
  })

  it('garbage from the first byte', async () => {
    const redis = await startTestRedis()
    const proxy = await proxyTo(redis)
    proxy.mode('garbage')
    const store = open(proxy.url)
    await expectAll(store, ['unavailable'])
    proxy.mode('pass')
    await recovers(store)
  })
})

describe('this process is busy', () => {
  it('a stall right after sending is no timeout', async () => {
    const redis = await startTestRedis()
    const store = open(redis.url)
    await calls.write?.(store)
    const pending = Promise.all(Object.values(calls).map((call) => call(store)))
    // The reads of a tick are sent at its end.
    await new Promise<void>((resolve) => process.nextTick(resolve))
    const until = performance.now() + 500
    while (performance.now() < until);
    await pending
    expect(changes).toEqual(['up'])
  })
})

describe('many calls', () => {
  let redis: TestRedis
  beforeAll(async () => {
    redis = await startTestRedis()
  })

  it('uses three connections at most, named after the process and what they are for', async () => {
    const proxy = await proxyTo(redis)
    const store = open(proxy.url, { processId: 'p42' })
    await Promise.all(Array.from({ length: 200 }, () => calls.write?.(store)))
    expect(proxy.connections()).toBe(2)
    await Promise.all(Array.from({ length: 20 }, () => Promise.all([calls.writeLarge?.(store), calls.write?.(store)])))
    expect(proxy.connections()).toBe(3)
    const [, list] = await rawCommand(redis, ['CLIENT', 'LIST'])
    expect(list).toMatch(/name=motia-redis:p42:data /)
    expect(list).toMatch(/name=motia-redis:p42:large /)
    expect(list).toMatch(/name=motia-redis:p42:probe /)
  })

  it('takes 10,000 calls of one tick, and ends as many at once when it goes away', async () => {
    const own = await startTestRedis()
    const store = open(own.url, { deadlines: { read: 10_000, write: 10_000 } })
    const keys = Array.from({ length: 10_000 }, (_, i) => `many${i}`)
    await Promise.all(keys.map((key) => store.write([{ key, text: key, endsAt: soon() }])))
    expect(await Promise.all(keys.map((key) => store.read(key)))).toEqual(keys)
    const outcomes = keys.map((key) =>
      store.life(key).then(
        () => undefined,
        (error: unknown) => error,
      ),
    )
    await own.crash()
    for (const outcome of await Promise.all(outcomes)) {
      if (outcome !== undefined)
        expect(outcome).toMatchObject({ name: 'StoreError', kind: 'unavailable', applied: 'no' })
    }
  })

  it('reads a large value elsewhere once its size is known', async () => {
    const proxy = await proxyTo(redis)
    await rawCommand(redis, ['SET', 'foreign', 'x'.repeat(100_000)])
    const store = open(proxy.url)
    expect(await store.read('foreign')).toHaveLength(100_000)
    expect(proxy.connections()).toBe(2)
    expect(await store.read('foreign')).toHaveLength(100_000)
    expect(await store.readMany(['foreign', 'none'])).toEqual(['x'.repeat(100_000), undefined])
    expect(proxy.connections()).toBe(3)
  })
})

/** One command outside the store, as redis-cli would send it. */
const rawCommand = async (redis: TestRedis, args: string[]): Promise<[unknown, string]> => {
  const { Redis } = await import('ioredis')
  const client = new Redis(redis.port)
  try {
    const [command = '', ...rest] = args
    const reply = await client.call(command, rest)
    return [reply, String(reply)]
  } finally {
    client.disconnect()
  }
}
