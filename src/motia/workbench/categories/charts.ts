import type { MinuteView } from '../../../sight/contract.js'
import type { Line } from '../chart-line.js'
import { formatDuration, formatShort } from '../format.js'

/** What the hour of a category can be looked at for. */
export interface ChartKind {
  readonly id: string
  readonly name: string
  readonly lines: readonly (Omit<Line, 'values'> & { readonly of: (minute: MinuteView) => number | undefined })[]
  readonly format: (value: number) => string
}

const aMinute = (count: number): string => `${formatShort(count)} /min`

export const chartKinds: readonly ChartKind[] = [
  {
    id: 'calls',
    name: 'Calls',
    format: aMinute,
    lines: [
      { name: 'reads', colour: '--mr-info', of: ({ reads }) => reads },
      { name: 'writes', colour: '--mr-warn', of: ({ writes }) => writes },
    ],
  },
  {
    id: 'reads',
    name: 'Hits',
    format: aMinute,
    lines: [
      { name: 'hits', colour: '--mr-ok', of: ({ hits }) => hits },
      { name: 'misses', colour: '--mr-warn', of: ({ misses }) => misses },
      { name: 'stale', colour: '--mr-accent', of: ({ stale }) => stale },
    ],
  },
  {
    id: 'time',
    name: 'Time',
    format: formatDuration,
    lines: [
      { name: 'p50', colour: '--mr-info', of: ({ p50 }) => p50 },
      { name: 'p99', colour: '--mr-accent', of: ({ p99 }) => p99 },
    ],
  },
  {
    id: 'work',
    name: 'Computed, errors',
    format: aMinute,
    lines: [
      { name: 'computed', colour: '--mr-info', of: ({ computed }) => computed },
      { name: 'errors', colour: '--mr-bad', of: ({ errors }) => errors },
    ],
  },
]

export const linesFor = ({ lines }: ChartKind, hour: readonly MinuteView[]): readonly Line[] =>
  lines.map(({ name, colour, of }) => ({ name, colour, values: hour.map(of) }))
