import { type CategoryFigures, createCategoryMeter } from '../metrics/category-meter.js'
import { LATENCY_ENDS, quantile } from '../metrics/latency.js'
import type { Minute } from '../metrics/minutes.js'
import type { CategorySettings } from '../settings/settings.js'
import { callsIn } from './calls.js'
import type { CategoriesView, CategoryView, MemoryView, MinuteView } from './contract.js'
import type { Live } from './live.js'
import type { MemorySample, MemorySamples } from './memory-sample.js'
import type { SightParts } from './parts.js'
import { servedBy } from './routing-now.js'

export interface CategoriesParts extends SightParts {
  readonly live: Live
  readonly samples: MemorySamples
}

/** What happens in each listed category, and what lies where. */
export const createCategoriesView = (parts: CategoriesParts) => {
  const { settings, health, live, samples } = parts

  const memoryView = async (instance: string, sample: MemorySample | undefined): Promise<MemoryView> => {
    const known = health().instances.find(({ name }) => name === instance)?.memory
    const { used, max } = (await live(instance))?.memory ?? known ?? {}
    return { instance, used, max, roles: sample?.roles, sampled: sample?.sampled ?? 0, sampledAt: sample?.sampledAt }
  }

  return async (): Promise<CategoriesView> => {
    const names = settings.instances.map(({ name }) => name)
    const sampled = new Map(await Promise.all(names.map(async (name) => [name, await samples(name)] as const)))
    return {
      now: Date.now(),
      categories: [...settings.categories.values()].map((each) =>
        categoryView(parts, each, sampled.get(each.instance)),
      ),
      memory: await Promise.all(names.map((name) => memoryView(name, sampled.get(name)))),
    }
  }
}

const categoryView = (
  parts: CategoriesParts,
  category: CategorySettings,
  sample: MemorySample | undefined,
): CategoryView => {
  const { settings, meters, failover, copies } = parts
  const { name, instance, schema, ttl, grace, jitter, negativeTtl, l1, mirror, onOutage, sensitive } = category
  const { maxBytes, compressAbove, codec } = category
  const figures = meters.all().get(name)?.figures() ?? nothing
  const size = sample?.sizeOf(name)
  const latencies = figures.hourLatencies()
  return {
    name,
    home: instance,
    servedBy: servedBy({ ...parts, landscape: failover.landscape }, category),
    policy: {
      ...{ ttl, grace, jitter, negativeTtl, l1, mirror, onOutage, sensitive, maxBytes, compressAbove, codec },
      schema: schema !== undefined,
      loader: settings.loaders.has(name),
    },
    total: { ...callsIn(figures), evicted: copies(name)?.evicted ?? 0 },
    ...rates(figures.hour, Date.now()),
    p50: shown(quantile(latencies, 0.5)),
    p99: shown(quantile(latencies, 0.99)),
    entries: size?.entries,
    bytes: size?.bytes,
    copies: copies(name),
    hour: figures.hour.map((minute): MinuteView => ({ ...minute, p50: shown(minute.p50), p99: shown(minute.p99) })),
  }
}

/** Of a category that nobody has used yet. */
const nothing: CategoryFigures = createCategoryMeter(Date.now).figures()

/** What took longer than the last class has no end. */
const shown = (ms: number | undefined): number | undefined =>
  ms === Number.POSITIVE_INFINITY ? LATENCY_ENDS.at(-1) : ms

/** Pure. Over the last 60 s, of which the minute before the running one counts with what it shares with them. */
export const rates = (
  hour: readonly Minute[],
  now: number,
): Pick<CategoryView, 'readsPerSecond' | 'writesPerSecond' | 'hitRate'> => {
  const running = hour.at(-1)
  const before = hour.at(-2)
  const into = Math.min(60_000, Math.max(0, now - (running?.at ?? now)))
  const rest = 1 - into / 60_000
  const perSecond = (what: 'reads' | 'writes'): number =>
    ((running?.[what] ?? 0) + (before?.[what] ?? 0) * rest) / (before === undefined ? Math.max(1, into / 1_000) : 60)
  const sum = (what: 'hits' | 'stale' | 'misses'): number => hour.reduce((total, minute) => total + minute[what], 0)
  const found = sum('hits') + sum('stale')
  const read = found + sum('misses')
  return {
    readsPerSecond: perSecond('reads'),
    writesPerSecond: perSecond('writes'),
    hitRate: read === 0 ? undefined : found / read,
  }
}
