import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import KeyvRedis from '@keyv/redis'
import { BentoCache, bentostore } from 'bentocache'
import { redisDriver } from 'bentocache/drivers/redis'
import { Cacheable } from 'cacheable'
import { Redis } from 'ioredis'
import Keyv from 'keyv'
import { buildIfStale } from '../scripts/build-if-stale.ts'
import { startRedis } from '../scripts/local-redis.ts'
import { compare, judged, printTable } from './measure.ts'

/**
 * Entries with three tags, in Redis alone: what they cost the server and the caller, and what an invalidation of many
 * does to everybody else.
 */
const server = await startRedis({ args: ['--save', '', '--appendonly', 'no'] })
const raw = new Redis({ host: '127.0.0.1', port: server.port })

// The built package, as users run it.
buildIfStale()
const built = new URL('../dist/index.js', import.meta.url).href
const { redisTiers } = (await import(built)) as typeof import('../types/index.js')
const dir = mkdtempSync(join(tmpdir(), 'motia-redis-bench-'))
const tiers = redisTiers({
  env: { REDIS_PRIMARY_URL: server.url, MOTIA_REDIS_DIR: dir },
  categories: { menu: { l1: false, ttl: '1h' } },
})
const { cache } = tiers
const category = 'menu'
const connection = new Redis({ host: '127.0.0.1', port: server.port })
const bento = new BentoCache({
  default: 'redis',
  stores: { redis: bentostore().useL2Layer(redisDriver({ connection })) },
})
const cacheable = new Cacheable({
  primary: new Keyv({ store: new KeyvRedis(server.url), namespace: 'cacheable' }),
  ttl: '1h',
  tags: true,
})

const value = { id: 'u-10293', name: 'Ada Lovelace', active: true, logins: 42, plan: 'pro' }
const tags = ['lunch', 'vegan', 'monday']
const KEYS = 500
interface Subject {
  readonly name: string
  set(key: string, tags: readonly string[]): Promise<unknown>
  get(key: string): Promise<unknown>
  invalidate(tag: string): Promise<unknown>
}
const subjects: readonly Subject[] = [
  {
    name: 'motia-redis',
    set: (key, of) => cache.set(key, value, { category, tags: of }),
    get: (key) => cache.get(key, { category }),
    invalidate: (tag) => cache.invalidateTags([tag], { category }),
  },
  {
    name: 'bentocache',
    set: (key, of) => bento.set({ key, value, ttl: '1h', tags: [...of] }),
    get: (key) => bento.get({ key }),
    invalidate: (tag) => bento.deleteByTag({ tags: [tag] }),
  },
  {
    name: 'cacheable',
    set: (key, of) => cacheable.set(key, value, { ttl: '1h', tags: [...of] }),
    get: (key) => cacheable.get(key),
    invalidate: (tag) => cacheable.tags.invalidateTag(tag),
  },
]

/** What the server was asked to do, per call of `run`; also inside scripts. Background questions are few. */
const commands = async (run: (i: number) => Promise<unknown>): Promise<string> => {
  const times = 200
  await run(0)
  await raw.config('RESETSTAT')
  for (let i = 0; i < times; i++) await run(i)
  const stats = await raw.info('commandstats')
  const each = [...stats.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)].flatMap(([, name = '', calls]) => {
    const perCall = Number(calls) / times
    return perCall < 0.5 ? [] : [`${Math.round(perCall)} ${name}`]
  })
  return each.join(', ')
}

console.log('\nWhat Redis is asked to do')
for (const { name, set, get } of subjects) {
  for (let i = 0; i < KEYS; i++) await set(`t${i}`, tags)
  for (let i = 0; i < KEYS; i++) await set(`b${i}`, [])
  const line = async (what: string, run: (i: number) => Promise<unknown>): Promise<void> => {
    console.log(`  ${name.padEnd(14)} ${what.padEnd(22)} ${await commands(run)}`)
  }
  await line('get', (i) => get(`b${i % KEYS}`))
  await line('get, 3 tags', (i) => get(`t${i % KEYS}`))
  await line('set', (i) => set(`b${i % KEYS}`, []))
  await line('set, 3 tags', (i) => set(`t${i % KEYS}`, tags))
}

const contenders = (run: (subject: Subject, i: number) => Promise<unknown>) =>
  subjects.map((subject) => ({ name: subject.name, run: (i: number) => run(subject, i) }))
const options = { inFlight: 64, rounds: 21 }
printTable(
  'get with 3 tags, 64 in flight',
  await compare(
    contenders(({ get }, i) => get(`t${i % KEYS}`)),
    options,
  ),
)
printTable(
  'set with 3 tags, 64 in flight',
  await compare(
    contenders(({ set }, i) => set(`t${i % KEYS}`, tags)),
    options,
  ),
)

const MANY = 100_000
/** ms that others may wait for one command. */
const LONGEST = 10
console.log(`\nInvalidation of a tag that ${MANY.toLocaleString('en')} entries bear`)
for (const { name, set, get, invalidate } of subjects) {
  for (let i = 0; i < MANY; i += 100) {
    await Promise.all(Array.from({ length: 100 }, (_, n) => set(`m${i + n}`, ['many'])))
  }
  const before = await raw.dbsize()
  await raw.config('SET', 'slowlog-max-len', '10000', 'slowlog-log-slower-than', '200')
  await raw.call('SLOWLOG', 'RESET')
  const started = performance.now()
  await invalidate('many')
  const ms = performance.now() - started
  // As long as one command runs, everybody else waits.
  const slow = (await raw.call('SLOWLOG', 'GET', '10000')) as readonly (readonly unknown[])[]
  const longest = Math.max(0.2, ...slow.map((entry) => Number(entry[2]) / 1_000))
  await raw.config('SET', 'slowlog-log-slower-than', '-1')
  const left = 1 - (before - (await raw.dbsize())) / MANY
  const gone = (await get('m1')) === undefined
  console.log(
    `  ${name.padEnd(14)} ${ms.toFixed(0).padStart(6)} ms, its longest command took ${longest.toFixed(1)} ms, ` +
      `${Math.round(left * 100)} % still in Redis, ${gone ? 'a miss' : 'STILL READ'} for its own reader`,
  )
  if (name === 'motia-redis') {
    const met = longest <= LONGEST && Math.round(left * 100) <= 0 && gone
    console.log(`  goal for it: no command longer than ${LONGEST} ms, nothing left: ${judged(met)}`)
  }
}

await bento.disconnectAll()
await cacheable.disconnect()
connection.disconnect()
await tiers.close()
raw.disconnect()
await server.stop()
rmSync(dir, { recursive: true, force: true })
