import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { LeaseName, Store } from '../../../src/instances/store.ts'
import { openCache } from '../../contract/open-cache.ts'
import { startTestRedis } from '../../support/redis-server.ts'
import { openRedisStore } from '../../support/redis-store.ts'
import { until } from '../../support/until.ts'

/** What is computed while the value that it replaces ends. All of it takes real time: Redis ends what lies there. */
let url: string
beforeAll(async () => {
  url = (await startTestRedis()).url
})

const categories = {
  plain: { instance: 'secondary', ttl: '300ms' },
  graced: { instance: 'secondary', ttl: '100ms', grace: '300ms' },
} as const

describe('a loader that takes longer than the entry lives', () => {
  // The lease is renewed once meanwhile, after the entry has ended.
  const loader = (): { load: () => Promise<string>; begun: () => number } => {
    let begun = 0
    const load = async (): Promise<string> => {
      begun++
      await new Promise((resolve) => setTimeout(resolve, 1_500))
      return 'new'
    }
    return { load, begun: () => begun }
  }

  it.each(['plain', 'graced'] as const)(
    'is the only one, on all servers, and its value is stored: %s',
    async (name) => {
      const caches = await Promise.all([openCache(url, { categories }), openCache(url, { categories })])
      const [here, there] = caches.map(({ cache }) => cache.category(name))
      const { load, begun } = loader()
      await here?.set('a', 'old')
      const renewing = here?.getOrSet('a', load, { fresh: true, ttl: '1m' })
      await until('it began', () => begun() === 1)
      await until('the entry has ended', async () => (await caches[0]?.raw.get(`${name}:a`)) === null)
      const asking = there?.getOrSet('a', load, { ttl: '1m' })
      expect(await Promise.all([renewing, asking])).toEqual(['new', 'new'])
      expect(begun()).toBe(1)
      expect(await there?.get('a')).toBe('new')
    },
  )
})

describe('what Keyv removes', () => {
  let store: Store
  let raw: Redis
  beforeAll(() => {
    store = openRedisStore(url)
    raw = new Redis(url)
  })
  afterAll(async () => {
    raw.disconnect()
    await store.close()
  })
  const granted = async (key: string, expires: number): Promise<LeaseName> => {
    const text = JSON.stringify({ value: { expires: 1 }, expires, meta: { t: ['"expires":1'] } })
    await store.write([{ key, text, endsAt: Date.now() + 60_000 }])
    const lease = { key, token: randomUUID(), scope: 'keyv:' }
    expect(await store.grant(lease, { ms: 5_000 })).toMatchObject({ granted: true })
    return lease
  }
  const fill = (lease: LeaseName) => store.fill(lease, { text: 'new', endsAt: Date.now() + 60_000 })

  it('breaks no lease where it was stale', async () => {
    const lease = await granted('keyv:stale', Date.now() - 1_000)
    await raw.del('keyv:stale')
    expect(await store.renew(lease, 5_000)).toBe(true)
    expect(await fill(lease)).toBe(true)
  })

  it('breaks one where it was not', async () => {
    const lease = await granted('keyv:fresh', Date.now() + 30_000)
    await raw.del('keyv:fresh')
    expect(await fill(lease)).toBe(false)
  })
})
