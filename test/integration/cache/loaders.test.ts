import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { LoadContext } from '../../../types/index.ts'
import { openCache } from '../../contract/open-cache.ts'
import { startTestRedis } from '../../support/redis-server.ts'
import { until } from '../../support/until.ts'

const MINUTE = 60_000

/** What the loader of `menu` does next, and what it was asked. */
const source = {
  runs: 0,
  atOnce: 0,
  most: 0,
  stale: [] as boolean[],
  load: async (key: string): Promise<unknown> => key,
}
const load = async (key: string, { stale }: LoadContext): Promise<unknown> => {
  source.runs++
  source.stale.push(stale)
  source.atOnce++
  source.most = Math.max(source.most, source.atOnce)
  try {
    return await source.load(key)
  } finally {
    source.atOnce--
  }
}

let url: string
let time = Date.now()
let passed = 0
let random = 0.5
const later = (ms: number): void => {
  time += ms
  passed += ms
}
let open: Awaited<ReturnType<typeof openCache>>
const start = () =>
  openCache(
    url,
    {
      categories: {
        menu: { ttl: '1h', grace: '1h', negativeTtl: '1m' },
        plain: { instance: 'secondary', ttl: '1h' },
        short: { instance: 'secondary', ttl: '1h', grace: '1h', maxBytes: 10 },
        hung: { instance: 'secondary', ttl: '1h', grace: '1h', hardTimeout: 200 },
        tree: { instance: 'secondary', ttl: '1h' },
      },
      loaders: {
        menu: load,
        plain: load,
        hung: load,
        short: load,
        // A tree of loads that wait for each other, wider than what may run at once.
        tree: async (key, { cache }) => {
          if (key.length > 1) return 1
          const parts = Array.from({ length: 10 }, (_, n) => cache.get<number>(`${key}${n}`, { category: 'tree' }))
          return (await Promise.all(parts)).reduce((sum: number, part) => sum + (part ?? 0), 0)
        },
      },
    },
    { now: () => time, elapsed: () => passed + performance.now(), random: () => random },
  )

beforeAll(async () => {
  url = (await startTestRedis()).url
})
beforeEach(async () => {
  time = Date.now()
  random = 0.5
  open = await start()
  await open.raw.flushall()
  Object.assign(source, {
    runs: 0,
    atOnce: 0,
    most: 0,
    stale: [],
    load: async (key: string) => `${key} ${source.runs}`,
  })
})

const menu = () => open.cache.category('menu')
const rest = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

describe('a loader whose values have grace', () => {
  it('a stale value is answered at once, and renewed behind it, once', async () => {
    expect(await menu().get('a')).toBe('a 1')
    later(61 * MINUTE)
    const answers = await Promise.all(Array.from({ length: 30 }, () => menu().get('a')))
    expect(new Set(answers)).toEqual(new Set(['a 1']))
    expect((await menu().getMany(['a', 'b'])).get('b')).toBe('b 3')
    await until('it is renewed', async () => (await menu().get('a')) === 'a 2')
    expect(source.stale).toEqual([false, true, false])
  })

  it('while it fails the stale value is answered, its failures are said once, and that it works again', async () => {
    await menu().get('a')
    later(61 * MINUTE)
    source.load = async () => {
      throw new RangeError('secret')
    }
    expect(await menu().get('a')).toBe('a 1')
    await until('it failed', () => open.said.length > 0)
    expect([await menu().get('a'), source.runs]).toEqual(['a 1', 2])
    await expect(menu().get('b')).rejects.toMatchObject({ code: 'CACHE_LOAD_FAILED' })
    later(20_000)
    source.load = async () => 'new'
    expect(await menu().get('b')).toBe('new')
    expect(open.said).toEqual([
      expect.stringContaining('category menu: its loader fails (RangeError'),
      'category menu: its loader works again, after 2 failures',
    ])
    expect(open.said.join()).not.toContain('secret')
  })
})

