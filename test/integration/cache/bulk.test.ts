import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createCacheClient } from '../../../src/cache/client.ts'
import { createEngine } from '../../../src/cache/create-engine.ts'
import { createEmbeddedStore } from '../../../src/embedded/embedded-store.ts'
import { type Store, StoreError } from '../../../src/instances/store.ts'
import { createRouter } from '../../../src/routing/router.ts'
import { readSettings } from '../../../src/settings/read-settings.ts'
import type { Cache } from '../../../types/index.ts'
import { straightShelves } from '../../support/shelves.ts'

type Called = 'readMany' | 'write' | 'remove'
/** What the two instances were asked, and what goes wrong at them. */
const calls: string[] = []
const faults = new Map<string, () => Promise<never>>()
const dir = mkdtempSync(join(tmpdir(), 'motia-redis-bulk-'))
const stores = new Map<string, Store>()
let cache: Cache

const watched = (store: Store): Store => {
  const watch =
    <A extends unknown[], R>(name: Called, method: (list: readonly unknown[], ...rest: A) => Promise<R>) =>
    async (list: readonly unknown[], ...rest: A): Promise<R> => {
      calls.push(`${store.name} ${name} ${list.length}`)
      await faults.get(`${store.name} ${name}`)?.()
      return method(list, ...rest)
    }
  return {
    ...store,
    readMany: watch('readMany', store.readMany as never),
    write: watch('write', store.write as never),
    remove: watch('remove', store.remove as never),
  }
}

beforeAll(() => {
  const settings = readSettings(
    {
      categories: { menu: {}, user: {}, ml: {}, cache: { deadline: { write: 200 } }, orders: {} },
      inferCategory: { 'menu:': 'menu', 'user:': 'user', 'ml:': 'ml', 'order:': 'orders' },
      legacyKeys: true,
    },
    { env: {}, baseDir: dir, production: false },
  )
  for (const { name } of settings.instances)
    stores.set(name, watched(createEmbeddedStore({ name, dir, namespace: settings.namespace })))
  const quiet = () => undefined
  const engine = createEngine({
    settings,
    router: createRouter(settings, quiet),
    shelves: straightShelves(stores),
    report: { info: quiet, warn: quiet, error: quiet },
    now: Date.now,
    random: Math.random,
  })
  cache = createCacheClient(engine)
})
beforeEach(async () => {
  faults.clear()
  for (const store of stores.values()) await store.clear('')
  calls.length = 0
})
afterAll(async () => {
  await Promise.all([...stores.values()].map((store) => store.close()))
  rmSync(dir, { recursive: true, force: true })
})

const down =
  (store: string, applied: 'no' | 'unknown' = 'no') =>
  async (): Promise<never> => {
    throw new StoreError('unavailable', store, `${store} is down`, applied)
  }
const keys = ['menu:a', 'user:b', 'ml:c', 'menu:d', 'order:e']
const entries = keys.map((key, index): [string, number] => [key, index])

describe('one command of each category', () => {
  it('a call on three of secondary and one of primary is one read, write or removal of each', async () => {
    await cache.setMany(entries)
    const each = (what: string) =>
      [1, 1, 1, 2].map((count, i) => `${i === 0 ? 'primary' : 'secondary'} ${what} ${count}`)
    expect(calls.filter((call) => call.includes('write')).sort()).toEqual(each('write'))
    calls.length = 0
    expect([...(await cache.getMany(keys))]).toEqual(entries)
    expect(calls.sort()).toEqual(each('readMany'))
    calls.length = 0
    expect(await cache.deleteMany(keys)).toBe(5)
    // Older keys lie under names of their own.
    expect(calls.sort()).toEqual([...each('remove'), ...each('remove')].sort())
    expect(await cache.getMany(keys)).toEqual(new Map())
  })
})

describe('what was applied of a call that failed', () => {
  it("'unknown' where one instance was written and the other is down", async () => {
    for (const bad of ['primary', 'secondary']) {
      faults.set(`${bad} write`, down(bad))
      faults.set(`${bad} remove`, down(bad))
      const error = { code: 'CACHE_UNAVAILABLE', applied: 'unknown' }
      await expect(cache.setMany(entries)).rejects.toMatchObject({ ...error, operation: 'setMany' })
      await expect(cache.deleteMany(keys)).rejects.toMatchObject({ ...error, operation: 'deleteMany' })
      faults.clear()
    }
  })

  it("'no' only where no instance was written", async () => {
    for (const name of ['primary', 'secondary']) {
      faults.set(`${name} write`, down(name))
      faults.set(`${name} remove`, down(name))
    }
    await expect(cache.setMany(entries)).rejects.toMatchObject({ applied: 'no' })
    await expect(cache.deleteMany(keys)).rejects.toMatchObject({ applied: 'no' })
    faults.set('secondary write', down('secondary', 'unknown'))
    await expect(cache.setMany(entries)).rejects.toMatchObject({ applied: 'unknown' })
  })

  it('the call ends when every part has ended', async () => {
    let arrived = () => {}
    const held = new Promise<void>((resolve) => {
      arrived = resolve
    })
    faults.set('primary write', down('primary'))
    faults.set('secondary write', (() => held) as () => Promise<never>)
    let ended = false
    const call = cache.setMany(entries).finally(() => {
      ended = true
    })
    const failed = expect(call).rejects.toMatchObject({ applied: 'unknown' })
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(ended).toBe(false)
    arrived()
    await failed
    expect(await cache.get('menu:a')).toBe(0)
  })

  it('a write that removes the older key too says so as well', async () => {
    faults.set('secondary remove', down('secondary'))
    await expect(cache.set('user:b', 1)).rejects.toMatchObject({ code: 'CACHE_UNAVAILABLE', applied: 'unknown' })
    await expect(cache.increment('user:n')).rejects.toMatchObject({ code: 'CACHE_UNAVAILABLE', applied: 'unknown' })
    faults.set('secondary write', down('secondary'))
    await expect(cache.set('user:b', 1)).rejects.toMatchObject({ code: 'CACHE_UNAVAILABLE', applied: 'no' })
  })
})
