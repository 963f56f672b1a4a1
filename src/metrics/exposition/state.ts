import type { Timed } from '../category-meter.js'
import { type Add, buckets, type Labels, type Sample } from './samples.js'
import type { ExpositionSources } from './sources.js'

/** What is counted of context.state. */
export const addState = (add: Add, { state }: ExpositionSources): void => {
  const perOperation = (samples: (labels: Labels, timed: Timed) => readonly Sample[]) => (): readonly Sample[] =>
    [...(state()?.operations ?? [])].flatMap(([operation, timed]) => samples({ operation }, timed))
  add(
    'histogram',
    'state_call_seconds',
    'Calls of context.state',
    perOperation((labels, timed) => buckets('motia_redis_state_call_seconds', labels, timed)),
  )
  add(
    'counter',
    'state_call_errors_total',
    'Calls of context.state that failed',
    perOperation((labels, { errors }) => [{ labels, value: errors }]),
  )
  add('counter', 'state_corrupt_items_total', 'Items of state that could not be read, and were skipped', () => [
    { labels: {}, value: state()?.corrupt() ?? 0 },
  ])
}
