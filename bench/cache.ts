import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { buildIfStale } from '../scripts/build-if-stale.ts'
import { startRedis } from '../scripts/local-redis.ts'
import { compare, printTable } from './measure.ts'

/** Reads of the second level, in-process, against raw ioredis + JSON on the same server in the same run. */
const server = await startRedis({ args: ['--save', '', '--appendonly', 'no'] })
const raw = new Redis({ host: '127.0.0.1', port: server.port, lazyConnect: true })
await raw.connect()

// The built package, as users run it: tsx wraps every closure, which costs more than our part of a call.
buildIfStale()
const built = new URL('../dist/index.js', import.meta.url).href
const { redisTiers } = (await import(built)) as typeof import('../types/index.js')
const dir = mkdtempSync(join(tmpdir(), 'motia-redis-bench-'))
const { cache, close } = redisTiers({ env: { REDIS_PRIMARY_URL: server.url, MOTIA_REDIS_DIR: dir } })

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
    printTable(
      `L2 get, ${bytes} bytes, ${inFlight} in flight (goal ${inFlight === 1 ? '0.9' : kind === 's' ? '1.2' : '1.0'}x)`,
      await compare(read(kind), { inFlight }),
    )
  const write = [
    {
      name: 'raw ioredis + JSON',
      run: (i: number) => raw.set(`raw:w:${i % KEYS}`, JSON.stringify(value), 'PX', 3_600_000),
    },
    { name: 'motia-redis cache.set', run: (i: number) => cache.set(`w:${i % KEYS}`, value, { ttl: '1h' }) },
  ]
  printTable(`set, ${bytes} bytes, 64 in flight`, await compare(write, { inFlight: 64 }))
}
await close()
raw.disconnect()
await server.stop()
rmSync(dir, { recursive: true, force: true })
