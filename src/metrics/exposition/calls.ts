import type { CopiesOf } from '../../cache/l1/l1.js'
import type { CategoryFigures as Figures, Timed } from '../category-meter.js'
import { type Add, buckets, type Labels, type Sample } from './samples.js'
import type { ExpositionSources } from './sources.js'

/** What is counted for each category. */
export const addCalls = (add: Add, { meters, copies }: ExpositionSources): void => {
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
    'counter',
    'found_total',
    'What reads found, by where it lay',
    perCategory((category, { sources }) => {
      const hits = copies(category)?.hits
      return [
        ...[...sources].map(([source, { count }]) => ({ labels: { category, source }, value: count })),
        ...(hits === undefined ? [] : [{ labels: { category, source: 'l1' }, value: hits }]),
      ]
    }),
  )
  add(
    'counter',
    'corrupt_values_total',
    'Stored values that could not be answered, and count as misses',
    perCategory((category, { corrupt }) =>
      Object.entries(corrupt).map(([reason, value]) => ({ labels: { category, reason }, value })),
    ),
  )
  add(
    'histogram',
    'lease_wait_seconds',
    "Waits of getOrSet for somebody else's computation",
    perCategory((category, { waits }) => buckets('motia_redis_lease_wait_seconds', { category }, waits)),
  )
  const perCopies = (value: (copies: NonNullable<ReturnType<CopiesOf>>) => number) =>
    perCategory((category) => {
      const kept = copies(category)
      return kept === undefined ? [] : [{ labels: { category }, value: value(kept) }]
    })
  add(
    'gauge',
    'l1_entries',
    'Copies in the memory of this server',
    perCopies(({ entries }) => entries),
  )
  add(
    'gauge',
    'l1_bytes',
    'Their size, about',
    perCopies(({ bytes }) => bytes),
  )
  add(
    'counter',
    'l1_evictions_total',
    'Copies that made room for others',
    perCopies(({ evicted }) => evicted),
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
