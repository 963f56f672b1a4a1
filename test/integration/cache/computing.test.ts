import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Acquired, CacheEngine, Lease } from '../../../src/cache/engine.ts'
import { decodeValue } from '../../../src/codec/decode.ts'
import { openCache } from '../../contract/open-cache.ts'
import { startTestRedis } from '../../support/redis-server.ts'
import { until } from '../../support/until.ts'

let url: string
let open: Awaited<ReturnType<typeof openCache>>
let engine: CacheEngine

beforeAll(async () => {
  url = (await startTestRedis()).url
  open = await openCache(url)
  engine = open.engine
})
beforeEach(async () => {
  await open.raw.flushall()
})

const at = { category: 'cache', key: 'k' }
/** What lies in Redis besides what is ours alone. */
const entries = async (raw = open.raw): Promise<string[]> =>
  (await raw.keys('*')).filter((key) => !key.startsWith('~mr:')).sort()
const text = (value: string) => ({ json: JSON.stringify(value) })
const leaseOf = (acquired: Acquired): Lease => {
  if (acquired.outcome === 'lease') return acquired.lease
  throw new Error('expected the lease')
}
const heldBy = async (acquired: Acquired) => {
  if (acquired.outcome === 'lease') throw new Error('expected a value')
  return acquired.value && decodeValue(acquired.value)
}
/** A later caller is waiting once a read of its own, sent after its, has come back. */
const settled = async (): Promise<void> => {
  await engine.get({ category: 'cache', key: 'other' })
  await new Promise(setImmediate)
}

