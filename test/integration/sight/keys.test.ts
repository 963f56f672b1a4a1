import { Redis } from 'ioredis'
import { beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import type { Asked, KeysView } from '../../../src/sight/contract.ts'
import type { Sight } from '../../../src/sight/sight.ts'
import { startTestRedis, type TestRedis } from '../../support/redis-server.ts'
import { expectNothingUnhandled } from '../../support/unhandled.ts'
import { until } from '../../support/until.ts'
import { openSight, twoUrls } from './open-sight.ts'

expectNothingUnhandled()

let primary: TestRedis
let secondary: TestRedis
/** By a connection of its own, which is gone before a test stops the server. */
const empty = async ({ url }: TestRedis): Promise<void> => {
  const redis = new Redis(url)
  await redis.flushall()
  redis.disconnect()
}
beforeAll(async () => {
  ;[primary, secondary] = await Promise.all([startTestRedis(), startTestRedis()])
})
const raw = async (url: string): Promise<Redis> => {
  const redis = new Redis(url)
  onTestFinished(() => redis.disconnect())
  await redis.ping()
  return redis
}
beforeEach(() => Promise.all([primary, secondary].map(empty)))

const pages = async (sight: Sight, asked: Partial<Asked['keys']> & { category: string }): Promise<KeysView[]> => {
  const all: KeysView[] = []
  let cursor: string | undefined
  do {
    const page = await sight.keys({ prefix: '', limit: 50, ...asked, cursor })
    all.push(page)
    cursor = page.cursor
  } while (cursor !== undefined)
  return all
}
const keysOf = (all: readonly KeysView[]): string[] => [...new Set(all.flatMap(({ keys }) => keys))].sort()

/** Calls of each command since the server started. */
const commands = async (redis: Redis): Promise<Map<string, number>> => {
  const info = await redis.info('commandstats')
  return new Map(
    [...info.matchAll(/^cmdstat_(\S+):calls=(\d+)/gm)].map(([, name = '', calls]) => [name, Number(calls)]),
  )
}

describe('keys', () => {
  it.each(['menu', 'orders'])('of %s are covered by pages, whatever else lies there', async (category) => {
    const { sight, cache } = await openSight(twoUrls(primary, secondary), { categories: { menu: {}, orders: {} } })
    const own = cache.category(category)
    const keys = Array.from({ length: 5_000 }, (_, i) => `dish:${i}`)
    await own.setMany(keys.map((key) => [key, 1]))
    await cache.category('user').setMany(keys.map((key) => [key, 1]))
    const all = await pages(sight, { category })
    expect(keysOf(all)).toEqual(keys.sort())
    expect(Math.max(...all.map((page) => page.keys.length))).toBeLessThan(150)
    expect(all.every(({ partial, enumerable }) => !partial && enumerable)).toBe(true)
  })

  it('are found by a prefix in which no character has a meaning', async () => {
    const { sight, cache } = await openSight(twoUrls(primary, secondary))
    const odd = ['*', '?', '[a-z]', '\\', '\\*', 'a*b', '^', '😀', '<script>', ' ', '\0', '\r\n']
    const menu = cache.category('menu')
    for (const each of odd) await menu.set(`${each}:1`, 1)
    for (const other of ['abc:1', 'axb:1', 'b:1']) await menu.set(other, 1)
    for (const each of odd)
      expect(keysOf(await pages(sight, { category: 'menu', prefix: `${each}:` }))).toEqual([`${each}:1`])
  })

  it('are listed at a bounded cost per page where few lie among many', async () => {
    const redis = await raw(secondary.url)
    const { sight, cache } = await openSight(twoUrls(primary, secondary))
    // Until then whoever meets it for the first time may compare all that lies there.
    await until('it is known', async () => (await redis.get('~mr:sentinel'))?.includes('whole'))
    await redis.eval("for i = 1, 200000 do redis.call('SET', 'other:' .. i, '') end", 0)
    await cache.category('menu').set('rare', 1)
    const begun = await commands(redis)
    const first = await sight.keys({ category: 'menu', prefix: '', cursor: undefined, limit: 50 })
    const ended = await commands(redis)
    expect((ended.get('scan') ?? 0) - (begun.get('scan') ?? 0)).toBeLessThanOrEqual(20)
    expect(ended.get('keys')).toBeUndefined()
    expect(first.cursor).toBeDefined()
    expect(keysOf(await pages(sight, { category: 'menu' }))).toEqual(['rare'])
  })

  it('that no call can name are counted, not shown', async () => {
    const redis = await raw(secondary.url)
    const { sight } = await openSight(twoUrls(primary, secondary))
    await redis.set(`menu:${'k'.repeat(100_000)}`, '{"value":1}')
    await redis.set('menu:', '{"value":1}')
    await redis.set('menu:plain', '{"value":1}')
    const [page] = await pages(sight, { category: 'menu' })
    expect(page).toMatchObject({ keys: ['plain'], foreign: 2 })
  })

  it.each(['garbage', '0', '-1', '../', '1e9', 'nowhere/1', '99999999999999999999'])(
    'refuse the cursor %s',
    async (cursor) => {
      const { sight } = await openSight(twoUrls(primary, secondary))
      for (const category of ['menu', 'orders']) {
        const asked = sight.keys({ category, prefix: '', cursor, limit: 50 })
        await expect(asked).rejects.toMatchObject({ name: 'Refused' })
        await expect(asked).rejects.not.toThrow(cursor)
      }
    },
  )

  it('refuse what is no category, and say where keys can not be listed', async () => {
    const { sight } = await openSight(
      { ...twoUrls(primary, secondary), REDIS_SECONDARY_TYPES: 'menu', REDIS_LOAD_BALANCE_STRATEGY: 'category' },
      { categories: { menu: { key: '<key>' } } },
    )
    const ask = (category: string) => sight.keys({ category, prefix: '', cursor: undefined, limit: 50 })
    await expect(ask('<b>')).rejects.toMatchObject({ name: 'Refused' })
    await expect(ask('nosuch')).rejects.toMatchObject({ name: 'Refused' })
    expect(await ask('menu')).toMatchObject({ enumerable: false, keys: [], cursor: undefined })
  })

  describe.each([
    ['on an instance', () => twoUrls(primary, secondary)],
    ['in the files of this server', () => ({})],
  ])('of sensitive categories, %s', (_, env) => {
    const SECRET = /s3cret|czNjcmV0|MzY3JldD|zM2NyZXQ/ // also within base64, as a cursor may bear it

    it('never leave the server, not in a cursor either; what stands for one shows and deletes its entry', async () => {
      const { sight, cache } = await openSight(env())
      const user = cache.category('user')
      await user.setMany(Array.from({ length: 200 }, (_, n) => [`s3cret:${n}`, n]))
      const all = await pages(sight, { category: 'user', limit: 20 })
      expect(all.length).toBeGreaterThan(1)
      expect(keysOf(all)).toHaveLength(200)
      expect(new Set(all.flatMap(({ labels }) => Object.keys(labels ?? {}))).size).toBe(200)
      expect(JSON.stringify(all)).not.toMatch(SECRET)

      const [key = ''] = keysOf(all)
      const entry = await sight.entry({ category: 'user', key })
      expect(entry).toMatchObject({ found: true, masked: true, key, label: expect.stringMatching(/ characters #/) })
      expect(entry.redisKey).toBe(`user:${entry.label}`)
      expect(JSON.stringify(entry)).not.toMatch(SECRET)
      expect(await sight.change({ do: 'delete-entry', category: 'user', key })).toEqual({ count: 1 })
      expect((await sight.entry({ category: 'user', key })).found).toBe(false)
      expect(keysOf(await pages(sight, { category: 'user' }))).not.toContain(key)
      expect((await user.getMany(Array.from({ length: 200 }, (_, n) => `s3cret:${n}`))).size).toBe(199)
    })

    it('are found by the whole key, and by nothing that it begins with', async () => {
      const { sight, cache } = await openSight(env())
      await cache.category('user').setMany([
        ['s3cret:1', 1],
        ['s3cret:12', 1],
      ])
      const find = async (prefix: string): Promise<string[]> => keysOf(await pages(sight, { category: 'user', prefix }))
      for (const beginning of ['s', 's3cret', 's3cret:', '*']) expect(await find(beginning)).toEqual([])
      const [found, ...more] = await find('s3cret:1')
      expect(more).toEqual([])
      expect(found).not.toMatch(SECRET)
      expect(keysOf(await pages(sight, { category: 'user' }))).toContain(found)
      // Who knows it may also name it.
      expect(await sight.change({ do: 'expire-entry', category: 'user', key: 's3cret:12' })).toEqual({ count: 1 })
    })

    it('are not looked for under what stood for one in a server process before this one', async () => {
      const first = await openSight(env())
      await first.cache.category('user').set('s3cret:1', 1)
      const [page] = await pages(first.sight, { category: 'user' })
      const key = page?.keys[0] ?? ''
      await first.close()
      const { sight } = await openSight(env())
      const asked = [
        sight.entry({ category: 'user', key }),
        sight.change({ do: 'delete-entry', category: 'user', key }),
        sight.change({ do: 'expire-entry', category: 'user', key }),
      ]
      for (const each of await Promise.allSettled(asked))
        expect(each).toMatchObject({
          reason: { name: 'Refused', message: expect.stringMatching(/list the keys again/) },
        })
      // In a category that isn't sensitive it is a key like any other.
      expect(await sight.entry({ category: 'menu', key })).toMatchObject({ key, found: false })
    })

    it('are in no other view', async () => {
      const { sight, cache } = await openSight(env())
      const user = cache.category('user')
      await user.setMany(Array.from({ length: 50 }, (_, n) => [`s3cret:${n}`, 'x'.repeat(100)]))
      for (let n = 0; n < 50; n++) await user.get(`s3cret:${n % 3}`)
      const asked = { search: '', within: '', limit: 50, category: 'user', sampled: true }
      const seen = { overview: 0, categories: 0, hot: 0, groups: 0, processes: 0 }
      for (const name of Object.keys(seen) as (keyof typeof seen)[]) {
        const view = JSON.stringify(await (sight[name] as (asked: unknown) => Promise<unknown>)(asked))
        expect(view).not.toMatch(SECRET)
        seen[name] = view.length
      }
      expect(Math.min(...Object.values(seen))).toBeGreaterThan(2)
    })

    it('refuse a cursor of the store, which could be made of what a key is thought to be', async () => {
      const { sight } = await openSight(env())
      for (const cursor of ['0', Buffer.from('user:s3').toString('base64url')])
        await expect(sight.keys({ category: 'user', prefix: '', cursor, limit: 50 })).rejects.toMatchObject({
          name: 'Refused',
        })
    })
  })

  it('of sensitive categories say so, too, where the whole key is looked for', async () => {
    const { sight, cache } = await openSight(twoUrls(primary, secondary))
    const user = cache.category('user')
    await user.set('ada', 1)
    const find = async (prefix: string): Promise<readonly [number, boolean]> => {
      const { keys, partial } = await sight.keys({ category: 'user', prefix, cursor: undefined, limit: 50 })
      return [keys.length, partial]
    }
    expect([await find('ada'), await find('bob')]).toEqual([
      [1, false],
      [0, false],
    ])
    await secondary.crash()
    onTestFinished(() => secondary.restart())
    const taken = (): Promise<boolean> =>
      user.set('eve', 1).then(
        () => true,
        () => false,
      )
    await until('it is taken elsewhere', taken)
    expect([await find('ada'), await find('eve')]).toEqual([
      [0, true],
      [1, false],
    ])
  })

  it('come from the stand-in while home is away, and say that some may be missing', async () => {
    const { sight, cache } = await openSight(twoUrls(primary, secondary))
    await cache.category('menu').set('before', 1)
    await secondary.crash()
    onTestFinished(() => secondary.restart())
    await until('it is written elsewhere', () =>
      cache
        .category('menu')
        .set('meanwhile', 1)
        .then(
          () => true,
          () => false,
        ),
    )
    const all = await pages(sight, { category: 'menu' })
    expect(keysOf(all)).toEqual(['meanwhile'])
    expect(all.some(({ partial }) => partial)).toBe(true)
  })
})
