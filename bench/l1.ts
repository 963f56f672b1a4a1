import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import KeyvRedis from '@keyv/redis'
import { BentoCache, bentostore } from 'bentocache'
import { memoryDriver } from 'bentocache/drivers/memory'
import { redisDriver } from 'bentocache/drivers/redis'
import { createCache } from 'cache-manager'
import { Cacheable, CacheableMemory } from 'cacheable'
import { Redis } from 'ioredis'
import Keyv from 'keyv'
import { buildIfStale } from '../scripts/build-if-stale.ts'
import { startRedis } from '../scripts/local-redis.ts'
import { compare, printGoal, printTable } from './measure.ts'

/**
 * A hit in the memory of the process, by value: what is got may be changed without harm. Each of them has two levels on
 * the same server, as they are used.
 */
const server = await startRedis({ args: ['--save', '', '--appendonly', 'no'] })

// The built package, as users run it.
buildIfStale()
const built = new URL('../dist/index.js', import.meta.url).href
const { redisTiers } = (await import(built)) as typeof import('../types/index.js')
const dir = mkdtempSync(join(tmpdir(), 'motia-redis-bench-'))
const { cache, close } = redisTiers({
  env: { REDIS_PRIMARY_URL: server.url, MOTIA_REDIS_DIR: dir },
  categories: { menu: { l1: '1h', ttl: '1h' } },
})
const category = 'menu'

const connection = new Redis({ host: '127.0.0.1', port: server.port })
const bento = new BentoCache({
  default: 'two',
  stores: {
    two: bentostore()
      .useL1Layer(memoryDriver({ maxSize: '64mb' }))
      .useL2Layer(redisDriver({ connection })),
  },
})
const keyv = (namespace: string) => new Keyv({ store: new KeyvRedis(server.url), namespace })
const cacheable = new Cacheable({ secondary: keyv('cacheable'), ttl: '1h' })
const manager = createCache({
  stores: [new Keyv({ store: new CacheableMemory({ ttl: '1h' }) }), keyv('manager')],
  ttl: 3_600_000,
})

const small = { id: 'u-10293', name: 'Ada Lovelace', active: true, logins: 42, plan: 'pro' }
const large = {
  items: Array.from({ length: 56 }, (_, i) => ({
    id: `dish-${i}`,
    name: `A dish with a fairly long name ${i}`,
    price: 9.5 + i,
    tags: ['vegan', 'lunch'],
  })),
}
const KEYS = 100

for (const [kind, value, goal] of [
  ['s', small, 1.2],
  ['l', large, 1.1],
] as const) {
  const keyAt = (i: number): string => `${kind}:${i % KEYS}`
  for (let i = 0; i < KEYS; i++) {
    await cache.set(keyAt(i), value, { category })
    await bento.set({ key: keyAt(i), value, ttl: '1h' })
    await cacheable.set(keyAt(i), value, '1h')
    await manager.set(keyAt(i), value, 3_600_000)
  }
  // Until the server tells of changes, nothing is kept.
  while ((await cache.getEntry(keyAt(0), { category }))?.source !== 'l1')
    await new Promise((resolve) => setTimeout(resolve, 10))
  const contenders = [
    { name: 'bentocache', run: (i: number) => bento.get({ key: keyAt(i) }) },
    { name: 'cacheable', run: (i: number) => cacheable.get(keyAt(i)) },
    { name: 'cache-manager', run: (i: number) => manager.get(keyAt(i)) },
    { name: 'motia-redis cache.get', run: (i: number) => cache.get(keyAt(i), { category }) },
    { name: 'JSON.parse alone', run: async () => JSON.parse(text) as unknown },
  ]
  const text = JSON.stringify(value)
  for (const { name, run } of contenders) {
    if (JSON.stringify(await run(0)) !== text) throw new Error(`${name} answers something else`)
  }
  const results = await compare(contenders, { inFlight: 1 })
  printTable(`L1 hit by value, ${text.length} bytes`, results)
  const best = Math.max(...results.slice(0, 3).map(({ perSecond }) => perSecond))
  printGoal('ours against the best of the first three', (results[3]?.perSecond ?? 0) / best, goal)
}

await close()
await bento.disconnectAll()
await cacheable.disconnect()
await manager.disconnect()
connection.disconnect()
await server.stop()
rmSync(dir, { recursive: true, force: true })