describe('one computation per key, whoever asks', () => {
  it('a fill reaches all who wait, and the next who ask', async () => {
    const lease = leaseOf(await engine.acquire(at, {}))
    const waiting = [engine.acquire(at, {}), engine.acquire(at, {})]
    await settled()
    expect(await lease.fill(text('made'), {})).toEqual(text('made'))
    expect(await Promise.all(waiting.map(async (one) => heldBy(await one)))).toEqual(['made', 'made'])
    expect(await heldBy(await engine.acquire(at, {}))).toBe('made')
  })

  it('a failure reaches all who wait as the same object; the next computes', async () => {
    const lease = leaseOf(await engine.acquire(at, {}))
    const waiting = engine.acquire(at, {})
    await settled()
    const own = new RangeError('own')
    lease.fail(own)
    await expect(waiting).rejects.toBe(own)
    leaseOf(await engine.acquire(at, {})).release()
  })

  it('a skipped value and "absent" reach all who wait; nothing is stored', async () => {
    for (const [end, expected] of [
      [(lease: Lease) => lease.skip(text('skipped')), 'skipped'],
      [(lease: Lease) => lease.fill(undefined, {}), undefined],
    ] as const) {
      const lease = leaseOf(await engine.acquire(at, {}))
      const waiting = engine.acquire(at, {})
      await settled()
      await end(lease)
      expect(await heldBy(await waiting)).toBe(expected)
      expect(await entries()).toEqual([])
    }
  })

  it('when the holder dies, one of the waiting takes over, and the dead one can do nothing more', async () => {
    const lease = leaseOf(await engine.acquire(at, {}))
    const waiting = [engine.acquire(at, {}), engine.acquire(at, {})]
    await settled()
    lease.release()
    const next = leaseOf(await Promise.race(waiting))
    expect(await lease.fill(text('from the dead'), {})).toEqual(text('from the dead'))
    lease.fail(new Error('from the dead'))
    expect(await entries()).toEqual([])
    await next.fill(text('made'), {})
    const answers = await Promise.all(waiting)
    expect(answers.filter(({ outcome }) => outcome === 'lease')).toHaveLength(1)
    expect(await Promise.all(answers.filter(({ outcome }) => outcome === 'hit').map(heldBy))).toEqual(['made'])
  })

  it('a fill that is refused is everybody’s refusal', async () => {
    const lease = leaseOf(await engine.acquire(at, {}))
    const waiting = engine.acquire(at, {})
    const refused = expect(waiting).rejects.toMatchObject({ code: 'CACHE_INVALID_OPTION' })
    await settled()
    await expect(lease.fill(text('x'), { ttl: 0 })).rejects.toMatchObject({ code: 'CACHE_INVALID_OPTION' })
    await refused
    expect(await entries()).toEqual([])
  })

  it('a caller that went away waits no longer', async () => {
    const lease = leaseOf(await engine.acquire(at, {}))
    const gone = new AbortController()
    const waiting = engine.acquire(at, {}, gone.signal)
    const refused = expect(waiting).rejects.toMatchObject({ code: 'CACHE_CLOSED' })
    await settled()
    gone.abort()
    await refused
    lease.release()
  })

  it('waits no longer than its own hardTimeout for somebody else', async () => {
    const lease = leaseOf(await engine.acquire(at, {}))
    const impatient = engine.acquire(at, { hardTimeout: 20 })
    await expect(impatient).rejects.toMatchObject({ code: 'CACHE_TIMEOUT', operation: 'getOrSet', category: 'cache' })
    lease.release()
  })

  it('a caller that wrote the key before it asked gets what it wrote, though others compute', async () => {
    const lease = leaseOf(await engine.acquire(at, {}))
    await engine.set(at, text('written'), {})
    expect(await heldBy(await engine.acquire(at, {}))).toBe('written')
    await lease.skip(text('computed'))
    expect(await open.cache.get('k', { category: 'cache' })).toBe('written')
  })

  it('fresh: waits for what runs already, then computes once more for all who asked freshly', async () => {
    const lease = leaseOf(await engine.acquire(at, {}))
    const fresh = [engine.acquire(at, { fresh: true }), engine.acquire(at, { fresh: true })]
    await lease.fill(text('first'), {})
    const next = leaseOf(await Promise.race(fresh))
    expect(await heldBy(await engine.acquire(at, {}))).toBe('first')
    await next.fill(text('second'), {})
    const answers = await Promise.all(fresh)
    expect(await Promise.all(answers.filter(({ outcome }) => outcome === 'hit').map(heldBy))).toEqual(['second'])
  })

  it('through the cache: 50 callers that read at different moments still share one computation', async () => {
    let runs = 0
    const call = async (wait: number) => {
      await new Promise((resolve) => setTimeout(resolve, wait))
      return open.cache.getOrSet('spread', async () => {
        runs++
        await new Promise((resolve) => setTimeout(resolve, 60))
        return 'made'
      })
    }
    const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => call(index % 10)))
    expect(new Set(answers)).toEqual(new Set(['made']))
    expect(runs).toBe(1)
  })

  it('through the cache: a waiter gets the very error of the factory that ran', async () => {
    const own = new RangeError('own')
    const factory = async () => {
      await new Promise((resolve) => setTimeout(resolve, 20))
      throw own
    }
    const answers = await Promise.allSettled([open.cache.getOrSet('k', factory), open.cache.getOrSet('k', factory)])
    for (const answer of answers) expect(answer.status === 'rejected' && answer.reason).toBe(own)
  })
})

describe('a write or a removal while the key is being computed', () => {
  const changes: [what: string, change: () => Promise<unknown>, stored: unknown][] = [
    ['delete', () => engine.delete(at), undefined],
    ['expire', () => engine.expire(at), undefined],
    ['deleteMany', () => engine.deleteMany({ category: 'cache', keys: ['k', 'j'] }), undefined],
    ['clear', () => engine.clear('cache'), undefined],
    ['set', () => engine.set(at, text('set'), {}), 'set'],
    ['setMany', () => engine.setMany('cache', [['k', text('set')]], {}), 'set'],
    ['increment', () => engine.increment(at, {}), 1],
  ]

  it.each(changes)(
    '%s: the computed value reaches those who asked before, and is not stored',
    async (_, change, stored) => {
      const lease = leaseOf(await engine.acquire(at, {}))
      const waiting = engine.acquire(at, {})
      await settled()
      await change()
      expect(await lease.fill(text('old'), {})).toEqual(text('old'))
      expect(await heldBy(await waiting)).toBe('old')
      expect(await open.cache.get('k', { category: 'cache' })).toBe(stored)
    },
  )

  it.each(changes.slice(0, 4))('%s: who asks afterwards computes anew', async (_, change) => {
    const lease = leaseOf(await engine.acquire(at, {}))
    await change()
    const later = engine.acquire(at, {})
    await settled()
    await lease.fill(text('old'), {})
    const next = leaseOf(await later)
    await next.fill(text('new'), {})
    expect(await open.cache.get('k', { category: 'cache' })).toBe('new')
  })

  it('of another key or category changes nothing', async () => {
    const lease = leaseOf(await engine.acquire(at, {}))
    await engine.delete({ category: 'cache', key: 'k2' })
    await engine.delete({ category: 'menu', key: 'k' })
    await engine.clear('menu')
    await lease.fill(text('made'), {})
    expect(await open.cache.get('k', { category: 'cache' })).toBe('made')
  })

  it('through the cache: what was deleted while it was loaded is loaded again', async () => {
    let source = 'old'
    let loads = 0
    const load = async () => {
      loads++
      const seen = source
      await new Promise((resolve) => setTimeout(resolve, 30))
      return seen
    }
    const first = open.cache.getOrSet('k', load)
    await until('it loads', () => loads === 1)
    source = 'new'
    await open.cache.delete('k')
    expect(await open.cache.getOrSet('k', load)).toBe('new')
    expect(await first).toBe('old')
    expect(await open.cache.get('k')).toBe('new')
  })
})

