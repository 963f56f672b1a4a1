import Keyv from 'keyv'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openCache } from '../../contract/open-cache.ts'
import { startTestRedis } from '../../support/redis-server.ts'
import { until } from '../../support/until.ts'

const MINUTE = 60_000
/** An hour of life, another of grace. */
const categories = {
  menu: { ttl: '1h', grace: '1h' },
  plain: { instance: 'secondary', ttl: '1h' },
  patient: { instance: 'secondary', ttl: '1h', grace: '1h', softTimeout: '80ms' },
  // Its default grace is 10 minutes.
  user: { ttl: '1h', codec: 'json' },
} as const

let url: string
let time = Date.now()
let passed = 0
let open: Awaited<ReturnType<typeof openCache>>
/** The clocks of the cache; those of Redis and of timers go on as they do. */
const later = (ms: number): void => {
  time += ms
  passed += ms
}
const start = () =>
  openCache(url, { categories }, { now: () => time, elapsed: () => passed + performance.now(), random: () => 0.5 })

beforeAll(async () => {
  url = (await startTestRedis()).url
})
beforeEach(async () => {
  time = Date.now()
  open = await start()
  await open.raw.flushall()
})

const rest = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const menu = () => open.cache.category('menu')

describe('an entry with grace', () => {
  it('ends for readers with its ttl, and for getOrSet and getEntry with its grace', async () => {
    await menu().set('a', 1)
    expect(JSON.parse((await open.raw.get('menu:a')) ?? '')).toEqual({
      value: 1,
      expires: time + 60 * MINUTE,
      meta: { g: time + 120 * MINUTE },
    })
    expect(await open.raw.pttl('menu:a')).toBeGreaterThan(119 * MINUTE)
    expect(await menu().getEntry('a')).toMatchObject({ value: 1, stale: false, createdAt: time })

    const end = time + 60 * MINUTE
    later(90 * MINUTE)
    expect([await menu().get('a'), await menu().has('a'), (await menu().getMany(['a'])).size]).toEqual([
      undefined,
      false,
      0,
    ])
    expect(await menu().getEntry('a')).toMatchObject({ value: 1, stale: true, expiresAt: end })
    expect(await menu().touch('a')).toBe(false)
    later(31 * MINUTE)
    expect(await menu().getEntry('a')).toBeUndefined()
    expect(await menu().getOrSet('a', () => 2)).toBe(2)
  })

  it('is a miss to a Keyv reader once it is stale', async () => {
    const { default: KeyvRedis } = await import('@keyv/redis')
    const store = new KeyvRedis(url, { keyPrefixSeparator: ':' })
    const keyv = new Keyv({ store, namespace: 'menu', useKeyPrefix: false })
    try {
      await menu().set('k', { soup: 1 }, { ttl: '1m', grace: '1h' })
      expect(await keyv.get('k')).toEqual({ soup: 1 })
      await menu().set('k', { soup: 1 }, { ttl: 40, grace: '1h' })
      await rest(60)
      expect(await open.raw.exists('menu:k')).toBe(1)
      expect(await keyv.get('k')).toBeUndefined()
    } finally {
      await keyv.disconnect()
    }
  })

  it('has the grace that its call asks for, or none', async () => {
    await menu().set('none', 1, { grace: false })
    await menu().set('short', 1, { ttl: '10m', grace: '5m' })
    await open.cache.set('own', 1, { category: 'plain', grace: '10m' })
    expect(await open.raw.get('menu:none')).toBe(`{"value":1,"expires":${time + 60 * MINUTE}}`)
    later(14 * MINUTE)
    expect(await menu().getEntry('short')).toMatchObject({ stale: true })
    later(2 * MINUTE)
    expect(await menu().getEntry('short')).toBeUndefined()
    later(45 * MINUTE)
    expect(await menu().getEntry('none')).toBeUndefined()
    expect(await open.cache.getEntry('own', { category: 'plain' })).toMatchObject({ stale: true })
    await expect(menu().set('a', 1, { grace: 0 })).rejects.toThrow('false turns it off')
  })

  it("codec 'json' has no place for it", async () => {
    const bare = open.cache.category('user')
    await bare.set('a', 1)
    expect(await open.raw.pttl('user:a')).toBeLessThanOrEqual(60 * MINUTE)
    await expect(bare.set('a', 1, { grace: '1h' })).rejects.toMatchObject({ code: 'CACHE_INVALID_OPTION' })
    await bare.set('a', 1, { grace: false })
    expect(await bare.expire('a')).toBe(true)
    expect(await bare.getEntry('a')).toBeUndefined()
  })

  it('expire makes it stale, no longer than it would have lived', async () => {
    await menu().set('a', { soup: 1 }, { ttl: '30m' })
    const born = time
    later(10 * MINUTE)
    expect(await menu().expire('a')).toBe(true)
    expect(await menu().get('a')).toBeUndefined()
    expect(await menu().getEntry('a')).toMatchObject({
      value: { soup: 1 },
      stale: true,
      createdAt: born,
      expiresAt: time,
    })
    expect(await menu().expire('a')).toBe(false)
    later(50 * MINUTE)
    expect(await menu().getEntry('a')).toMatchObject({ stale: true })
    later(11 * MINUTE)
    expect(await menu().getEntry('a')).toBeUndefined()
    // Without grace there is nothing to keep.
    await open.cache.set('a', 1, { category: 'plain' })
    expect(await open.cache.expire('a', { category: 'plain' })).toBe(true)
    expect(await open.raw.exists('plain:a')).toBe(0)
    expect(await menu().expire('absent')).toBe(false)
  })

  it('touch gives a new ttl and the grace it had', async () => {
    await menu().set('a', 1, { grace: '10m' })
    later(50 * MINUTE)
    expect(await menu().touch('a', { ttl: '20m' })).toBe(true)
    later(19 * MINUTE)
    expect(await menu().get('a')).toBe(1)
    later(10 * MINUTE)
    expect(await menu().getEntry('a')).toMatchObject({ stale: true })
    later(2 * MINUTE)
    expect(await menu().getEntry('a')).toBeUndefined()
  })
})

