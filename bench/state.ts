import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RedisStateAdapter } from '@motiadev/adapter-redis-state'
import type { StateAdapter } from 'motia'
import { createClient } from 'redis'
import { buildIfStale } from '../scripts/build-if-stale.ts'
import { startRedis } from '../scripts/local-redis.ts'
import { type Contender, compare, printGoal, printTable } from './measure.ts'

/**
 * Our state adapter beside Motia's Redis adapter, on one Redis, in one run. Goals: get and set at least 0.9x with one
 * call in flight, getGroup of 10 keys beside 100,000 foreign ones at least 300x. Calls in flight for one group travel
 * more cheaply than those for many, so both are shown.
 *
 * Ours is the built package, as users run it: tsx names every function it compiles as it is made, which costs more
 * than our part of a call.
 */
const FOREIGN = 100_000
const GROUPS = 64
const value = {
  orderId: 'o-1234567',
  status: 'open',
  total: 129.5,
  items: [{ sku: 'a-1', n: 2 }],
  note: 'x'.repeat(60),
}

buildIfStale()
const built = new URL('../dist/index.js', import.meta.url).href
const { redisTiers } = (await import(built)) as typeof import('../types/index.ts')

const server = await startRedis()
const dir = mkdtempSync(join(tmpdir(), 'motia-redis-bench-'))
const tiers = redisTiers({ env: { REDIS_PRIMARY_URL: server.url, MOTIA_REDIS_DIR: dir } })
const ours: StateAdapter = tiers.state
const theirs: StateAdapter = new RedisStateAdapter({ url: server.url })

const pair = (run: (adapter: StateAdapter, i: number) => Promise<unknown>): Contender[] => [
  { name: "Motia's Redis adapter", run: (i) => run(theirs, i) },
  { name: 'motia-redis', run: (i) => run(ours, i) },
]

try {
  for (const adapter of [theirs, ours]) for (let n = 0; n < 10; n++) await adapter.set('trace', `k${n}`, value)

  const get = await compare(
    pair((adapter) => adapter.get('trace', 'k1')),
    { inFlight: 1 },
  )
  printTable('state get, 1 in flight', get)
  printGoal('ours against the first', get.at(-1)?.ratio ?? 0, 0.9)
  const set = await compare(
    pair((adapter, i) => adapter.set('trace', `k${i % 10}`, value)),
    { inFlight: 1 },
  )
  printTable('state set, 1 in flight', set)
  printGoal('ours against the first', set.at(-1)?.ratio ?? 0, 0.9)
  const busy = await compare(
    pair((adapter) => adapter.get('trace', 'k1')),
    { inFlight: 64 },
  )
  printTable('state get, 64 in flight', busy)
  const busySet = await compare(
    pair((adapter, i) => adapter.set('trace', `k${i % 10}`, value)),
    { inFlight: 64 },
  )
  printTable('state set, 64 in flight', busySet)
  for (const adapter of [theirs, ours]) for (let n = 0; n < GROUPS; n++) await adapter.set(`other${n}`, 'k1', value)
  const spread = await compare(
    pair((adapter, i) => adapter.get(`other${i % GROUPS}`, 'k1')),
    { inFlight: 64 },
  )
  printTable(`state get in ${GROUPS} groups, 64 in flight`, spread)
  const spreadSet = await compare(
    pair((adapter, i) => adapter.set(`other${i % GROUPS}`, 'k1', value)),
    { inFlight: 64 },
  )
  printTable(`state set in ${GROUPS} groups, 64 in flight`, spreadSet)

  const raw = await createClient({ url: server.url }).connect()
  const foreign = Array.from({ length: FOREIGN }, (_, n): [string, string] => [`foreign:${n}`, 'x'])
  for (let at = 0; at < FOREIGN; at += 10_000) await raw.mSet(foreign.slice(at, at + 10_000))
  raw.destroy()
  const group = await compare(
    pair((adapter) => adapter.getGroup('trace')),
    { inFlight: 1, rounds: 5, ms: 800 },
  )
  printTable(`state getGroup of 10 keys beside ${FOREIGN.toLocaleString('en')} foreign keys`, group)
  printGoal('ours against the first', group.at(-1)?.ratio ?? 0, 300)
} finally {
  await Promise.allSettled([tiers.close(), theirs.cleanup()])
  await server.stop()
  rmSync(dir, { recursive: true, force: true })
}
