import { Redis } from 'ioredis'
import { startRedis } from '../scripts/local-redis.ts'
import { createCacheClient } from '../src/cache/client.ts'
import { createEngine } from '../src/cache/create-engine.ts'
import { createRedisStore } from '../src/instances/redis-store.ts'
import { consoleReport } from '../src/report.ts'
import { createRouter } from '../src/routing/router.ts'
import { readSettings } from '../src/settings/read-settings.ts'
import { compare, printTable } from './measure.ts'

/** Reads of the second level, in-process, against raw ioredis + JSON on the same server in the same run. */
const server = await startRedis({ args: ['--save', '', '--appendonly', 'no'] })
const raw = new Redis({ host: '127.0.0.1', port: server.port, lazyConnect: true })
await raw.connect()

const settings = readSettings({}, { env: { REDIS_PRIMARY_URL: server.url }, baseDir: process.cwd(), production: false })
const instance = settings.instances[0]
if (instance?.url === undefined) throw new Error('no instance')
const store = createRedisStore({ name: 'primary', url: instance.url, namespace: '', deadlines: {}, processId: 'bench' })
const cache = createCacheClient(
  createEngine({
    settings,
    router: createRouter(settings, consoleReport.warn),
    stores: () => store,
    report: consoleReport,
    now: Date.now,
    random: Math.random,
  }),
)

const small = { id: 'u-10293', name: 'Ada Lovelace', active: true, logins: 42, plan: 'pro' }
const large = {
  items: Array.from({ length: 50 }, (_, i) => ({
    id: `dish-${i}`,
    name: `A dish with a fairly long name ${i}`,
    price: 9.5 + i,
    tags: ['vegan', 'lunch'],
  })),
}
const KEYS = 1000
for (let i = 0; i < KEYS; i++) {
  await raw.set(`raw:s:${i}`, JSON.stringify(small))
  await raw.set(`raw:l:${i}`, JSON.stringify(large))
  await cache.set(`s:${i}`, small, { ttl: '1h' })
  await cache.set(`l:${i}`, large, { ttl: '1h' })
}

const read = (kind: 's' | 'l') => [
  {
    name: 'raw ioredis + JSON',
    run: async (i: number) => {
      const text = await raw.get(`raw:${kind}:${i % KEYS}`)
      return text === null ? undefined : JSON.parse(text)
    },
  },
  { name: 'motia-redis cache.get', run: (i: number) => cache.get(`${kind}:${i % KEYS}`) },
]
for (const [kind, value] of [
  ['s', small],
  ['l', large],
] as const) {
  const bytes = JSON.stringify(value).length
  for (const inFlight of [64, 1])
    printTable(`L2 get, ${bytes} bytes, ${inFlight} in flight`, await compare(read(kind), { inFlight }))
  const write = [
    {
      name: 'raw ioredis + JSON',
      run: (i: number) => raw.set(`raw:w:${i % KEYS}`, JSON.stringify(value), 'PX', 3_600_000),
    },
    { name: 'motia-redis cache.set', run: (i: number) => cache.set(`w:${i % KEYS}`, value, { ttl: '1h' }) },
  ]
  printTable(`set, ${bytes} bytes, 64 in flight`, await compare(write, { inFlight: 64 }))
}
await store.close()
raw.disconnect()
await server.stop()
