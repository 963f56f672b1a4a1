import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { buildIfStale } from '../scripts/build-if-stale.ts'
import { startRedis } from '../scripts/local-redis.ts'
import { compare, judged, measured, printGoal, printTable } from './measure.ts'
import { printCost } from './outage/cost.ts'
import { missedIn } from './outage/goals.ts'
import { afterKill, whileFlapping, withManyEntries } from './outage/recoveries.ts'
import { detectIdle, type Harm, type Outcome, runOutage } from './outage/scenario.ts'
import { subjectsOf } from './outage/subjects.ts'

/**
 * The same outage for us and for others, then what failover costs while all is well. Goals, absolute since deadlines
 * are: killed: known in 50 ms, the first call answered; frozen: known in 300 ms under load, in 1,500 idle, no call over
 * 300 ms, afterwards at most 2x slower; up again within 2 s, 4 s after a
 * server process was killed, plus 1 s per 20,000 entries; at most 4 failovers a minute; 0 errors besides increments of
 * unknown outcome, 0 acknowledged writes lost, 0 stale. Kept set 0.8x of two bare SETs. At rest under 2.5 commands a second.
 */

// The built package, as users run it.
buildIfStale()
const built = new URL('../dist/index.js', import.meta.url).href
const { redisTiers } = (await import(built)) as typeof import('../types/index.ts')

const ms = (value: number | undefined): string => (value === undefined ? '' : `${Math.round(value)}`)
const row = (name: string, each: Outcome): Record<string, string | number> => ({
  cache: name,
  calls: each.calls,
  errors: each.errors,
  'unknown increments': each.unknown === undefined ? '' : `${each.unknown} of ${each.increments}`,
  hung: each.hung,
  'longest ms': ms(each.longest),
  'first call': each.first,
  slower: each.slower === undefined ? 'none answered' : `${each.slower.toFixed(1)}x`,
  'known ms': ms(each.detected),
  'up ms': ms(each.back),
  'keys written': each.written,
  gone: each.gone,
  stale: each.stale,
})

for (const harm of ['killed', 'frozen'] satisfies Harm[]) {
  console.log(
    `\nThe server ${harm} for 1.5 s under 16 callers, then back with its data; a fresh process reads afterwards`,
  )
  const rows = []
  const goals: [name: string, missed: readonly string[]][] = []
  for (const subject of subjectsOf(redisTiers)) {
    const outcome = await runOutage(subject, harm)
    rows.push(row(subject.name, outcome))
    if (subject.ours !== undefined) goals.push([subject.name, missedIn(outcome, harm, subject.ours)])
  }
  console.table(rows)
  for (const [name, missed] of goals)
    console.log(`  ${name.padEnd(24)} ${judged(missed.length === 0)} ${missed.join(', ')}`)
}

const [idle] = subjectsOf(redisTiers)
const detected = idle && (await detectIdle(idle))
console.log(
  `\nFrozen while nobody calls: known after ${ms(detected)} ms (goal 1,500) ${judged((detected ?? Number.POSITIVE_INFINITY) <= 1_500)}`,
)

const recoveries = [await afterKill(built), await withManyEntries(redisTiers), await whileFlapping(redisTiers)]
console.log('\nComing back')
console.table(recoveries)
await printCost()

const [primary, secondary] = await Promise.all([startRedis(), startRedis()])
const dir = mkdtempSync(join(tmpdir(), 'motia-redis-bench-'))
const tiers = redisTiers({
  env: { REDIS_PRIMARY_URL: primary.url, REDIS_SECONDARY_URL: secondary.url, MOTIA_REDIS_DIR: dir },
})
const raw = [primary, secondary].map(({ port }) => new Redis(port))
try {
  const value = { orderId: 'o-1234567', status: 'open', total: 129.5, note: 'x'.repeat(60) }
  await tiers.cache.set('warm', value, { category: 'orders' })

  const kept = [
    {
      name: 'two bare SETs, one on each instance',
      run: (i: number) =>
        Promise.all(raw.map((client) => client.set(`raw:${i % 1_000}`, JSON.stringify(value), 'PX', 3_600_000))),
    },
    {
      name: 'motia-redis cache.set, kept',
      run: (i: number) => tiers.cache.set(`k${i % 1_000}`, value, { category: 'orders', ttl: '1h' }),
    },
  ]
  const state = [
    {
      name: 'two bare HSETs, one on each instance',
      run: (i: number) =>
        Promise.all(raw.map((client) => client.hset('raw:state', `k${i % 1_000}`, JSON.stringify(value)))),
    },
    { name: 'motia-redis state.set', run: (i: number) => tiers.state.set('bench', `k${i % 1_000}`, value) },
  ]
  for (const inFlight of [64, 1]) {
    for (const [what, contenders] of [
      ['kept', kept],
      ['state', state],
    ] as const) {
      const title = `${what} set, ${inFlight} in flight`
      await measured(title, async () => {
        const results = await compare(contenders, { inFlight })
        printTable(title, results)
        printGoal('ours against the first', results.at(-1)?.ratio ?? 0, 0.8)
      })
    }
  }

  const commands = async (): Promise<number[]> =>
    Promise.all(
      raw.map(async (client) => Number(/total_commands_processed:(\d+)/.exec(await client.info('stats'))?.[1])),
    )
  const seconds = 10
  const before = await commands()
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000))
  const after = await commands()
  console.log('\nCommands per second at rest (goal under 2.5)')
  for (const [i, name] of ['primary', 'secondary'].entries()) {
    const perSecond = ((after[i] ?? 0) - (before[i] ?? 0) - 1) / seconds
    console.log(`  ${name.padEnd(12)} ${perSecond.toFixed(2)} ${judged(perSecond < 2.5)}`)
  }
} finally {
  for (const client of raw) client.disconnect()
  await tiers.close()
  await Promise.all([primary.stop(), secondary.stop()])
  rmSync(dir, { recursive: true, force: true })
}
