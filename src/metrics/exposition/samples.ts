import type { Timed } from '../category-meter.js'
import { LATENCY_ENDS } from '../latency.js'

export type Labels = Readonly<Record<string, string>>
export interface Sample {
  readonly labels: Labels
  readonly value: number
  /** Where it isn't the metric's own: `…_bucket`, `…_sum`, `…_count`. */
  readonly metricName?: string
}

/** Adds a metric by its name without `motia_redis_`; a scrape asks for its samples. */
export type Add = (
  type: 'counter' | 'gauge' | 'histogram',
  name: string,
  help: string,
  samples: () => readonly Sample[],
) => void

/** Prometheus counts what is at most as long as a bound, so each class has all shorter ones in it. */
export const buckets = (name: string, labels: Labels, { count, sum, classes }: Timed): Sample[] => {
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
