import { expect, it, onTestFinished } from 'vitest'
import { createLoopWindow } from '../../../src/metrics/loop-window.ts'
import { createMeters } from '../../../src/metrics/meters.ts'
import { createExposition } from '../../../src/metrics/prometheus.ts'
import { measureState } from '../../../src/metrics/state-meter.ts'
import { readSettings } from '../../../src/settings/read-settings.ts'
import type { HotStore } from '../../../src/state/hot-store.ts'
import type { HealthReport, InstanceHealth } from '../../../types/index.ts'
import { readScrape } from '../../support/scrape.ts'
import { until } from '../../support/until.ts'

const settings = readSettings(
  { categories: { menu: {} }, inferCategory: { 'dish-': 'menu' } },
  { env: {}, baseDir: '.', production: false },
)

const primary: InstanceHealth = {
  ...{ name: 'primary', state: 'catching-up', since: 0, readable: false, writable: true, latency: 3 },
  ...{ memory: { used: 12, max: 30, policy: 'volatile-lru' }, categories: [], standsInFor: [], tracking: 'on' },
  journal: { entries: 7, bytes: 700, aside: 1 },
}

const hot = {
  get: async () => null,
  set: async () => Promise.reject(new Error('no')),
  skipped: () => 4,
} as unknown as HotStore

const open = async (instances: HealthReport['instances'] = []) => {
  const meters = createMeters(settings, () => Date.UTC(2030, 0))
  const moves = { failover: new Map([['menu', 2]]), failback: new Map<string, number>() }
  const health = (): HealthReport => ({ status: 'degraded', age: 0, instances })
  const sources = new Map([['menu', { entries: 3, bytes: 3_000, evicted: 2, hits: 9 }]])
  const state = measureState(hot, () => 0)
  const exposition = await createExposition({
    ...{ meters, moves, health, copies: (category) => sources.get(category), replayed: new Map([['primary', 5]]) },
    state: () => state.meter,
  })
  onTestFinished(exposition.close)
  return { meters, hot: state.hot, scrape: async () => readScrape(await exposition.text()) }
}

/** 0.2 s, after the first look at the event loop. */
const stall = async (): Promise<void> => {
  await new Promise((resolve) => setTimeout(resolve, 50))
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)
}

it('a scrape is what Prometheus reads', async () => {
  const { meters, scrape } = await open([primary])
  meters.of('menu', '').called('get', 3, false)
  const { families, types } = await scrape()
  expect(types.get('motia_redis_call_seconds')).toBe('histogram')
  expect(types.get('motia_redis_reads_total')).toBe('counter')
  for (const [name, type] of types) {
    expect(name).toMatch(/^motia_redis_[a-z0-9_]+$/)
    expect(name.endsWith('_total')).toBe(type === 'counter')
  }
  for (const { metrics } of families) {
    for (const { value, labels = {} } of metrics) {
      expect(Number(value)).not.toBeNaN()
      expect(Object.keys(labels)).not.toContain('key')
    }
  }
})

it('calls are in every bucket that is at least as long', async () => {
  const { meters, scrape } = await open()
  const meter = meters.of('menu', '')
  meter.called('get', 3, false)
  meter.called('get', 30_000, true)
  const { value } = await scrape()
  const of = { category: 'menu', operation: 'get' }
  const bucket = (le: string) => value('call_seconds_bucket', { ...of, le })
  expect(['0.0025', '0.005', '10', '+Inf'].map(bucket)).toEqual([0, 1, 1, 2])
  expect(value('call_seconds_sum', of)).toBe(30.003)
  expect(value('call_seconds_count', of)).toBe(2)
  expect(value('call_errors_total', of)).toBe(1)
})

it('instances, journal, replay and moves are shown as they are now', async () => {
  const { value } = await (await open([primary])).scrape()
  const instance = { instance: 'primary' }
  expect(value('instance_state', { ...instance, state: 'catching-up' })).toBe(1)
  expect(value('instance_state', { ...instance, state: 'up' })).toBe(0)
  expect(value('tracking_state', { ...instance, state: 'on' })).toBe(1)
  expect(value('tracking_state', { ...instance, state: 'refused' })).toBe(0)
  expect(value('instance_latency_seconds', instance)).toBe(0.003)
  expect(value('journal_entries', instance)).toBe(7)
  expect(value('journal_aside', instance)).toBe(1)
  expect(value('replayed_total', instance)).toBe(5)
  expect(value('failovers_total', { category: 'menu' })).toBe(2)
})