describe('time', () => {
  it('a clock that is set forward takes nothing from a computation', async () => {
    let ahead = 0
    const jumping = await openCache(url, {}, { now: () => Date.now() + ahead })
    const holder = leaseOf(await jumping.engine.acquire(at, {}))
    const waiting = jumping.engine.acquire(at, {})
    await settled()
    ahead = 3_600_000
    holder.release()
    const lease = leaseOf(await waiting)
    expect(lease.hardTimeout).toBeGreaterThan(5_000)
    lease.release()
  })
})

describe('a schema that does not answer', () => {
  it('ends the call at hardTimeout, and the key is free', async () => {
    let answers = false
    const schema = {
      '~standard': {
        version: 1 as const,
        vendor: 'test',
        validate: (value: unknown) => (answers ? { value } : new Promise<never>(() => undefined)),
      },
    }
    const { cache, raw } = await openCache(url, { categories: { menu: { schema, hardTimeout: 40 }, ml: { schema } } })
    const menu = cache.category('menu')
    const late = { code: 'CACHE_TIMEOUT', category: 'menu' }
    await raw.set('menu:stored', '{"value":1}')
    await raw.set('ml:stored', '{"value":1}')
    await expect(menu.get('stored')).rejects.toMatchObject({ ...late, operation: 'get' })
    await expect(menu.getMany(['stored', 'b'])).rejects.toMatchObject({ ...late, operation: 'getMany' })
    await expect(menu.set('k', 1)).rejects.toMatchObject({ ...late, operation: 'set', applied: 'no' })
    await expect(menu.setMany([['k', 1]])).rejects.toMatchObject({ ...late, operation: 'setMany', applied: 'no' })
    await expect(menu.increment('k')).rejects.toMatchObject({ ...late, operation: 'increment', applied: 'no' })
    // Both who compute and who wait; also where the call itself is more impatient than its category.
    const computing = [menu.getOrSet('k', () => 1), menu.getOrSet('k', () => 1), menu.getOrSet('stored', () => 1)]
    for (const one of await Promise.allSettled(computing)) expect(one).toMatchObject({ reason: late })
    const impatient = { category: 'ml', hardTimeout: 40 }
    for (const key of ['k', 'stored'])
      await expect(cache.getOrSet(key, () => 1, impatient)).rejects.toMatchObject({ code: 'CACHE_TIMEOUT' })
    expect(await entries(raw)).toEqual(['menu:stored', 'ml:stored'])
    answers = true
    expect(await menu.getOrSet('k', () => 'computed')).toBe('computed')
    expect(await menu.get('stored')).toBe(1)
  })
})

