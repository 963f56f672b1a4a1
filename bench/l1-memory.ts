import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildIfStale } from '../scripts/build-if-stale.ts'
import { startRedis } from '../scripts/local-redis.ts'
import { judged } from './measure.ts'

/** What copies in memory really take, where their bound is reached: far more values of 1 KB are read than it holds. */
const BOUND = 64 * 1024 * 1024
const KEYS = 120_000
const BATCH = 1_000
const megabytes = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MB`.padStart(8)

const measure = async (): Promise<void> => {
  if (gc === undefined) throw new Error('run it with --expose-gc')
  const collect = gc
  const server = await startRedis({ args: ['--save', '', '--appendonly', 'no'] })
  const built = new URL('../dist/index.js', import.meta.url).href
  const { redisTiers } = (await import(built)) as typeof import('../types/index.js')
  const dir = mkdtempSync(join(tmpdir(), 'motia-redis-bench-'))
  const { cache, close } = redisTiers({
    env: {
      ...{ REDIS_PRIMARY_URL: server.url, MOTIA_REDIS_DIR: dir },
      // A machine that does something else meanwhile changes nothing of what is measured here.
      ...{ MOTIA_REDIS_DEADLINE_READ: '3s', MOTIA_REDIS_DEADLINE_WRITE: '3s' },
    },
    categories: { menu: { l1: '1h', ttl: '1h' }, cache: { l1: false } },
  })
  const keysFrom = (from: number): string[] => Array.from({ length: BATCH }, (_, n) => `k:${from + n}`)
  /** Writes them and reads them twice: the second time from memory, where there is a copy. */
  const work = async (category: 'menu' | 'cache'): Promise<void> => {
    for (let from = 0; from < KEYS; from += BATCH) {
      const keys = keysFrom(from)
      await cache.setMany(
        keys.map((key) => [key, key.padEnd(1_000, 'x')]),
        { category },
      )
      await cache.getMany(keys, { category })
      await Promise.all(keys.map((key) => cache.get(key, { category })))
    }
  }
  const settled = async (): Promise<NodeJS.MemoryUsage> => {
    for (let n = 0; n < 5; n++) {
      collect()
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    return process.memoryUsage()
  }

  // What the work itself leaves behind isn't what copies take: the same is done before where there are none.
  await work('cache')
  await cache.set('first', 1, { category: 'menu' })
  while ((await cache.getEntry('first', { category: 'menu' }))?.source !== 'l1')
    await cache.get('first', { category: 'menu' })
  const before = await settled()
  await work('menu')
  const after = await settled()
  const heap = after.heapUsed - before.heapUsed
  const process_ = after.rss - before.rss
  console.log(`\ncopies of 1 KB values at a bound of ${megabytes(BOUND).trim()}`)
  console.log(`  heap grew by    ${megabytes(heap)}  ${(heap / BOUND).toFixed(2)}x`)
  console.log(
    `  process grew by ${megabytes(process_)}  ${(process_ / BOUND).toFixed(2)}x (goal: at most 1.5x) ${judged(process_ <= 1.5 * BOUND)}`,
  )
  await close()
  await server.stop()
  rmSync(dir, { recursive: true, force: true })
}

if (process.env.BENCH_MEASURE === '1') await measure()
else {
  buildIfStale()
  const file = fileURLToPath(import.meta.url)
  const env = { ...process.env, BENCH_MEASURE: '1' }
  const { status } = spawnSync(process.execPath, ['--expose-gc', '--import', 'tsx', file], { stdio: 'inherit', env })
  if (status !== 0) process.exitCode = 1
}
