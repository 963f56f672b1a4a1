import { expect, it } from 'vitest'
import type { Acquired, Lease } from '../../../src/cache/engine.ts'
import { measureEngine } from '../../../src/metrics/measured-engine.ts'
import { createMeters } from '../../../src/metrics/meters.ts'
import { createWorkflows } from '../../../src/motia/plugin/runs/workflows.ts'
import { createStepHost } from '../../../src/motia/plugin/step-host.ts'
import { createMemoryEngine } from '../motia/memory-engine.ts'
import { fakeChild } from '../motia/runs/fake-child.ts'

const value = { json: '1' }
const lease: Lease = {
  ...{ category: 'menu', hardTimeout: 1_000 },
  fill: async () => undefined,
  skip: async () => undefined,
  fail: () => undefined,
  release: () => undefined,
}

it.each<[string, Acquired, 'hits' | 'stale' | 'misses']>([
  ['what is fresh', { outcome: 'hit', value }, 'hits'],
  ['what is remembered as absent', { outcome: 'hit', value: undefined }, 'misses'],
  ['what is stale, while another computes', { outcome: 'hit', value, stale: true }, 'stale'],
  ['nothing', { outcome: 'lease', lease }, 'misses'],
  ['what is stale, and answered at once', { outcome: 'lease', lease, stale: { value, patience: 0 } }, 'stale'],
  ['what is stale, should computing take long', { outcome: 'lease', lease, stale: { value, patience: 50 } }, 'misses'],
])('a getOrSet that meets %s is the same to metrics and to the run of its step', async (_, acquired, as) => {
  const meters = createMeters({ categories: new Map(), inferCategory: () => undefined }, Date.now)
  const { engine: memory } = createMemoryEngine()
  const engine = measureEngine({ ...memory, acquire: async () => acquired }, meters, () => 0)
  const workflows = createWorkflows()
  const host = createStepHost({
    engine: async () => engine,
    report: { info: () => undefined, warn: () => undefined, error: () => undefined },
    categoryOf: () => 'menu',
    begun: ({ traceId }) => workflows.begin({ step: 'Menu', traceId }),
  })
  const child = fakeChild()
  host.attach(child.step, { file: 'menu.step.js', traceId: 'T-1' })
  await child.ask('acquire', { category: 'menu', key: 'soup' }, {})
  const [counted] = [...meters.all().values()]
  const { hit, stale, miss } = counted?.figures().reads ?? { hit: 0, stale: 0, miss: 0 }
  expect({ hits: hit, stale, misses: miss }).toEqual({ hits: 0, stale: 0, misses: 0, [as]: 1 })
  expect(workflows.view().runs[0]?.cache).toMatchObject({ hits: hit + stale, misses: miss })
})
