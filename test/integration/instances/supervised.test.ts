import { Redis } from 'ioredis'
import { afterEach, describe, expect, it } from 'vitest'
import { type Instance, isOutage } from '../../../src/instances/instance.ts'
import { StoreError, type StoreHealth } from '../../../src/instances/store.ts'
import { startTestRedis, type TestRedis } from '../../support/redis-server.ts'
import { onServing, openRedisStore } from '../../support/redis-store.ts'
import { startTcpProxy } from '../../support/tcp-proxy.ts'
import { expectNothingUnhandled } from '../../support/unhandled.ts'
import { until } from '../../support/until.ts'

expectNothingUnhandled()

const put = (key: string, text = 'x') => [{ key, text, endsAt: Date.now() + 60_000 }]
const ends: (() => Promise<unknown> | undefined)[] = []
const changes: string[] = []

type Options = Parameters<typeof openRedisStore>[1]
const prepare = (url: string, options: Options = {}): Instance => {
  const onState = onServing(({ state }) => changes.push(state))
  const store = openRedisStore(url, { supervised: true, onState, ...options })
  ends.push(() => store.close())
  return store
}
const open = async (url: string, options: Options = {}): Promise<Instance> => {
  const store = prepare(url, options)
  await store.connect()
  return store
}
const admin = (redis: TestRedis): Redis => {
  const client = new Redis(redis.port)
  client.on('error', () => undefined) // servers are broken on purpose here
  ends.push(async () => client.disconnect())
  return client
}
afterEach(async () => {
  await Promise.all(ends.splice(0).map((end) => end()))
  changes.length = 0
})

const failure = (call: Promise<unknown>): Promise<StoreError> =>
  call.then(
    () => {
      throw new Error('it did not fail')
    },
    (error) => {
      expect(error).toBeInstanceOf(StoreError)
      return error
    },
  )
const sees = (store: Instance, state: StoreHealth['state']): Promise<unknown> =>
  until(state, () => store.health().state === state)

describe('an instance that returns', () => {
  it('takes calls, but does not count as readable until it is readmitted', async () => {
    const redis = await startTestRedis()
    const store = await open(redis.url)
    expect([store.readable(), store.writable(), store.catchingUp()]).toEqual([true, true, false])
    await redis.crash()
    await sees(store, 'down')
    expect([store.readable(), store.writable(), store.catchingUp()]).toEqual([false, false, false])
    await redis.restart()
    await sees(store, 'catching-up')
    expect([store.readable(), store.writable(), store.catchingUp()]).toEqual([false, true, true])
    expect(store.health()).toMatchObject({ readable: false, writable: true, reason: 'it gets what it missed' })
    await store.write(put('a'))
    expect(await store.read('a')).toBe('x')
    expect(await store.remove(['a'])).toEqual([true])
    expect(store.catchingUp()).toBe(true)
    store.readmit()
    expect([store.readable(), store.writable(), store.catchingUp()]).toEqual([true, true, false])
    expect(store.health().state).toBe('up')
    expect(changes).toEqual(['up', 'down', 'catching-up', 'up'])
  })

  it('was down from the start', async () => {
    const redis = await startTestRedis()
    await redis.crash()
    const store = await open(redis.url)
    expect(store.health().state).toBe('down')
    await redis.restart()
    await sees(store, 'catching-up')
  })

  it('tries again by itself after a relapse, as often as it takes', async () => {
    const redis = await startTestRedis()
    const store = await open(redis.url)
    store.relapse('nothing to relapse from')
    expect(store.health().state).toBe('up')
    await redis.crash()
    await sees(store, 'down')
    await redis.restart()
    for (let i = 0; i < 3; i++) {
      await sees(store, 'catching-up')
      store.relapse('the journal is away')
      expect(store.health()).toMatchObject({ state: 'down', reason: 'the journal is away', writable: false })
      expect(await failure(store.read('a'))).toMatchObject({ message: 'primary: the journal is away', applied: 'no' })
    }
    await sees(store, 'catching-up')
    store.readmit()
    expect(store.health().state).toBe('up')
  })

  it('may go again before it has caught up', async () => {
    const redis = await startTestRedis()
    const store = await open(redis.url)
    await redis.crash()
    await sees(store, 'down')
    await redis.restart()
    await sees(store, 'catching-up')
    redis.freeze()
    await sees(store, 'down')
    store.readmit()
    expect(store.health().state).toBe('down')
    redis.thaw()
    await sees(store, 'catching-up')
  })

  it('was another one within a moment: that counts as having been away, before anything is read from it', async () => {
    const [redis, other] = [await startTestRedis(), await startTestRedis()]
    await Promise.all([admin(redis).set('a', 'ours'), admin(other).set('a', 'theirs')])
    const proxy = await startTcpProxy(redis.port)
    ends.push(() => proxy.close())
    const store = await open(proxy.url)
    await until('it is known', () => store.health().server)
    expect(await store.read('a')).toBe('ours')
    const seen = new Set<string | undefined>()
    const reader = async (): Promise<void> => {
      while (changes.length === 1) {
        seen.add(await store.read('a').catch(() => 'failed'))
        await new Promise((resolve) => setTimeout(resolve, 1))
      }
    }
    const readers = Promise.all(Array.from({ length: 20 }, reader))
    proxy.retarget(other.port)
    proxy.resetAll()
    await sees(store, 'catching-up')
    await readers
    expect(seen).not.toContain('theirs')
    expect(changes).toEqual(['up', 'down', 'catching-up'])
  })

  it('a mere loss of the connection is nothing', async () => {
    const redis = await startTestRedis()
    const proxy = await startTcpProxy(redis.port)
    ends.push(() => proxy.close())
    const store = await open(proxy.url)
    await until('it is known', () => store.health().server)
    proxy.resetAll()
    await until('it is back', () => store.read('a').then(() => true))
    await store.write(put('a'))
    expect(changes).toEqual(['up'])
  })
})

