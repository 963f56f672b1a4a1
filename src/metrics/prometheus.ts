import type { Metric, MetricType } from 'prom-client'
import { version } from '../version.js'
import { addCalls } from './exposition/calls.js'
import { addInstances, addMoves } from './exposition/instances.js'
import type { Add, Sample } from './exposition/samples.js'
import type { ExpositionSources } from './exposition/sources.js'
import { addState } from './exposition/state.js'
import { createLoopWindow, type LoopWindow } from './loop-window.js'

/** What a scrape gets. */
export interface Exposition {
  readonly contentType: string
  text(): Promise<string>
  close(): void
}

/** ms: whoever scrapes once a minute misses nothing. */
const LOOP_WINDOW = 60_000

/**
 * Our figures in the text format of Prometheus, written by prom-client. Nothing is counted for it: a scrape reads what
 * is there. Every label has few values, whatever callers ask for: instances, the app's categories, operations,
 * outcomes, states; never a key.
 */
export const createExposition = async (sources: ExpositionSources): Promise<Exposition> => {
  const { Registry } = await import('prom-client')
  const registry = new Registry()
  const loop = createLoopWindow(LOOP_WINDOW)
  const add: Add = (type, name, help, samples) => {
    const metric = { name: `motia_redis_${name}`, help, type: type as unknown as MetricType, aggregator: 'sum' }
    const get = async () => ({ ...metric, values: samples() })
    // prom-client's own classes count for themselves; a registry asks for no more than this.
    registry.registerMetric({ ...metric, get } as unknown as Metric)
  }
  addCalls(add, sources)
  addInstances(add, sources)
  addMoves(add, sources)
  addState(add, sources)
  add('gauge', 'build_info', '1, for what runs here', () => [
    { labels: { version, node: process.versions.node }, value: 1 },
  ])
  add('gauge', 'event_loop_delay_seconds', 'How late the event loop was in the last one to two minutes', () =>
    loopDelays(loop),
  )
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    close: loop.close,
  }
}

const loopDelays = (loop: LoopWindow): Sample[] => {
  const { p50, p99, max } = loop.late()
  return [
    { labels: { quantile: '0.5' }, value: p50 },
    { labels: { quantile: '0.99' }, value: p99 },
    { labels: { quantile: '1' }, value: max },
  ]
}
