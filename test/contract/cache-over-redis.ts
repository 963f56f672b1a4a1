import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { Redis } from 'ioredis'
import { afterAll } from 'vitest'
import { createCacheClient } from '../../src/cache/client.ts'
import { createEngine } from '../../src/cache/create-engine.ts'
import type { CacheEngine } from '../../src/cache/engine.ts'
import { createRedisStore } from '../../src/instances/redis-store.ts'
import type { Store } from '../../src/instances/store.ts'
import { createRouter } from '../../src/routing/router.ts'
import { readSettings } from '../../src/settings/read-settings.ts'
import type { Cache, RedisTiersOptions } from '../../types/index.ts'

export interface OpenCache {
  readonly cache: Cache
  readonly engine: CacheEngine
  /** What was said, at warn level and above. */
  readonly said: string[]
  readonly raw: Redis
  store(instance: string): Store
}

export interface OpenOptions {
  readonly now?: () => number
  readonly random?: () => number
}

/**
 * A cache over one real Redis as both instances: `primary` and `secondary` differ in their database, so that one
 * server does. `raw` is on database 0, where `secondary` and so most categories of the tests live.
 */
export const openCache = async <S extends object = Record<never, never>>(
  url: string,
  options: RedisTiersOptions<S> = {},
  { now = Date.now, random = Math.random }: OpenOptions = {},
): Promise<OpenCache> => {
  const settings = readSettings(options, {
    env: { REDIS_PRIMARY_URL: `${url}/1`, REDIS_SECONDARY_URL: `${url}/0` },
    baseDir: tmpdir(),
    production: false,
  })
  const said: string[] = []
  const say = (line: string): void => {
    said.push(line)
  }
  const stores = new Map<string, Store>()
  for (const { name, url: redisUrl } of settings.instances) {
    if (redisUrl === undefined) throw new Error('the tests give every instance a URL')
    const { namespace, deadlines } = settings
    const store = createRedisStore({ name, url: redisUrl, namespace, deadlines, processId: randomUUID().slice(0, 8) })
    await store.connect()
    stores.set(name, store)
  }
  const store = (instance: string): Store => {
    const found = stores.get(instance)
    if (found === undefined) throw new Error(`no instance ${instance}`)
    return found
  }
  const engine = createEngine({
    settings,
    router: createRouter(settings, say),
    stores: store,
    report: { info: say, warn: say, error: say },
    now,
    random,
  })
  const raw = new Redis(url)
  cleanUps.push(async () => {
    raw.disconnect()
    await Promise.all([...stores.values()].map((open) => open.close()))
  })
  return { cache: createCacheClient(engine), engine, said, raw, store }
}

const cleanUps: (() => Promise<void>)[] = []
afterAll(async () => {
  await Promise.all(cleanUps.splice(0).map((cleanUp) => cleanUp()))
})
