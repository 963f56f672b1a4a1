import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createCacheClient } from '../../../src/cache/client.ts'
import { uncheckedEngine } from '../../../src/cache/unchecked.ts'
import type { Cache } from '../../../types/index.ts'
import { openCache } from '../../contract/open-cache.ts'
import { startTestRedis } from '../../support/redis-server.ts'
import { until } from '../../support/until.ts'

let open: Awaited<ReturnType<typeof openCache>>
/** The same category as those see it who keep something else there. */
let answers: Cache
const Menu = z.object({ title: z.string().transform((title) => title.trim()) })
const category = { category: 'menu' }
const answer = { status: 200, headers: {}, etag: '"1"', at: 1 }
const menu = { title: 'Soup' }

beforeAll(async () => {
  open = await openCache((await startTestRedis()).url, { categories: { menu: { schema: Menu } } })
  answers = createCacheClient(uncheckedEngine(open.engine))
})
beforeEach(async () => {
  await open.raw.flushall()
  open.said.length = 0
})

/** A factory that runs until `finish`. */
const slow = <T>(value: T) => {
  let runs = 0
  let finish = (): void => undefined
  const done = new Promise<void>((resolve) => {
    finish = resolve
  })
  const factory = async (): Promise<T> => {
    runs++
    await done
    return value
  }
  return { factory, runs: () => runs, finish: () => finish() }
}

describe('an entry that is none of its category’s values', () => {
  it('is kept and read without the schema', async () => {
    const ask = () => answers.getOrSet<unknown>('k', () => answer, category)
    expect([await ask(), await ask()]).toEqual([answer, answer])
    expect((await answers.getEntry<unknown>('k', category))?.value).toEqual(answer)
    expect(open.said).toEqual([])
  })

  it('is a miss to everybody who relies on the schema', async () => {
    await answers.getOrSet<unknown>('k', () => answer, category)
    const { cache } = open
    expect(await cache.get('k', category)).toBeUndefined()
    expect(await cache.getEntry('k', category)).toBeUndefined()
    expect([...(await cache.getMany(['k'], category))]).toEqual([])
    expect(await cache.getOrSet<unknown>('k', () => menu, category)).toEqual(menu)
    expect(await cache.get('k', category)).toEqual(menu)
  })

  it('is computed beside what the schema is about, and neither gets the other', async () => {
    const [mine, theirs] = [slow(answer), slow(menu)]
    const asked = answers.getOrSet<unknown>('k', mine.factory, category)
    await until('the first one computes', () => mine.runs() === 1)
    const checked = open.cache.getOrSet<unknown>('k', theirs.factory, category)
    mine.finish()
    theirs.finish()
    expect(await asked).toEqual(answer)
    expect(await checked).toEqual(menu)
  })

  it('is not stored where it was removed while it was computed', async () => {
    const { factory, runs, finish } = slow(answer)
    const asked = answers.getOrSet<unknown>('k', factory, category)
    await until('it computes', () => runs() === 1)
    await open.cache.delete('k', category)
    finish()
    expect(await asked).toEqual(answer)
    expect(await open.raw.exists('menu:k')).toBe(0)
  })

  it('turns stale where it is expired within a grace, and nothing is said of it', async () => {
    const graced = await openCache((await startTestRedis()).url, {
      categories: { menu: { schema: Menu, grace: '1h' } },
    })
    const theirs = createCacheClient(uncheckedEngine(graced.engine))
    await theirs.getOrSet<unknown>('k', () => answer, category)
    expect(await graced.cache.expire('k', category)).toBe(true)
    expect(await theirs.getEntry<unknown>('k', category)).toMatchObject({ value: answer, stale: true })
    expect(graced.said).toEqual([])
  })

  it('is no copy in memory to those who rely on the schema, nor is theirs one to it', async () => {
    const near = await openCache((await startTestRedis()).url, { categories: { menu: { schema: Menu, l1: '10s' } } })
    const theirs = createCacheClient(uncheckedEngine(near.engine))
    await theirs.getOrSet<unknown>('k', () => answer, category)
    const entry = () => theirs.getEntry<unknown>('k', category)
    const checked = () => near.cache.get('k', category)
    expect([(await entry())?.value, await checked(), (await entry())?.value]).toEqual([answer, undefined, answer])
    await near.cache.set('k', { title: ' Soup ' }, category)
    expect([await checked(), (await entry())?.value, await checked()]).toEqual([menu, menu, menu])
  })
})
