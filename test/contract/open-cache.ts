import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterAll } from 'vitest'
import { createCacheClient } from '../../src/cache/client.ts'
import { createEngine } from '../../src/cache/create-engine.ts'
import type { CacheEngine } from '../../src/cache/engine.ts'
import { createEmbeddedStore } from '../../src/embedded/embedded-store.ts'
import { createRedisStore } from '../../src/instances/redis-store.ts'
import type { Store } from '../../src/instances/store.ts'
import { createRouter } from '../../src/routing/router.ts'
import { readSettings } from '../../src/settings/read-settings.ts'
import type { InstanceSettings, Settings } from '../../src/settings/settings.ts'
import type { Cache, RedisTiersOptions } from '../../types/index.ts'
import { straightShelves } from '../support/shelves.ts'

export interface OpenCache {
  readonly cache: Cache
  readonly engine: CacheEngine
  /** What was said, at any level. */
  readonly said: string[]
}

export interface Chance {
  readonly now?: () => number
  readonly elapsed?: () => number
  readonly random?: () => number
}

type Options<S extends object> = RedisTiersOptions<S>
type NoCategories = Record<never, never>

/**
 * A cache over one real Redis as both instances, which differ in their database: `secondary` is database 0 and
 * `primary` database 1. `raw` is on database 0, where most categories of the tests live.
 */
export const openCache = async <S extends object = NoCategories>(
  url: string,
  options: Options<S> = {},
  chance: Chance = {},
): Promise<OpenCache & { readonly raw: Redis }> => {
  const settings = settingsOf(options, { REDIS_PRIMARY_URL: `${url}/1`, REDIS_SECONDARY_URL: `${url}/0` })
  const raw = new Redis(url)
  cleanUps.push(async () => raw.disconnect())
  const opened = await openOver(settings, chance, async (instance) => {
    if (instance.url === undefined) throw new Error('every instance has a URL here')
    const { namespace, deadlines } = settings
    const processId = randomUUID().slice(0, 8)
    const store = createRedisStore({ name: instance.name, url: instance.url, namespace, deadlines, processId })
    await store.connect()
    return store
  })
  return { ...opened, raw }
}

/** A cache with no Redis at all. */
export const openEmbeddedCache = async <S extends object = NoCategories>(
  options: Options<S> = {},
  chance: Chance = {},
): Promise<OpenCache> => {
  const settings = settingsOf(options, {})
  const dir = mkdtempSync(join(tmpdir(), 'motia-redis-cache-'))
  cleanUps.push(async () => rmSync(dir, { recursive: true, force: true }))
  const { namespace } = settings
  return openOver(settings, chance, async ({ name }) => createEmbeddedStore({ name, dir, namespace }))
}

const settingsOf = <S extends object>(options: Options<S>, env: Record<string, string>): Settings =>
  readSettings(options, { env, baseDir: tmpdir(), production: false })

const openOver = async (
  settings: Settings,
  { now = Date.now, elapsed = () => performance.now(), random = Math.random }: Chance,
  open: (instance: InstanceSettings) => Promise<Store>,
): Promise<OpenCache> => {
  const said: string[] = []
  const say = (line: string): void => {
    said.push(line)
  }
  const stores = new Map<string, Store>()
  for (const instance of settings.instances) stores.set(instance.name, await open(instance))
  cleanUps.push(async () => {
    await Promise.all([...stores.values()].map((store) => store.close()))
  })
  const engine = createEngine({
    settings,
    router: createRouter(settings, say),
    shelves: straightShelves(stores),
    report: { info: say, warn: say, error: say },
    now,
    elapsed,
    random,
  })
  return { cache: createCacheClient(engine), engine, said }
}

const cleanUps: (() => Promise<void>)[] = []
afterAll(async () => {
  // Folders are removed after the stores in them are closed: the other way round than they were made.
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})