describe('time', () => {
  it.each([
    [true, 200],
    [false, 300],
  ])('supervised %s: a call ends after %d of 300 ms, unless it brings its own', async (supervised, ms) => {
    const redis = await startTestRedis()
    const store = await open(redis.url, { supervised, deadlines: { read: 300, write: 300 } })
    expect([store.deadline('read'), store.deadline('write'), store.deadline('change')]).toEqual([300, 300, 300])
    redis.freeze()
    const calls = [store.read('a'), store.write(put('a')), store.readMany(['a', 'b'], { timeout: 120 })]
    expect((await Promise.all(calls.map(failure))).map(({ message }) => message)).toEqual([
      `primary: no answer in ${ms} ms`,
      `primary: no answer in ${ms} ms`,
      'primary: no answer in 120 ms',
    ])
  })
})

describe('more calls than it bears', () => {
  /** What became of them, without those that were answered. */
  const thousands = async (store: Instance): Promise<StoreError[]> => {
    const outcomes = await Promise.allSettled(Array.from({ length: 6_000 }, () => store.readMany(['a'])))
    return outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))
  }

  it('those whose turn did not come while others were answered are too many, which speaks against nobody else', async () => {
    const redis = await startTestRedis()
    const proxy = await startTcpProxy(redis.port)
    ends.push(() => proxy.close())
    // Time for four or five of the six thousands; the first answers may be late on a busy machine.
    const store = await open(proxy.url, { deadlines: { read: 800 } })
    proxy.mode('delay')
    const busy = (await thousands(store)).filter(({ kind }) => kind === 'busy')
    expect(busy.length).toBeGreaterThan(0)
    for (const error of busy) {
      expect(isOutage(error)).toBe(false)
      expect(error).toMatchObject({ applied: 'no', instanceFault: false })
    }
  })

  it('where nobody is answered it is the instance', async () => {
    const redis = await startTestRedis()
    const store = await open(redis.url)
    redis.freeze()
    const errors = await thousands(store)
    expect(errors).toHaveLength(6_000)
    expect(errors.every(isOutage)).toBe(true)
  })
})

describe('a drill', () => {
  it('makes it look gone, also to calls on their way, and then return; the server keeps everything', async () => {
    const redis = await startTestRedis()
    const cli = admin(redis)
    const store = await open(redis.url)
    await store.write(put('a'))
    await cli.call('CLIENT', 'PAUSE', '60000', 'ALL')
    const flying = [
      store.read('a', { timeout: 30_000 }),
      store.write(put('b'), { timeout: 30_000 }),
      store.write(put('c', 'x'.repeat(100_000)), { timeout: 30_000 }),
    ].map(failure)
    await new Promise((resolve) => setImmediate(resolve))
    store.drill(60_000)
    expect(await Promise.all(flying)).toMatchObject([
      { kind: 'unavailable', applied: 'no' },
      { kind: 'unavailable' },
      { kind: 'unavailable' },
    ])
    await redis.restart()
    const client = admin(redis)
    const asked = async (): Promise<boolean> => /cmdstat_ping:calls=\d\d/.test(await client.info('commandstats'))
    await until('it was asked all the same', asked)
    expect(store.health()).toMatchObject({
      state: 'down',
      reason: expect.stringMatching(/^drill: treated as gone until 20\d\d-/),
      readable: false,
      writable: false,
    })
    for (const call of [store.read('a'), store.write(put('a')), store.identity(), store.fence(() => true)]) {
      expect(await failure(call)).toMatchObject({ kind: 'unavailable', applied: 'no' })
    }
    store.drill(0)
    await sees(store, 'catching-up')
    store.readmit()
    expect(changes).toEqual(['up', 'down', 'catching-up', 'up'])
  })

  it('ends by itself', async () => {
    const redis = await startTestRedis()
    const store = await open(redis.url)
    await store.write(put('a'))
    store.drill(300)
    await sees(store, 'down')
    await sees(store, 'catching-up')
    store.readmit()
    expect(await store.read('a')).toBe('x')
  })

  it('of one that was never used', async () => {
    const redis = await startTestRedis()
    const store = prepare(redis.url)
    store.drill(100)
    expect(await failure(store.read('a'))).toMatchObject({ kind: 'unavailable' })
    await sees(store, 'catching-up')
  })

  it('ends with the store', async () => {
    const redis = await startTestRedis()
    const store = await open(redis.url)
    store.drill(60_000)
    await store.close()
    expect(await failure(store.read('a'))).toMatchObject({ kind: 'closed' })
  })
})
