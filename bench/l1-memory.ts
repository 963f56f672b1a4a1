import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { buildIfStale } from '../scripts/build-if-stale.ts'
import { startRedis } from '../scripts/local-redis.ts'

/** What copies in memory really take, where their bound is reached: far more values of 1 KB are read than it holds. */
const BOUND = 64 * 1024 * 1024
const KEYS = 120_000
const BATCH = 1_000
const megabytes = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MB`.padStart(8)

const measure = async (): Promise<void> => {
  if (gc === undefined) throw new Error('run it with --expose-gc')
  const collect = gc
  const server = await startRedis({ args: ['--save', '', '--appendonly', 'no'] })
  const raw = new Redis({ host: '127.0.0.1', port: server.port })
  const built = new URL('../dist/index.js', import.meta.url).href
  const { redisTiers } = (await import(built)) as typeof import('../types/index.js')
  const dir = mkdtempSync(join(tmpdir(), 'motia-redis-bench-'))
  const { cache, close } = redisTiers({
    env: { REDIS_PRIMARY_URL: server.url, MOTIA_REDIS_DIR: dir },
    categories: { menu: { l1: '1h', ttl: '1h' } },
  })
  const menu = cache.category('menu')
  const keysFrom = (from: number): string[] => Array.from({ length: BATCH }, (_, n) => `k:${from + n}`)
  for (let from = 0; from < KEYS; from += BATCH) {
    const pipeline = raw.pipeline()
    for (const key of keysFrom(from)) {
      pipeline.set(`menu:${key}`, JSON.stringify({ value: key.padEnd(1_000, 'x'), expires: Date.now() + 3_600_000 }))
    }
    await pipeline.exec()
  }
  const readAll = async (keys: number): Promise<void> => {
    for (let from = 0; from < keys; from += BATCH) {
      const batch = keysFrom(from)
      await menu.getMany(batch)
      // From memory, as most reads are.
      await Promise.all(batch.map((key) => menu.get(key)))
    }
  }
  const settled = async (): Promise<NodeJS.MemoryUsage> => {
    for (let n = 0; n < 5; n++) {
      collect()
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    return process.memoryUsage()
  }

  // What reading itself takes isn't what copies take: that much is read while there are none.
  await readAll(20 * BATCH)
  while ((await menu.getEntry('k:0'))?.source !== 'l1') await menu.get('k:0')
  await menu.clear()
  const before = await settled()
  for (let from = 0; from < KEYS; from += BATCH) {
    await menu.setMany(keysFrom(from).map((key) => [key, key.padEnd(1_000, 'x')]))
  }
  await readAll(KEYS)
  const after = await settled()
  const heap = after.heapUsed - before.heapUsed
  const process_ = after.rss - before.rss
  console.log(`\ncopies of 1 KB values at a bound of ${megabytes(BOUND).trim()}`)
  console.log(`  heap grew by    ${megabytes(heap)}  ${(heap / BOUND).toFixed(2)}x`)
  console.log(`  process grew by ${megabytes(process_)}  ${(process_ / BOUND).toFixed(2)}x (goal: at most 1.5x)`)
  await close()
  raw.disconnect()
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
