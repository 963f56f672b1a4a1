import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { startRedis } from '../scripts/local-redis.ts'
import { createCacheClient } from '../src/cache/client.ts'
import { createEmitter } from '../src/events.ts'
import { createWorkflows } from '../src/motia/plugin/runs/workflows.ts'
import { openTiers } from '../src/open.ts'
import { readSettings } from '../src/settings/read-settings.ts'
import { judged } from './measure.ts'

/**
 * What an hour of traffic leaves in the server's memory. Goal: over the last 40 minutes less than 1 MB an hour, of the
 * heap after a collection and of the process as a whole.
 *
 * The hour has 200 calls a second on two instances, a step run for every ten, a scrape every 15 s, and a panel that
 * polls the overview and the workflows every 2 s and 5 s. It is compressed into MINUTES (10): all its calls, scrapes
 * and polls are made, only faster. What grows with time and not with calls shows with MINUTES=60 only.
 */
const CALLS = 200 * 3_600
const MINUTES = Number(process.env.MINUTES ?? 10)
const IN_FLIGHT = 16
const SAMPLES = 60
const FIRST = 20
const KEYS = 20_000

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined }
const dir = mkdtempSync(join(tmpdir(), 'motia-redis-memory-'))
const [primary, secondary] = await Promise.all([startRedis(), startRedis()])
const env = {
  ...{ REDIS_PRIMARY_URL: primary.url, REDIS_SECONDARY_URL: secondary.url, MOTIA_REDIS_DIR: dir },
  // A machine that does something else meanwhile changes nothing of what is measured here.
  ...{ MOTIA_REDIS_DEADLINE_READ: '3s', MOTIA_REDIS_DEADLINE_WRITE: '3s' },
}
const settings = readSettings({}, { env, baseDir: '.', production: false })
const tiers = openTiers(settings, { report: quiet, events: createEmitter(quiet) })
await tiers.start()
const cache = createCacheClient(tiers.engine)
const workflows = createWorkflows()

/** The same numbers each time. */
let seed = 42
const random = (below: number): number => {
  seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
  return Math.floor((seed / 2_147_483_648) * below)
}

const categories = ['auth', 'orders', 'notifications', 'analytics', 'user', 'menu', 'ml', 'cache']
const value = { name: 'x'.repeat(200), list: [1, 2, 3], nested: { at: 1 } }

const call = (): Promise<unknown> => {
  const category = categories[random(categories.length)] ?? 'cache'
  const key = `key:${random(KEYS)}`
  const kind = random(100)
  if (kind < 60) return cache.get(key, { category })
  if (kind < 70) return cache.getOrSet(key, () => value, { category, ttl: '1m' })
  if (kind < 80) return cache.set(key, value, { category, ttl: '1m', tags: [`tag:${random(100)}`] })
  if (kind < 85) return cache.getMany([key, `${key}0`, `${key}1`], { category })
  if (kind < 88) return cache.delete(key, { category })
  if (kind < 90) return cache.increment(`count:${random(100)}`, { category, ttl: '1m' })
  return kind < 95
    ? tiers.hot.get(`trace:${random(500)}`, key)
    : tiers.hot.set(`trace:${random(500)}`, `k${kind}`, value)
}

const beside = async (made: number): Promise<void> => {
  if (made % 10 === 0) {
    const run = workflows.begin({ step: `Step${random(20)}`, traceId: `trace-${made}` })
    run.count({ operation: 'get', category: 'menu', ms: 1, hits: 1, misses: 0, failed: false })
    run.ended(made % 100 === 0)
  }
  if (made % 400 === 0) await (await tiers.sight()).overview({})
  if (made % 1_000 === 0) workflows.view()
  if (made % 3_000 === 0) await (await tiers.metrics()).text()
}

/** MB of the process that are its own: pages of files (LMDB's) are the system's to take back. Elsewhere than on Linux all. */
const ownMemory = (): number => {
  const status = existsSync('/proc/self/status') ? readFileSync('/proc/self/status', 'utf8') : ''
  const own = /^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1]
  return own === undefined ? process.memoryUsage().rss / 2 ** 20 : Number(own) / 1024
}

/** What a collection leaves, once what is under way has ended. */
const settled = async (): Promise<{ readonly heap: number; readonly process: number }> => {
  for (let n = 0; n < 3; n++) {
    collect()
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const { heapUsed, external } = process.memoryUsage()
  return { heap: (heapUsed + external) / 2 ** 20, process: ownMemory() }
}

const samples: Awaited<ReturnType<typeof settled>>[] = []
const begun = performance.now()
let made = 0
let failed = 0
const worker = async (until: number): Promise<void> => {
  while (made < until) {
    made += 1
    const mine = made
    await call().catch(() => {
      failed += 1
    })
    await beside(mine)
  }
}
for (let at = 1; at <= SAMPLES; at++) {
  await Promise.all(Array.from({ length: IN_FLIGHT }, () => worker((CALLS / SAMPLES) * at)))
  const early = (MINUTES * 60_000 * at) / SAMPLES - (performance.now() - begun)
  if (early > 0) await new Promise((resolve) => setTimeout(resolve, early))
  samples.push(await settled())
}

/** MB an hour, by least squares. */
const slope = (of: 'heap' | 'process'): number => {
  const points = samples.slice(FIRST).map((sample, at) => [at / SAMPLES, sample[of]] as const)
  const mean = (axis: 0 | 1): number => points.reduce((sum, point) => sum + point[axis], 0) / points.length
  const [x, y] = [mean(0), mean(1)]
  const [up, across] = points.reduce(([a, b], [px, py]) => [a + (px - x) * (py - y), b + (px - x) ** 2], [0, 0])
  return up / across
}
const minutes = (performance.now() - begun) / 60_000
console.log(`\nan hour of 200 calls a second, made in ${minutes.toFixed(1)} minutes; ${failed} calls failed`)
for (const of of ['heap', 'process'] as const) {
  const course = [0, 10, 20, 30, 40, 50, SAMPLES - 1].map((at) => samples[at]?.[of].toFixed(1)).join(' ')
  const grows = slope(of)
  console.log(`  ${of.padEnd(10)} ${course} MB, every 10 minutes`)
  console.log(`  ${''.padEnd(10)} last 40 minutes: ${grows.toFixed(2)} MB/h (goal: < 1 MB/h) ${judged(grows < 1)}`)
}

await tiers.close()
await Promise.all([primary.stop(), secondary.stop()])
rmSync(dir, { recursive: true, force: true })