describe('a loader whose values are refused', () => {
  it('fails, also behind a stale value, until one is stored', async () => {
    const short = open.cache.category('short')
    await short.set('a', 'old')
    later(61 * MINUTE)
    source.load = async () => 'far too long'
    expect(await short.get('a')).toBe('old')
    await until('it is said', () => open.said.length > 0)
    await expect(short.get('b')).rejects.toMatchObject({ code: 'CACHE_TOO_LARGE' })
    later(20_000)
    await expect(short.get('c')).rejects.toMatchObject({ code: 'CACHE_TOO_LARGE' })
    later(20_000)
    source.load = async () => 'new'
    expect(await short.get('b')).toBe('new')
    expect(open.said).toEqual([
      expect.stringContaining('category short: its loader fails (CACHE_TOO_LARGE: '),
      'category short: its loader works again, after 3 failures',
    ])
  })
})

describe('renewing before the end', () => {
  /** Computing takes a minute by the clock of the cache. */
  const slowly = async (): Promise<void> => {
    const { load: loadBefore } = source
    source.load = async (key) => {
      later(MINUTE)
      return loadBefore(key)
    }
    expect(await menu().get('a')).toBe('a 1')
  }

  it('happens the earlier the longer computing takes, and by chance', async () => {
    await slowly()
    later(57 * MINUTE)
    random = 0.5
    await menu().get('a')
    await rest(20)
    expect(source.runs).toBe(1)
    // Now 3 minutes are left; with e^-4 it is as if they were -1.
    random = Math.exp(-4)
    expect(await menu().get('a')).toBe('a 1')
    await until('it is renewed', async () => {
      random = 0.999
      return (await menu().get('a')) === 'a 2'
    })
    expect(source.runs).toBe(2)
  })

  it('happens once, however many read at that moment, and getMany sees to it too', async () => {
    await slowly()
    later(59 * MINUTE)
    random = 0
    const { load: loadBefore } = source
    source.load = async (key) => {
      await rest(30)
      return loadBefore(key)
    }
    const answers = await Promise.all(Array.from({ length: 50 }, () => menu().getMany(['a'])))
    expect(new Set(answers.map((found) => found.get('a')))).toEqual(new Set(['a 1']))
    random = 0.999
    await until('it is renewed', async () => (await menu().get('a')) === 'a 2')
    expect(source.runs).toBe(2)
  })

  it('does not happen before the loader has run here, nor without a loader', async () => {
    await slowly()
    const another = await start()
    later(59 * MINUTE)
    random = 0
    expect(await another.cache.get('a', { category: 'menu' })).toBe('a 1')
    await rest(20)
    expect(source.runs).toBe(1)
  })

  it('if it fails, the value lives on to its end', async () => {
    await slowly()
    later(59 * MINUTE)
    source.load = async () => {
      throw new Error('away')
    }
    random = 0
    expect(await menu().get('a')).toBe('a 1')
    await until('it failed', () => open.said.length > 0)
    expect(await menu().get('a')).toBe('a 1')
    expect(source.runs).toBe(2)
  })

  it('two servers never renew the same value at once', async () => {
    await slowly()
    const another = await start()
    await another.cache.get('warm', { category: 'menu' })
    later(57 * MINUTE)
    const { load: loadBefore } = source
    source.load = async (key) => {
      await rest(60)
      return loadBefore(key)
    }
    const runs = source.runs
    random = 0
    for (const { cache } of [open, another, open, another]) await cache.get('a', { category: 'menu' })
    random = 0.999
    await until('it is renewed', async () => (await menu().get('a')) !== 'a 1')
    expect(source.runs).toBe(runs + 1)
  })
})

