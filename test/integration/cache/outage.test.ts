import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openCache } from '../../contract/open-cache.ts'
import { startTestRedis, type TestRedis } from '../../support/redis-server.ts'
import { until } from '../../support/until.ts'

const loads: string[] = []
let redis: TestRedis
let open: Awaited<ReturnType<typeof openCache>>

beforeEach(async () => {
  loads.length = 0
  redis = await startTestRedis()
  open = await openCache(redis.url, {
    categories: {
      ml: { deadline: { read: 100, write: 100 } },
      auth: {},
      menu: {},
    },
    loaders: {
      menu: async (key) => {
        loads.push(key)
        return key
      },
    },
  })
  await open.cache.set('secret-key', 'secret-value', { category: 'ml' })
  open.raw.disconnect()
})
afterEach(async () => {
  redis.thaw()
  await redis.stop()
})

/** Every operation, on the category `ml`. */
const calls = () => {
  const ml = open.cache.category('ml')
  return {
    get: () => ml.get('secret-key'),
    getMany: () => ml.getMany(['secret-key', 'b']),
    getEntry: () => ml.getEntry('secret-key'),
    has: () => ml.has('secret-key'),
    getOrSet: () => ml.getOrSet('secret-key', () => 'secret-value'),
    // In a category of its own: what the other calls overtake isn't stored.
    fresh: () => open.cache.getOrSet('secret-key', () => 'secret-value', { fresh: true }),
    set: () => ml.set('secret-key', 'secret-value'),
    setMany: () => ml.setMany([['secret-key', 'secret-value']]),
    delete: () => ml.delete('secret-key'),
    deleteMany: () => ml.deleteMany(['secret-key', 'b']),
    expire: () => ml.expire('secret-key'),
    touch: () => ml.touch('secret-key'),
    increment: () => ml.increment('secret-key'),
    clear: () => ml.clear(),
    keys: () => ml.keys(),
  }
}

interface Failure {
  readonly name: string
  readonly code: unknown
  readonly applied: unknown
  readonly operation: unknown
  readonly text: string
  readonly ms: number
}

const failures = async (): Promise<Failure[]> =>
  Promise.all(
    Object.entries(calls()).map(async ([name, call]): Promise<Failure> => {
      const began = performance.now()
      const error = await call().then(
        () => new Error('it answered'),
        (reason: unknown) => reason as Error,
      )
      const { code, applied, operation } = error as unknown as Record<string, unknown>
      const text = `${error.message} ${error.stack} ${JSON.stringify(error)}`
      return { name, code, applied, operation, text, ms: performance.now() - began }
    }),
  )

describe('an instance that is away', () => {
  it('every call ends with CACHE_UNAVAILABLE, says which instance and why, and no secret', async () => {
    await redis.crash()
    await until('the connection is known to be gone', () =>
      open.cache.get('a', { category: 'auth' }).then(
        () => false,
        (error) => error.code === 'CACHE_UNAVAILABLE',
      ),
    )
    for (const { name, code, operation, text } of await failures()) {
      expect([name, code]).toEqual([name, 'CACHE_UNAVAILABLE'])
      expect(operation).toBe(name === 'fresh' ? 'getOrSet' : name)
      expect(text).toContain('instance secondary')
      expect(text).not.toContain('secret')
    }
    await redis.restart()
    await until('it serves again', () => open.cache.set('a', 1, { category: 'ml' }).then(() => true))
    expect(await open.cache.get('a', { category: 'ml' })).toBe(1)
  })

  it('a frozen one: every call ends near its deadline with CACHE_TIMEOUT; writes may have happened', async () => {
    redis.freeze()
    // `expire` looks first whether there is anything to keep.
    const writes = ['fresh', 'set', 'setMany', 'delete', 'deleteMany', 'increment', 'clear']
    for (const { name, code, applied, text, ms } of await failures()) {
      expect([name, code]).toEqual([name, 'CACHE_TIMEOUT'])
      expect([name, applied]).toEqual([name, writes.includes(name) ? 'unknown' : 'no'])
      expect(text).not.toContain('secret-')
      expect(ms).toBeLessThan(2_000)
    }
  })

  it('a failed read leaves no computation behind; a failed fill is told, and the next caller computes', async () => {
    redis.freeze()
    const ml = open.cache.category('ml')
    await expect(ml.getOrSet('k', () => 1)).rejects.toMatchObject({ code: 'CACHE_TIMEOUT' })
    const filling = [ml.getOrSet('k', () => 1, { fresh: true }), ml.getOrSet('k', () => 2, { fresh: true })]
    for (const answer of await Promise.allSettled(filling)) {
      // The second one's write may already be refused, because the instance is known to be down by then.
      const code = expect.stringMatching(/^CACHE_(TIMEOUT|UNAVAILABLE)$/)
      expect(answer).toMatchObject({ status: 'rejected', reason: { code } })
    }
    redis.thaw()
    await until('it serves again', () => ml.has('k').then(() => true))
    expect(await ml.getOrSet('k', () => 'computed', { fresh: true })).toBe('computed')
  })

  it('a loader is not asked, and the failure is the instance’s', async () => {
    await redis.crash()
    await until('the connection is known to be gone', () =>
      open.cache.get('a', { category: 'menu' }).then(
        () => false,
        (error) => error.code === 'CACHE_UNAVAILABLE' && error.operation === 'get',
      ),
    )
    const menu = open.cache.category('menu')
    await expect(menu.get('b')).rejects.toMatchObject({ code: 'CACHE_UNAVAILABLE', operation: 'get' })
    await expect(menu.getMany(['b', 'c'])).rejects.toMatchObject({ code: 'CACHE_UNAVAILABLE', operation: 'getMany' })
    expect(loads).toEqual([])
    // It is asked where it should be.
    await redis.restart()
    await until('it serves again', () => menu.has('b').then(() => true))
    expect(await menu.get('b')).toBe('b')
    expect(loads).toEqual(['b'])
  })
})