describe('getOrSet over a stale value', () => {
  const stale = async (category = 'menu', key = 'a'): Promise<void> => {
    await open.cache.set(key, 'old', { category })
    later(61 * MINUTE)
  }
  /** A factory that is told when to end, and how often it was asked. */
  const slow = () => {
    const state = { runs: 0, stale: undefined as boolean | undefined, finish: (_: unknown): void => undefined }
    const factory = (context: { stale: boolean }): Promise<string> => {
      state.runs++
      state.stale = context.stale
      return new Promise((resolve, reject) => {
        state.finish = (outcome) => (outcome instanceof Error ? reject(outcome) : resolve(String(outcome)))
      })
    }
    return { state, factory }
  }

  it('answers it at once to everybody, and one computes a new one', async () => {
    await stale()
    const { state, factory } = slow()
    const answers = await Promise.all(Array.from({ length: 50 }, () => menu().getOrSet('a', factory)))
    expect(new Set(answers)).toEqual(new Set(['old']))
    expect(state).toMatchObject({ runs: 1, stale: true })
    expect(await menu().getOrSet('a', factory)).toBe('old')
    state.finish('new')
    await until('it is renewed', async () => (await menu().get('a')) === 'new')
    expect(await menu().getOrSet('a', factory)).toBe('new')
    expect(state.runs).toBe(1)
  })

  it('is not for those who refuse it, or want a fresh one', async () => {
    await stale()
    expect(await menu().getOrSet('a', () => 'new', { grace: false })).toBe('new')
    await stale('menu', 'b')
    later(20 * MINUTE)
    expect(await menu().getOrSet('b', () => 'new', { grace: '20m' })).toBe('new')
    await stale('menu', 'c')
    expect(await menu().getOrSet('c', () => 'new', { fresh: true })).toBe('new')
  })

  it('softTimeout: the new one if it comes in time, else the stale one', async () => {
    const patient = open.cache.category('patient')
    await stale('patient')
    expect(await patient.getOrSet('a', () => 'new')).toBe('new')
    await stale('patient')
    const { state, factory } = slow()
    const both = [patient.getOrSet('a', factory), patient.getOrSet('a', factory)]
    await until('it computes', () => state.runs === 1)
    state.finish('newer')
    expect(await Promise.all(both)).toEqual(['newer', 'newer'])
    await stale('patient')
    const began = performance.now()
    expect(await Promise.all([patient.getOrSet('a', factory), patient.getOrSet('a', factory)])).toEqual(['old', 'old'])
    expect(performance.now() - began).toBeGreaterThanOrEqual(79)
    state.finish('newest')
    await until('it is renewed', async () => (await patient.get('a')) === 'newest')
  })

  it('a failing factory is not asked again for a while, longer each time, and is said once', async () => {
    await stale()
    let runs = 0
    const fails = () => {
      runs++
      throw new RangeError('secret')
    }
    const ask = async () => {
      expect(await menu().getOrSet('a', fails)).toBe('old')
      await open.cache.get('other')
    }
    await ask()
    await ask()
    expect(runs).toBe(1)
    later(1_100)
    // The failure is also noted in Redis, whose clock can't be turned.
    await until('it is asked again', async () => {
      await ask()
      return runs === 2
    })
    later(1_100)
    await ask()
    expect(runs).toBe(2)
    expect(open.said.filter((line) => line.includes('renewing a stale value failed'))).toEqual([
      expect.stringContaining('category menu: renewing a stale value failed (RangeError'),
    ])
    expect(open.said.join()).not.toContain('secret')
    // Who refuses the stale value hears the error itself, and may try.
    await expect(menu().getOrSet('a', fails, { grace: false })).rejects.toThrow('secret')
    expect(runs).toBe(3)
  })

  it('a factory that finds nothing any more puts an end to it', async () => {
    await stale()
    expect(await menu().getOrSet('a', () => undefined as unknown as string)).toBe('old')
    await until('it is gone', async () => (await menu().getEntry('a')) === undefined)
  })

  it('what is written or removed while it is renewed, wins', async () => {
    for (const [change, left] of [
      [() => menu().set('a', 'written'), 'written'],
      [() => menu().delete('a'), undefined],
    ] as const) {
      await stale()
      const { state, factory } = slow()
      expect(await menu().getOrSet('a', factory)).toBe('old')
      await change()
      state.finish('of before')
      await rest(30)
      expect(await menu().get('a')).toBe(left)
    }
  })

  it('expire while it is renewed: the stale value stays, what was being computed is of the time before', async () => {
    await stale()
    const { state, factory } = slow()
    expect(await menu().getOrSet('a', factory)).toBe('old')
    expect(await menu().expire('a')).toBe(false)
    state.finish('of before')
    await rest(30)
    expect(await menu().getEntry('a')).toMatchObject({ value: 'old', stale: true })
  })

  it('a holder that is gone is waited for the next time', async () => {
    await stale()
    const at = { category: 'menu', key: 'a' }
    const first = await open.engine.acquire(at, {})
    if (first.outcome !== 'lease') throw new Error('expected the lease')
    expect(first.stale?.patience).toBe(0)
    first.lease.release()
    const next = await until('the lease is free', async () => {
      const answer = await open.engine.acquire(at, {})
      return answer.outcome === 'lease' && answer
    })
    expect(next.stale?.patience).toBeGreaterThan(9_000)
    // Everybody else still gets the stale value at once.
    expect(await menu().getOrSet('a', () => 'no')).toBe('old')
    await next.lease.fill({ json: '"new"' }, {})
    later(61 * MINUTE)
    const after = await open.engine.acquire(at, {})
    expect(after).toMatchObject({ outcome: 'lease', stale: { patience: 0 } })
  })

  it('a holder that is gone is forgotten when somebody else stored a fresh value', async () => {
    await stale()
    const at = { category: 'menu', key: 'a' }
    const first = await open.engine.acquire(at, {})
    if (first.outcome !== 'lease') throw new Error('expected the lease')
    first.lease.release()
    const another = await start()
    await another.cache.set('a', 'other', { category: 'menu', ttl: '1m' })
    expect(await menu().getOrSet('a', () => 'no')).toBe('other')
    later(2 * MINUTE)
    // The note at the key, which other servers see, is not what this is about.
    const notes = await until('it is noted', async () => {
      const found = await open.raw.keys('*~mr:lease:*')
      return found.length > 0 && found
    })
    await open.raw.del(notes)
    const after = await open.engine.acquire(at, {})
    expect(after).toMatchObject({ outcome: 'lease', stale: { patience: 0 } })
  })
})
