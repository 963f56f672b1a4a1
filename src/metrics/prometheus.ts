import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'
import type { Metric, MetricType } from 'prom-client'
import type { HealthReport } from '../../types/index.js'
import type { CategoryFigures, Timed } from './category-meter.js'
import { LATENCY_ENDS } from './latency.js'
import type { Meters } from './meters.js'
import type { Moves } from './moves.js'

export interface ExpositionSources {
  readonly meters: Meters
  health(): HealthReport
  readonly moves: Moves
}

/** What a scrape gets. */
export interface Exposition {
  readonly contentType: string
  text(): Promise<string>
  close(): void
}

type Labels = Readonly<Record<string, string>>
interface Sample {
  readonly labels: Labels
  readonly value: number
  /** Where it isn't the metric's own: `…_bucket`, `…_sum`, `…_count`. */
  readonly metricName?: string
}

/** ms between looks at the event loop: often enough to see a stall that costs a deadline. */
const LOOP_RESOLUTION = 20

/**
 * Our figures in the text format of Prometheus, written by prom-client. Nothing is counted for it: a scrape reads what
 * is there. Every label has few values, whatever callers ask for: instances, the app's categories, operations,
 * outcomes, states; never a key.
 */
export const createExposition = async (sources: ExpositionSources): Promise<Exposition> => {
  const { Registry } = await import('prom-client')
  const registry = new Registry()
  const loop = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION })
  loop.enable()
  const add = (type: string, name: string, help: string, samples: () => readonly Sample[]): void => {
    const metric = { name: `motia_redis_${name}`, help, type: type as unknown as MetricType, aggregator: 'sum' }
    const get = async () => ({ ...metric, values: samples() })
    // prom-client's own classes count for themselves; a registry asks for no more than this.
    registry.registerMetric({ ...metric, get } as unknown as Metric)
  }
  addCalls(add, sources)
  addInstances(add, sources)
  addMoves(add, sources)
  add('gauge', 'event_loop_delay_seconds', 'How late the event loop was since the last scrape', () => loopDelays(loop))
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    close: () => void loop.disable(),
  }
}

type Add = (
  type: 'counter' | 'gauge' | 'histogram',
  name: string,
  help: string,
  samples: () => readonly Sample[],
) => void

const addCalls = (add: Add, { meters }: ExpositionSources): void => {
  const perCategory = (samples: (category: string, figures: Figures) => readonly Sample[]) => (): readonly Sample[] =>
    [...meters.all()].flatMap(([category, meter]) => samples(category, meter.figures()))
  const perOperation = (samples: (labels: Labels, timed: Timed) => readonly Sample[]) =>
    perCategory((category, { operations }) =>
      [...operations].flatMap(([operation, timed]) => samples({ category, operation }, timed)),
    )
  add(
    'histogram',
    'call_seconds',
    'Calls of the cache, from when the server process took them up',
    perOperation((labels, timed) => buckets('motia_redis_call_seconds', labels, timed)),
  )
  add(
    'counter',
    'call_errors_total',
    'Calls of the cache that failed',
    perOperation((labels, { errors }) => [{ labels, value: errors }]),
  )
  add(
    'counter',
    'reads_total',
    'Keys that were read, by what was found',
    perCategory((category, { reads }) =>
      Object.entries(reads).map(([outcome, value]) => ({ labels: { category, outcome }, value })),
    ),
  )
  add(
    'histogram',
    'computation_seconds',
    'Runs of factories and loaders',
    perCategory((category, { computations }) => buckets('motia_redis_computation_seconds', { category }, computations)),
  )
  add(
    'counter',
    'computation_errors_total',
    'Runs of factories and loaders that failed',
    perCategory((category, { computations }) => [{ labels: { category }, value: computations.errors }]),
  )
  add(
    'counter',
    'compression_before_bytes_total',
    'Values that were compressed to be stored, as they were before',
    perCategory((category, { compression }) => [{ labels: { category }, value: compression.before }]),
  )
  add(
    'counter',
    'compression_after_bytes_total',
    'The same values, as they are stored',
    perCategory((category, { compression }) => [{ labels: { category }, value: compression.after }]),
  )
}

type Figures = CategoryFigures

const states = ['up', 'suspect', 'down', 'probing', 'catching-up'] as const

const addInstances = (add: Add, { health }: ExpositionSources): void => {
  type Instance = HealthReport['instances'][number]
  const per = (value: (instance: Instance) => number | undefined) => (): readonly Sample[] =>
    health().instances.flatMap((instance) => {
      const known = value(instance)
      return known === undefined ? [] : [{ labels: { instance: instance.name }, value: known }]
    })
  add('gauge', 'instance_state', '1 for the state that an instance is in', () =>
    health().instances.flatMap(({ name, state }) =>
      states.map((each) => ({ labels: { instance: name, state: each }, value: each === state ? 1 : 0 })),
    ),
  )
  add(
    'gauge',
    'instance_readable',
    'Whether it is read from',
    per(({ readable }) => Number(readable)),
  )
  add(
    'gauge',
    'instance_writable',
    'Whether it is written to',
    per(({ writable }) => Number(writable)),
  )
  add(
    'gauge',
    'instance_latency_seconds',
    'Median of recent probes',
    per(({ latency }) => latency && latency / 1_000),
  )
  add(
    'gauge',
    'instance_memory_used_bytes',
    'Memory in use',
    per(({ memory }) => memory?.used),
  )
  add(
    'gauge',
    'instance_memory_max_bytes',
    'maxmemory; 0 is no limit',
    per(({ memory }) => memory?.max),
  )
  add(
    'gauge',
    'journal_entries',
    'Writes that have still to reach it',
    per(({ journal }) => journal.entries),
  )
  add(
    'gauge',
    'journal_bytes',
    'Their size',
    per(({ journal }) => journal.bytes),
  )
  add(
    'gauge',
    'journal_aside',
    'Writes that could not be replayed',
    per(({ journal }) => journal.aside ?? 0),
  )
}

const addMoves = (add: Add, { moves }: ExpositionSources): void => {
  const per = (counts: ReadonlyMap<string, number>) => (): readonly Sample[] =>
    [...counts].map(([category, value]) => ({ labels: { category }, value }))
  add('counter', 'failovers_total', 'How often a category moved away from home', per(moves.failover))
  add('counter', 'failbacks_total', 'How often a category moved back', per(moves.failback))
}

/** Prometheus counts what is at most as long as a bound, so each class has all shorter ones in it. */
const buckets = (name: string, labels: Labels, { count, sum, classes }: Timed): Sample[] => {
  let upTo = 0
  const ends = LATENCY_ENDS.map((end, at) => {
    upTo += classes[at] ?? 0
    return { metricName: `${name}_bucket`, labels: { ...labels, le: String(end / 1_000) }, value: upTo }
  })
  return [
    ...ends,
    { metricName: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: count },
    { metricName: `${name}_sum`, labels, value: sum / 1_000 },
    { metricName: `${name}_count`, labels, value: count },
  ]
}

const loopDelays = (loop: IntervalHistogram): Sample[] => {
  const delays = [
    { labels: { quantile: '0.5' }, value: loop.percentile(50) / 1e9 },
    { labels: { quantile: '0.99' }, value: loop.percentile(99) / 1e9 },
    { labels: { quantile: '1' }, value: loop.max / 1e9 },
  ]
  loop.reset()
  return delays
}
