import KeyvRedis from '@keyv/redis'
import { BentoCache, bentostore } from 'bentocache'
import { redisDriver } from 'bentocache/drivers/redis'
import { createCache } from 'cache-manager'
import { Cacheable } from 'cacheable'
import { Redis } from 'ioredis'
import Keyv from 'keyv'

/** A cache whose only level is a Redis, or raw ioredis with JSON: what ours is measured against. */
export interface Rival {
  readonly name: string
  get(key: string): Promise<unknown>
  set(key: string, value: unknown): Promise<unknown>
  /** getOrSet, wrap, or whatever it calls that; undefined where there is none. */
  readonly compute?: (key: string, factory: () => Promise<unknown>) => Promise<unknown>
}

const HOUR = 3_600_000

export const openRivals = async (url: string): Promise<{ rivals: readonly Rival[]; close(): Promise<void> }> => {
  const raw = new Redis(url, { lazyConnect: true })
  const connection = new Redis(url, { lazyConnect: true })
  await Promise.all([raw.connect(), connection.connect()])
  const bento = new BentoCache({
    default: 'redis',
    stores: { redis: bentostore().useL2Layer(redisDriver({ connection })) },
  })
  const keyv = (namespace: string): Keyv => new Keyv({ store: new KeyvRedis(url), namespace })
  const cacheable = new Cacheable({ primary: keyv('cacheable'), ttl: '1h' })
  const manager = createCache({ stores: [keyv('manager')], ttl: HOUR })
  const rivals: Rival[] = [
    {
      name: 'raw ioredis + JSON',
      get: async (key) => {
        const text = await raw.get(`raw:${key}`)
        return text === null ? undefined : JSON.parse(text)
      },
      set: (key, value) => raw.set(`raw:${key}`, JSON.stringify(value), 'PX', HOUR),
    },
    {
      name: 'bentocache',
      get: (key) => bento.get({ key }),
      set: (key, value) => bento.set({ key, value, ttl: '1h' }),
      compute: (key, factory) => bento.getOrSet({ key, factory, ttl: '1h' }),
    },
    {
      name: 'cacheable',
      get: (key) => cacheable.get(key),
      set: (key, value) => cacheable.set(key, value, '1h'),
      compute: (key, factory) => cacheable.getOrSet(key, factory, { ttl: '1h' }),
    },
    {
      name: 'cache-manager',
      get: (key) => manager.get(key),
      set: (key, value) => manager.set(key, value, HOUR),
      compute: (key, factory) => manager.wrap(key, factory, HOUR),
    },
  ]
  return {
    rivals,
    close: async () => {
      await Promise.all([bento.disconnectAll(), cacheable.disconnect(), manager.disconnect()])
      raw.disconnect()
      connection.disconnect()
    },
  }
}
