import { fileURLToPath } from 'node:url'
import { buildIfStale } from '../scripts/build-if-stale.ts'
import { startRedis } from '../scripts/local-redis.ts'
import { copyApp, type MotiaApp, startMotia } from '../test/support/motia-app.ts'
import { judged } from './measure.ts'

/**
 * The cache inside real steps. Goals: 200 serial context.cache.get at least 4x faster than context.state.get, 7x where the
 * server has a copy (L1); a step with one cache call at most 5 ms slower at the median than without the plugin, and faster
 * than one that opens its own ioredis connection. Motia gets slower with every traced call, so its servers are started
 * anew for each round; one with and one without the plugin are asked in turn. A difference is the median of those within
 * one turn, since what slows the machine slows the whole turn.
 */
const ROUNDS = 3
const REQUESTS = 25

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0

const timed = async (app: MotiaApp, path: string): Promise<number> => {
  const began = performance.now()
  await app.json(path)
  return performance.now() - began
}

const figures: Record<'off' | 'plain' | 'one' | 'own' | 'l1' | 'cache' | 'state', number[]> = {
  off: [],
  plain: [],
  one: [],
  own: [],
  l1: [],
  cache: [],
  state: [],
}

const round = async (dir: string, url: string): Promise<void> => {
  const env = { REDIS_PRIMARY_URL: url }
  const on = await startMotia({ dir, env })
  const off = await startMotia({ dir, env: { ...env, BENCH_PLUGIN: 'off' } })
  try {
    // As many requests to each server: what one has served slows it down.
    const runs = [
      [figures.off, off, '/plain'],
      [figures.plain, on, '/plain'],
      [figures.own, off, '/own-client'],
      [figures.one, on, '/one-call'],
    ] as const
    for (const [, app, path] of runs) await app.json(path)
    // The order turns, because each request follows in the wake of the one before it.
    for (let n = 0; n < REQUESTS; n++) {
      for (const [list, app, path] of [...runs.slice(n % runs.length), ...runs.slice(0, n % runs.length)]) {
        list.push(await timed(app, path))
      }
    }
    for (let n = 0; n < 3; n++) {
      for (const from of ['l1', 'cache', 'state'] as const) {
        figures[from].push((await on.json<{ ms: number }>(`/serial?from=${from}`)).ms)
      }
    }
  } finally {
    await on.stop()
    await off.stop()
  }
}

buildIfStale()
const redis = await startRedis()
const { dir, remove } = copyApp(fileURLToPath(new URL('../test/fixtures/injection/bench-app', import.meta.url)))
try {
  for (let n = 0; n < ROUNDS; n++) await round(dir, redis.url)
} finally {
  remove()
  await redis.stop()
}

const row = (name: string, ms: number, note: string): void =>
  console.log(`  ${name.padEnd(44)} ${ms.toFixed(1).padStart(8)} ms  ${note}`)
const stepRow = (name: string, list: readonly number[], goal = Number.POSITIVE_INFINITY): number => {
  const more = median(list.map((ms, n) => ms - (figures.off[n] ?? 0)))
  const verdict = goal === Number.POSITIVE_INFINITY ? '' : ` (goal: at most +${goal} ms) ${judged(more <= goal)}`
  row(name, median(list), `${more >= 0 ? '+' : ''}${more.toFixed(1)} ms${verdict}`)
  return more
}

console.log(`\na step, median of ${ROUNDS * REQUESTS} requests, and of the differences within a turn`)
row('plain step, no plugin', median(figures.off), '')
stepRow('plain step, plugin', figures.plain)
const one = stepRow('one context.cache.get', figures.one, 5)
const own = stepRow('own ioredis connection and one get', figures.own)
console.log(`  the cache is the faster one of these two: ${judged(one < own)}`)

const [l1, cache, state] = [median(figures.l1), median(figures.cache), median(figures.state)]
console.log('\n200 serial reads in one step')
row('context.state.get', state, '1.0x')
const readRow = (name: string, ms: number, goal: number): void =>
  row(name, ms, `${(state / ms).toFixed(1)}x (goal: at least ${goal}x) ${judged(state / ms >= goal)}`)
readRow('context.cache.get', cache, 4)
readRow('context.cache.get, from L1', l1, 7)