describe('loaders', () => {
  const loads: string[] = []
  let loading: Awaited<ReturnType<typeof openCache>>

  beforeAll(async () => {
    loading = await openCache(url, {
      categories: { menu: { ttl: '1m', grace: false }, failing: { instance: 'secondary', hardTimeout: 50 } },
      loaders: {
        menu: async (key, { category, stale, signal, cache }) => {
          loads.push(key)
          if (key === 'absent') return undefined
          if (key === 'nested') return { nested: await cache.get('a', { category: 'menu' }) }
          return { key, category, stale, aborted: signal.aborted }
        },
        failing: async (key) => {
          if (key === 'slow') return new Promise(() => undefined)
          throw new RangeError('no such menu: secret')
        },
      },
    })
  })
  beforeEach(() => {
    loads.length = 0
  })

  it('get reads through once, also for many at once', async () => {
    const menu = loading.cache.category('menu')
    const made = { key: 'a', category: 'menu', stale: false, aborted: false }
    const answers = await Promise.all(Array.from({ length: 20 }, () => menu.get('a')))
    expect(answers).toEqual(Array.from({ length: 20 }, () => made))
    expect(await menu.get('a')).toEqual(made)
    expect(loads).toEqual(['a'])
    const left = await loading.raw.pttl('menu:a')
    expect(left).toBeGreaterThan(50_000)
    expect(left).toBeLessThanOrEqual(60_000)
  })

  it('getMany loads what is missing; absent keys stay away', async () => {
    const menu = loading.cache.category('menu')
    await menu.set('b', 'stored')
    const found = await menu.getMany(['a', 'absent', 'b', 'c'])
    expect([...found.keys()]).toEqual(['a', 'b', 'c'])
    expect(found.get('b')).toBe('stored')
    expect(loads.sort()).toEqual(['a', 'absent', 'c'])
    expect(await menu.get('absent')).toBeUndefined()
  })

  it('has, getEntry and keys never load', async () => {
    const menu = loading.cache.category('menu')
    expect([await menu.has('a'), await menu.getEntry('a'), (await menu.keys()).keys]).toEqual([false, undefined, []])
    expect(loads).toEqual([])
  })

  it('a loader may use the cache; getOrSet runs its own factory', async () => {
    const menu = loading.cache.category('menu')
    expect(await menu.get('nested')).toMatchObject({ nested: { key: 'a' } })
    expect(await menu.getOrSet('own', () => 'mine')).toBe('mine')
    expect(loads).toEqual(['nested', 'a'])
  })

  it('a loader that fails: CACHE_LOAD_FAILED with its error as cause, its text not repeated', async () => {
    const failing = loading.cache.category('failing')
    const answer = failing.get('x')
    await expect(answer).rejects.toMatchObject({
      code: 'CACHE_LOAD_FAILED',
      operation: 'get',
      category: 'failing',
      cause: new RangeError('no such menu: secret'),
    })
    await expect(answer).rejects.toThrow("the loader of category 'failing' failed (RangeError)")
    await expect(failing.getMany(['x', 'y'])).rejects.toMatchObject({ code: 'CACHE_LOAD_FAILED', operation: 'getMany' })
    await expect(failing.get('slow')).rejects.toMatchObject({ code: 'CACHE_TIMEOUT', category: 'failing' })
    // Said on the server, once for the three failures, with the place and without the text.
    expect(loading.said.filter((line) => line.includes('its loader'))).toEqual([
      expect.stringMatching(/^category failing: its loader fails \(RangeError at .*computing\.test\.ts:\d+.*\)/),
    ])
    expect(loading.said.join()).not.toContain('secret')
  })

  it('get waits for a factory that computes the key, and its failure is a failed load', async () => {
    const own = new RangeError('own')
    const computing = loading.cache.category('menu').getOrSet('shared', async () => {
      await new Promise((resolve) => setTimeout(resolve, 30))
      throw own
    })
    const failed = expect(computing).rejects.toBe(own)
    const got = loading.cache.get('shared', { category: 'menu' })
    await expect(got).rejects.toMatchObject({ code: 'CACHE_LOAD_FAILED', cause: own })
    await failed
  })
})

it('under codec json, a later write wins too where it leaves what lay there before', async () => {
  const options = { categories: { bare: { instance: 'secondary', codec: 'json' } } } as const
  const [here, there] = (await Promise.all([openCache(url, options), openCache(url, options)])).map(({ cache }) =>
    cache.category('bare'),
  )
  await here?.set('k', 1)
  const computed = await here?.getOrSet(
    'k',
    async () => {
      await there?.set('k', 3)
      await there?.set('k', 1)
      return 2
    },
    { fresh: true },
  )
  expect([computed, await here?.get('k'), await there?.get('k')]).toEqual([2, 1, 1])
})
