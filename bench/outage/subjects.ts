import KeyvRedis from '@keyv/redis'
import { BentoCache, bentostore } from 'bentocache'
import { memoryDriver } from 'bentocache/drivers/memory'
import { redisDriver } from 'bentocache/drivers/redis'
import { createCache } from 'cache-manager'
import { Cacheable } from 'cacheable'
import { Redis } from 'ioredis'
import { Keyv } from 'keyv'
import type { redisTiers } from '../../types/index.ts'

/** A cache as the bench uses it. All keep values in memory too, where that is their way. */
export interface OpenSubject {
  get(key: string): Promise<unknown>
  set(key: string, value: string): Promise<unknown>
  /** Where it counts. */
  increment?(key: string): Promise<unknown>
  /** When it said that the server is away, and that it is back; where it says so. */
  onState?(listener: (state: string) => void): void
  close(): Promise<unknown>
}

export interface Subject {
  readonly name: string
  /** Which of the goals it has. */
  readonly ours?: 'cached' | 'kept'
  open(urls: { readonly primary: string; readonly secondary: string }, dir: string): Promise<OpenSubject>
}

/** ms. */
const TTL = 3_600_000

type Tiers = typeof redisTiers

const ours = (redisTiers: Tiers, kind: 'cached' | 'kept', category: string): Subject => ({
  name: `motia-redis, ${kind}`,
  ours: kind,
  open: async ({ primary, secondary }, dir) => {
    const env = { REDIS_PRIMARY_URL: primary, REDIS_SECONDARY_URL: secondary, MOTIA_REDIS_DIR: dir }
    const tiers = redisTiers({ env })
    const cache = tiers.cache.category(category)
    return {
      get: (key) => cache.get(key),
      set: (key, value) => cache.set(key, value, { ttl: '1h' }),
      increment: (key) => cache.increment(key, { ttl: '1h' }),
      onState: (listener) =>
        void tiers.on('instance:state', ({ name: instance, state }) => {
          if (instance === 'primary') listener(state)
        }),
      close: tiers.close,
    }
  },
})

const ourState = (redisTiers: Tiers): Subject => ({
  name: 'motia-redis, state',
  ours: 'kept',
  open: async ({ primary, secondary }, dir) => {
    const tiers = redisTiers({
      env: { REDIS_PRIMARY_URL: primary, REDIS_SECONDARY_URL: secondary, MOTIA_REDIS_DIR: dir },
    })
    return {
      get: (key) => tiers.state.get('bench', key),
      set: (key, value) => tiers.state.set('bench', key, value),
      onState: (listener) =>
        void tiers.on('instance:state', ({ name, state }) => {
          if (name === 'primary') listener(state)
        }),
      close: tiers.close,
    }
  },
})

const quiet = (): void => undefined

/** As their documentation recommends it: memory before Redis, what fails in Redis is left out. */
const bento: Subject = {
  name: 'BentoCache, memory + Redis',
  open: async ({ primary }) => {
    const connection = new Redis(primary)
    connection.on('error', quiet)
    const cache = new BentoCache({
      default: 'tiered',
      stores: {
        tiered: bentostore()
          .useL1Layer(memoryDriver({ maxSize: '10mb' }))
          .useL2Layer(redisDriver({ connection })),
      },
      logger: { info: quiet, warn: quiet, error: quiet, debug: quiet, trace: quiet, fatal: quiet, child: () => silent },
      ttl: TTL,
    })
    return {
      get: (key) => cache.get({ key }),
      set: (key, value) => cache.set({ key, value }),
      close: () => cache.disconnectAll(),
    }
  },
}
const silent = { info: quiet, warn: quiet, error: quiet, debug: quiet, trace: quiet, fatal: quiet, child: () => silent }

const cacheable: Subject = {
  name: 'cacheable, memory + Redis',
  open: async ({ primary }) => {
    const redis = new KeyvRedis(primary)
    redis.on('error', quiet)
    const cache = new Cacheable({ secondary: redis, ttl: TTL })
    cache.on('error', quiet)
    return {
      get: (key) => cache.get(key),
      set: (key, value) => cache.set(key, value),
      close: () => cache.disconnect(),
    }
  },
}

const cacheManager: Subject = {
  name: 'cache-manager, memory + Redis',
  open: async ({ primary }) => {
    const redis = new KeyvRedis(primary)
    redis.on('error', quiet)
    const keyv = new Keyv({ store: redis })
    keyv.on('error', quiet)
    const cache = createCache({ stores: [new Keyv(), keyv], ttl: TTL })
    return {
      get: (key) => cache.get(key),
      set: (key, value) => cache.set(key, value),
      close: () => cache.disconnect(),
    }
  },
}

export const subjectsOf = (redisTiers: Tiers): Subject[] => [
  ours(redisTiers, 'cached', 'notifications'),
  ours(redisTiers, 'kept', 'orders'),
  ourState(redisTiers),
  bento,
  cacheable,
  cacheManager,
]