describe('what is not there', () => {
  it('is remembered for negativeTtl: the loader is not asked again', async () => {
    source.load = async () => undefined
    expect(await menu().get('no')).toBeUndefined()
    expect(await menu().get('no')).toBeUndefined()
    expect((await menu().getMany(['no'])).size).toBe(0)
    expect([await menu().has('no'), await menu().getEntry('no'), await menu().touch('no')]).toEqual([
      false,
      undefined,
      false,
    ])
    expect(source.runs).toBe(1)
    let runs = 0
    const factory = () => {
      runs++
      return 'found'
    }
    expect(await menu().getOrSet<unknown>('no', factory)).toBeUndefined()
    expect(runs).toBe(0)
    const left = await open.raw.pttl('menu:no')
    expect(left).toBeGreaterThan(50_000)
    expect(left).toBeLessThanOrEqual(MINUTE)
    later(MINUTE + 1)
    expect(await menu().getOrSet('no', factory)).toBe('found')
  })

  it('is forgotten when something is written, deleted or counted there', async () => {
    const absent = async (key: string): Promise<void> => {
      await menu().getOrSet(key, () => undefined as unknown as string)
      expect(await open.raw.exists(`menu:${key}`)).toBe(1)
    }
    await absent('a')
    await menu().set('a', 1)
    expect(await menu().get('a')).toBe(1)
    await absent('b')
    await menu().delete('b')
    expect(await menu().get('b')).toBe('b 1')
    await absent('c')
    expect(await menu().increment('c')).toBe(1)
    await absent('d')
    await menu().expire('d')
    expect(await menu().get('d')).toBe('d 2')
  })

  it('takes the place of a value that was there', async () => {
    expect(await menu().get('a')).toBe('a 1')
    later(61 * MINUTE)
    source.load = async () => undefined
    expect(await menu().get('a')).toBe('a 1')
    await until('it is remembered', async () => (await menu().get('a')) === undefined)
    await menu().get('a')
    expect(source.runs).toBe(2)
  })

  it('is asked for each time without negativeTtl', async () => {
    source.load = async () => undefined
    await open.cache.get('no', { category: 'plain' })
    await open.cache.get('no', { category: 'plain' })
    expect(source.runs).toBe(2)
    expect(await open.raw.exists('plain:no')).toBe(0)
  })
})

describe('many at once', () => {
  it('run in turn, fifty at a time', async () => {
    source.load = async (key) => {
      await rest(5)
      return key
    }
    const keys = Array.from({ length: 300 }, (_, n) => `k${n}`)
    const answers = await Promise.all(keys.map((key) => menu().get(key)))
    expect(answers).toEqual(keys)
    expect(source.most).toBe(50)
  })

  it('loads that wait for each other all end', async () => {
    const roots = Array.from({ length: 60 }, (_, n) => String.fromCharCode(192 + n))
    const sums = await Promise.all(roots.map((key) => open.cache.get(key, { category: 'tree' })))
    expect(new Set(sums)).toEqual(new Set([10]))
  })

  it('what is renewed behind a stale value waits for nobody: what finds no room is renewed later', async () => {
    const keys = Array.from({ length: 80 }, (_, n) => `k${n}`)
    await menu().getMany(keys)
    later(61 * MINUTE)
    source.runs = 0
    let open50 = (): void => undefined
    const gate = new Promise<void>((resolve) => {
      open50 = resolve
    })
    source.load = async (key) => {
      await gate
      return `${key} new`
    }
    const found = await menu().getMany(keys)
    expect(found.size).toBe(80)
    expect(source.runs).toBe(50)
    open50()
    await until('all are renewed', async () =>
      [...(await menu().getMany(keys)).values()].every((value) => String(value).endsWith('new')),
    )
  })

  it('none begins before there is room, however long it waits', async () => {
    let answer = (): void => undefined
    const gate = new Promise<void>((resolve) => {
      answer = resolve
    })
    source.load = async (key) => {
      await gate
      return key
    }
    const keys = Array.from({ length: 200 }, (_, n) => `k${n}`)
    const answers = Promise.all(keys.map((key) => menu().get(key)))
    await until('fifty run', () => source.runs === 50)
    // A bound that gave way with time gave way after a second.
    await rest(1_200)
    expect(source.runs).toBe(50)
    answer()
    expect(await answers).toEqual(keys)
    expect(source.most).toBe(50)
  })

  it('loaders that never end take nobody their room for good', async () => {
    const hung = open.cache.category('hung')
    await hung.set('a', 'old')
    later(61 * MINUTE)
    source.load = () => new Promise(() => undefined)
    const missing = Array.from({ length: 50 }, (_, n) => hung.get(`k${n}`))
    const ended = await Promise.allSettled(missing)
    expect(new Set(ended.map(({ status }) => status))).toEqual(new Set(['rejected']))
    expect(source.runs).toBe(50)
    source.load = async () => 'new'
    expect(await hung.get('a')).toBe('old')
    await until('it is renewed', async () => (await hung.get('a')) === 'new')
  })
})
