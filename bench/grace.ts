import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import KeyvRedis from '@keyv/redis'
import { BentoCache, bentostore } from 'bentocache'
import { redisDriver } from 'bentocache/drivers/redis'
import { createCache } from 'cache-manager'
import { Cacheable } from 'cacheable'
import { Redis } from 'ioredis'
import Keyv from 'keyv'
import { buildIfStale } from '../scripts/build-if-stale.ts'
import { startRedis } from '../scripts/local-redis.ts'

/**
 * A value whose time is over, and a source that takes 200 ms: how long those wait who ask for it, how often the source
 * is asked, and what a source that fails does to them. Caches that know no grace compute while everybody waits.
 */
const ROUNDS = 10
const CALLERS = 50
const SLOW = 200
/** ms that a value lives. */
const LIFE = 30

const server = await startRedis({ args: ['--save', '', '--appendonly', 'no'] })
buildIfStale()
const built = new URL('../dist/index.js', import.meta.url).href
const { redisTiers } = (await import(built)) as typeof import('../types/index.js')
const dir = mkdtempSync(join(tmpdir(), 'motia-redis-bench-'))
const { cache, close } = redisTiers({
  env: { REDIS_PRIMARY_URL: server.url, MOTIA_REDIS_DIR: dir },
  categories: { menu: { l1: false, ttl: LIFE, grace: '1h' } },
})
const connection = new Redis(server.url)
const bento = new BentoCache({
  default: 'redis',
  stores: { redis: bentostore().useL2Layer(redisDriver({ connection })) },
})
const keyv = (namespace: string): Keyv => new Keyv({ store: new KeyvRedis(server.url), namespace })
const cacheable = new Cacheable({ primary: keyv('cacheable'), ttl: LIFE })
const manager = createCache({ stores: [keyv('manager')], ttl: LIFE })

type Compute = (key: string, factory: () => Promise<unknown>) => Promise<unknown>
const subjects: readonly [name: string, compute: Compute][] = [
  ['motia-redis', (key, factory) => cache.getOrSet(key, factory, { category: 'menu' })],
  ['bentocache', (key, factory) => bento.getOrSet({ key, factory, ttl: LIFE, grace: '1h', timeout: 0 })],
  ['cacheable', (key, factory) => cacheable.getOrSet(key, factory, { ttl: LIFE })],
  ['cache-manager', (key, factory) => manager.wrap(key, factory, LIFE)],
]

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0

for (const fails of [false, true]) {
  console.log(
    `\n${CALLERS} callers of a value that is over, a source that ${fails ? 'fails after' : 'takes'} ${SLOW} ms`,
  )
  for (const [name, compute] of subjects) {
    const slowest: number[] = []
    let asked = 0
    let errors = 0
    for (let round = 0; round < ROUNDS; round++) {
      const key = `${fails}:${round}`
      await compute(key, async () => 'old')
      await pause(LIFE + 10)
      const began = performance.now()
      const answers = await Promise.allSettled(
        Array.from({ length: CALLERS }, () =>
          compute(key, async () => {
            asked++
            await pause(SLOW)
            if (fails) throw new Error('the source is away')
            return 'new'
          }),
        ),
      )
      slowest.push(performance.now() - began)
      errors += answers.filter(({ status }) => status === 'rejected').length
      await pause(SLOW + 50)
    }
    const perRound = (count: number): string => (count / ROUNDS).toFixed(1)
    console.log(
      `  ${name.padEnd(20)} slowest answer ${median(slowest).toFixed(1).padStart(7)} ms   asked ${perRound(asked)}   errors ${perRound(errors)}`,
    )
  }
}

await close()
await Promise.all([bento.disconnectAll(), cacheable.disconnect(), manager.disconnect()])
connection.disconnect()
await server.stop()
rmSync(dir, { recursive: true, force: true })
