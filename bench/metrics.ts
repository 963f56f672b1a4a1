import type { CacheEngine } from '../src/cache/engine.ts'
import type { EntryName, Located, Shelf, Shelves } from '../src/failover/shelf.ts'
import { countSources } from '../src/metrics/counted-shelves.ts'
import { measureEngine } from '../src/metrics/measured-engine.ts'
import { createMeters } from '../src/metrics/meters.ts'
import { readSettings } from '../src/settings/read-settings.ts'
import type { CategorySettings } from '../src/settings/settings.ts'
import { compare, judged, printTable } from './measure.ts'

/**
 * What counting costs a call. Goal: less than 1 µs. Both engines do nothing but ask a shelf that has its answer, so that
 * all there is to see is what the measured one does besides: two looks at the clock, the shelf's and the call's counters.
 */
const settings = readSettings({ categories: { menu: {} } }, { env: {}, baseDir: '.', production: false })
const meters = createMeters(settings, Date.now)
const menu = settings.categories.get('menu') as CategorySettings

const found: Located = { text: '{"value":1}', source: 'primary', degraded: false }
const shelves = {
  of: () =>
    ({
      read: () => Promise.resolve(found).then((located) => located?.text),
      locate: () => Promise.resolve(found),
    }) as unknown as Shelf,
} as unknown as Shelves

const engineOver = (shelf: Shelf): CacheEngine =>
  ({
    get: ({ key }: EntryName) => shelf.read({ key, redisKey: key }).then((text) => text && { json: text }),
  }) as unknown as CacheEngine

const bare = engineOver(shelves.of(menu))
const measured = measureEngine(engineOver(countSources(shelves, meters).of(menu)), meters, () => performance.now())
const at = { category: 'menu', key: 'dish:1' }

const results = await compare(
  [
    { name: 'not measured', run: () => bare.get(at) },
    { name: 'measured', run: () => measured.get(at) },
  ],
  { inFlight: 1 },
)
printTable('calls that find their answer at once', results)

/** ns of this process's own time, so that what else the machine does costs nothing. */
const nanoseconds = async (engine: CacheEngine): Promise<number> => {
  const calls = 100_000
  const { user, system } = process.cpuUsage()
  for (let n = 0; n < calls; n++) await engine.get(at)
  const spent = process.cpuUsage({ user, system })
  return ((spent.user + spent.system) * 1_000) / calls
}

const costs: number[] = []
for (let round = 0; round < 21; round++) {
  const without = await nanoseconds(bare)
  costs.push((await nanoseconds(measured)) - without)
}
const cost = costs.sort((a, b) => a - b)[costs.length >> 1] ?? 0
console.log(`  counting: ${Math.round(cost)} ns a call (goal: < 1000 ns) ${judged(cost < 1_000)}`)
