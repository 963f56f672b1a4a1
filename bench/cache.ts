import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { buildIfStale } from '../scripts/build-if-stale.ts'
import { startRedis } from '../scripts/local-redis.ts'
import { compare, judged, printGoal, printTable, type Result } from './measure.ts'
import { openRivals } from './rivals/second-level.ts'

/**
 * The second level, in-process, against raw ioredis + JSON and caches of others, on the same server in the same run;
 * what compression saves and costs; and what callers get of a factory that fails.
 */
const server = await startRedis({ args: ['--save', '', '--appendonly', 'no'] })

// The built package, as users run it: tsx wraps every closure, which costs more than our part of a call.
buildIfStale()
const built = new URL('../dist/index.js', import.meta.url).href
const { redisTiers } = (await import(built)) as typeof import('../types/index.js')
const dir = mkdtempSync(join(tmpdir(), 'motia-redis-bench-'))
const { cache, close } = redisTiers({
  env: { REDIS_PRIMARY_URL: server.url, MOTIA_REDIS_DIR: dir },
  categories: {
    second: { ttl: '1h', l1: false },
    packed: { ttl: '1h', l1: false, compressAbove: 1024 },
  },
})
const { rivals, close: closeRivals } = await openRivals(server.url)
const second = cache.category('second')
const packed = cache.category('packed')

const small = { id: 'u-10293', name: 'Ada Lovelace', active: true, logins: 42, plan: 'pro' }
const large = {
  items: Array.from({ length: 56 }, (_, i) => ({
    id: `dish-${i}`,
    name: `A dish with a fairly long name ${i}`,
    price: 9.5 + i,
    tags: ['vegan', 'lunch'],
  })),
}
const KEYS = 1000
for (let i = 0; i < KEYS; i++) {
  for (const [kind, value] of [
    ['s', small],
    ['l', large],
  ] as const) {
    await Promise.all(rivals.map(({ set }) => set(`${kind}:${i}`, value)))
    await second.set(`${kind}:${i}`, value)
  }
  await packed.set(`l:${i}`, large)
}

const ofBest = (results: readonly Result[]): number =>
  (results.at(-1)?.perSecond ?? 0) / Math.max(...results.slice(0, -1).map(({ perSecond }) => perSecond))

for (const [kind, value, goal] of [
  ['s', small, 1.3],
  ['l', large, 1.1],
] as const) {
  const text = JSON.stringify(value)
  for (const { name, get } of [...rivals, { name: 'ours', get: (key: string) => second.get(key) }]) {
    if (JSON.stringify(await get(`${kind}:1`)) !== text) throw new Error(`${name} answers something else`)
  }
  for (const inFlight of [64, 1]) {
    const reads = [
      ...rivals.map(({ name, get }) => ({ name, run: (i: number) => get(`${kind}:${i % KEYS}`) })),
      { name: 'motia-redis cache.get', run: (i: number) => second.get(`${kind}:${i % KEYS}`) },
    ]
    const results = await compare(reads, { inFlight })
    printTable(`L2 get, ${text.length} bytes, ${inFlight} in flight`, results)
    if (inFlight === 1) continue
    printGoal('ours against the first', results.at(-1)?.ratio ?? 0, goal)
    printGoal('ours against the best of the others', ofBest(results), 1)
  }
  const writes = [
    ...rivals.map(({ name, set }) => ({ name, run: (i: number) => set(`w:${i % KEYS}`, value) })),
    { name: 'motia-redis cache.set', run: (i: number) => second.set(`w:${i % KEYS}`, value) },
  ]
  const results = await compare(writes, { inFlight: 64 })
  printTable(`set, ${text.length} bytes, 64 in flight`, results)
  printGoal('ours against the best of the others', ofBest(results), 1)
}

const raw = new Redis(server.url)
const plainBytes = await raw.strlen('second:l:1')
const packedBytes = await raw.strlen('packed:l:1')
console.log(`\ncompressed, ${plainBytes} bytes in Redis become ${packedBytes}`)
printGoal('that many times less', plainBytes / packedBytes, 5_500 / 1_300)
for (const [what, of] of [
  ['get', (to: typeof second) => (i: number) => to.get(`l:${i % KEYS}`)],
  ['set', (to: typeof second) => (i: number) => to.set(`w:${i % KEYS}`, large)],
] as const)
  printTable(
    `${what}, ${plainBytes} bytes, 64 in flight`,
    await compare(
      [
        { name: 'as it is', run: of(second) },
        { name: 'compressed', run: of(packed) },
      ],
      { inFlight: 64 },
    ),
  )
raw.disconnect()

console.log('\n50 callers of a factory that fails after 50 ms (goal: 1 call, all answered within 80 ms)')
const computing = [
  ...rivals.flatMap(({ name, compute }) => (compute === undefined ? [] : [{ name, compute }])),
  { name: 'motia-redis', compute: (key: string, factory: () => Promise<unknown>) => second.getOrSet(key, factory) },
]
for (const { name, compute } of computing) {
  let calls = 0
  const factory = async (): Promise<never> => {
    calls += 1
    await new Promise((resolve) => setTimeout(resolve, 50))
    throw new Error('no luck')
  }
  await compute('warm', async () => 1)
  const began = performance.now()
  const ended = await Promise.allSettled(Array.from({ length: 50 }, () => compute(`failing:${name}`, factory)))
  const ms = performance.now() - began
  const rejected = ended.filter(({ status }) => status === 'rejected').length
  const verdict = name !== 'motia-redis' ? '' : `, ${judged(calls === 1 && ms <= 80 && rejected === 50)}`
  console.log(`  ${name.padEnd(44)} ${calls} calls, ${ms.toFixed(0)} ms, ${rejected} of 50 heard of it${verdict}`)
}

await Promise.all([close(), closeRivals()])
await server.stop()
rmSync(dir, { recursive: true, force: true })
