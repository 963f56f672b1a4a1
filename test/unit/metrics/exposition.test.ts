import { expect, it, onTestFinished } from 'vitest'
import { createMeters } from '../../../src/metrics/meters.ts'
import { createExposition } from '../../../src/metrics/prometheus.ts'
import { readSettings } from '../../../src/settings/read-settings.ts'
import type { HealthReport, InstanceHealth } from '../../../types/index.ts'

const settings = readSettings(
  { categories: { menu: {} }, inferCategory: { 'dish-': 'menu' } },
  { env: {}, baseDir: '.', production: false },
)

const primary: InstanceHealth = {
  ...{ name: 'primary', state: 'catching-up', since: 0, readable: false, writable: true, latency: 3 },
  ...{ memory: { used: 12, max: 30, policy: 'volatile-lru' }, categories: [], standsInFor: [], tracking: 'on' },
  journal: { entries: 7, bytes: 700, aside: 1 },
}

const open = async (instances: HealthReport['instances'] = []) => {
  const meters = createMeters(settings, () => Date.UTC(2030, 0))
  const moves = { failover: new Map([['menu', 2]]), failback: new Map<string, number>() }
  const health = (): HealthReport => ({ status: 'degraded', age: 0, instances })
  const exposition = await createExposition({ meters, moves, health })
  onTestFinished(exposition.close)
  return { meters, lines: async () => (await exposition.text()).split('\n') }
}

/** As the format's description has it. */
const grammar =
  /^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[a-z]+="[^"\\\n]*"(,[a-z]+="[^"\\\n]*")*\})? (-?\d+(\.\d+)?(e-?\d+)?|Nan|\+Inf))?$/

it('a scrape is what Prometheus reads', async () => {
  const { meters, lines } = await open([primary])
  meters.of('menu', '').called('get', 3, false)
  const text = await lines()
  for (const line of text) expect(line).toMatch(grammar)
  expect(text).toContain('# TYPE motia_redis_call_seconds histogram')
  expect(text).toContain('# TYPE motia_redis_reads_total counter')
})

it('calls are in every bucket that is at least as long', async () => {
  const { meters, lines } = await open()
  const meter = meters.of('menu', '')
  meter.called('get', 3, false)
  meter.called('get', 30_000, true)
  const text = await lines()
  const bucket = (le: string): string | undefined =>
    text.find((line) => line.startsWith('motia_redis_call_seconds_bucket') && line.includes(`le="${le}"`))
  expect(bucket('0.0025')).toMatch(/ 0$/)
  expect(bucket('0.005')).toMatch(/ 1$/)
  expect(bucket('10')).toMatch(/ 1$/)
  expect(bucket('+Inf')).toMatch(/ 2$/)
  expect(text).toContain('motia_redis_call_seconds_sum{category="menu",operation="get"} 30.003')
  expect(text).toContain('motia_redis_call_seconds_count{category="menu",operation="get"} 2')
  expect(text).toContain('motia_redis_call_errors_total{category="menu",operation="get"} 1')
})

it('instances, journal and moves are shown as they are now', async () => {
  const text = await (await open([primary])).lines()
  expect(text).toContain('motia_redis_instance_state{instance="primary",state="catching-up"} 1')
  expect(text).toContain('motia_redis_instance_state{instance="primary",state="up"} 0')
  expect(text).toContain('motia_redis_instance_latency_seconds{instance="primary"} 0.003')
  expect(text).toContain('motia_redis_journal_entries{instance="primary"} 7')
  expect(text).toContain('motia_redis_journal_aside{instance="primary"} 1')
  expect(text).toContain('motia_redis_failovers_total{category="menu"} 2')
})

it('a call without a category counts where it belongs', async () => {
  const { meters, lines } = await open()
  meters.of(undefined, 'dish-1').read('hit', 1)
  meters.of(undefined, 'anything').read('miss', 1)
  const text = await lines()
  expect(text).toContain('motia_redis_reads_total{category="menu",outcome="hit"} 1')
  expect(text).toContain('motia_redis_reads_total{category="cache",outcome="miss"} 1')
})

it('100,000 different keys and categories make no more lines than one', async () => {
  const { meters, lines } = await open()
  const ask = (at: number): void => {
    const meter = meters.of(`made-up-${at}`, `key-${at}`)
    meter.called('get', 1, false)
    meter.read('miss', 1)
  }
  ask(0)
  const before = (await lines()).length
  for (let at = 1; at < 100_000; at++) ask(at)
  const text = await lines()
  expect(text).toHaveLength(before)
  expect(text).toContain('motia_redis_reads_total{category="unlisted",outcome="miss"} 100000')
})
