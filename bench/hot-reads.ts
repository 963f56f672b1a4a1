import { readSettings } from '../src/settings/read-settings.ts'
import { createHotReads } from '../src/sight/hot-reads.ts'
import { judged } from './measure.ts'

/** What it costs a read that some of them are looked at. Goal: well under 1 µs. */
const settings = readSettings({ categories: { menu: {} } }, { env: {}, baseDir: '.', production: false })
const CALLS = 2_000_000

const measure = (title: string, keys: readonly string[]): void => {
  const costs: number[] = []
  for (let round = 0; round < 11; round++) {
    const reads = createHotReads(settings, Date.now)
    const { user, system } = process.cpuUsage()
    for (let i = 0; i < CALLS; i++) reads.note('menu', keys[i % keys.length] ?? '')
    const spent = process.cpuUsage({ user, system })
    costs.push(((spent.user + spent.system) * 1_000) / CALLS)
  }
  const cost = costs.sort((a, b) => a - b)[costs.length >> 1] ?? 0
  console.log(`  ${title}: ${cost.toFixed(1)} ns a read (goal: < 200 ns) ${judged(cost < 200)}`)
}

measure('a few keys', ['dish:1', 'dish:2', 'dish:3'])
measure(
  'a million keys, each as often',
  Array.from({ length: 1_000_000 }, (_, i) => `dish:${i}`),
)

const reads = createHotReads(settings, Date.now)
for (let i = 0; i < CALLS; i++) reads.note('menu', 'dish:1')
const { heapUsed } = process.memoryUsage()
for (let i = 0; i < CALLS; i++) reads.note('menu', 'dish:1')
const grown = (process.memoryUsage().heapUsed - heapUsed) / CALLS
console.log(`  memory: ${grown.toFixed(1)} bytes a read, of those that are looked at included`)