it('how late the event loop was is told to everybody who asks, not only to the first', async () => {
  const { scrape } = await open()
  const worst = async (): Promise<number> =>
    Number((await scrape()).value('event_loop_delay_seconds', { quantile: '1' }))
  await stall()
  const first = await until('it was seen', async () => (await worst()) > 0.1 && worst())
  expect(await worst()).toBeGreaterThanOrEqual(first)
  expect(await worst()).toBeGreaterThanOrEqual(first)
})

it('a stall of the event loop is forgotten after two windows', async () => {
  const loop = createLoopWindow(1_000)
  onTestFinished(loop.close)
  await stall()
  await until('it was seen', () => loop.late().max > 0.1)
  await until('it is over', () => loop.late().max < 0.1 && loop.late().p50 >= 0)
})

it('a call without a category counts where it belongs', async () => {
  const { meters, scrape } = await open()
  meters.of(undefined, 'dish-1').read('hit', 1)
  meters.of(undefined, 'anything').read('miss', 1)
  const { value } = await scrape()
  expect(value('reads_total', { category: 'menu', outcome: 'hit' })).toBe(1)
  expect(value('reads_total', { category: 'cache', outcome: 'miss' })).toBe(1)
})

it('where values came from, what was corrupt, who waited, and copies in memory', async () => {
  const { meters, scrape } = await open()
  const meter = meters.of('menu', '')
  meter.found('primary')
  meter.found('primary')
  meter.found('embedded')
  meter.corrupt('schema')
  meter.waited(1_000)
  const { value } = await scrape()
  const menu = { category: 'menu' }
  expect(value('found_total', { ...menu, source: 'primary' })).toBe(2)
  expect(value('found_total', { ...menu, source: 'embedded' })).toBe(1)
  expect(value('found_total', { ...menu, source: 'l1' })).toBe(9)
  expect(value('corrupt_values_total', { ...menu, reason: 'schema' })).toBe(1)
  expect(value('corrupt_values_total', { ...menu, reason: 'unreadable' })).toBe(0)
  expect(value('lease_wait_seconds_count', menu)).toBe(1)
  expect(value('l1_entries', menu)).toBe(3)
  expect(value('l1_bytes', menu)).toBe(3_000)
  expect(value('l1_evictions_total', menu)).toBe(2)
})

it('calls of state, and what runs', async () => {
  const { hot: state, scrape } = await open()
  await state.get('g', 'k')
  await expect(state.set('g', 'k', 1)).rejects.toThrow('no')
  const { value, families } = await scrape()
  expect(value('state_call_seconds_count', { operation: 'get' })).toBe(1)
  expect(value('state_call_errors_total', { operation: 'set' })).toBe(1)
  expect(value('state_corrupt_items_total')).toBe(4)
  const [build] = families.find(({ name }) => name === 'motia_redis_build_info')?.metrics ?? []
  expect(build).toMatchObject({ labels: { version: expect.stringMatching(/^\d+\./) }, value: '1' })
})

it('100,000 different keys and categories make no more series than one', async () => {
  const { meters, scrape } = await open()
  const ask = (at: number): void => {
    const meter = meters.of(`made-up-${at}`, `key-${at}`)
    meter.called('get', 1, false)
    meter.read('miss', 1)
    meter.corrupt('unreadable')
  }
  const series = async (): Promise<number> =>
    (await scrape()).families.reduce((sum, { metrics }) => sum + metrics.length, 0)
  ask(0)
  const before = await series()
  for (let at = 1; at < 100_000; at++) ask(at)
  expect(await series()).toBe(before)
  const { value, families } = await scrape()
  expect(value('reads_total', { category: 'unlisted', outcome: 'miss' })).toBe(100_000)
  expect(JSON.stringify(families)).not.toMatch(/key-|made-up/)
})
