import type { ReactNode } from 'react'
import type { RunsMinute } from '../../../sight/contract.js'
import { formatCount, formatMinute, plural } from '../format.js'

const MINUTE = 60_000
const MINUTES = 60
const HEIGHT = 100

/** A bar for each minute of the last hour, the failed runs at its foot. */
export const RunsChart = ({ hour, now }: { readonly hour: readonly RunsMinute[]; readonly now: number }): ReactNode => {
  const last = Math.floor(now / MINUTE)
  const bars = hour
    .map((minute) => ({ ...minute, slot: MINUTES - 1 - (last - Math.floor(minute.at / MINUTE)) }))
    .filter(({ slot }) => slot >= 0 && slot < MINUTES)
  const most = Math.max(1, ...bars.map(({ runs }) => runs))
  const [runs, failures] = [
    bars.reduce((all, bar) => all + bar.runs, 0),
    bars.reduce((all, bar) => all + bar.failures, 0),
  ]
  return (
    <figure className="flex flex-col gap-1 text-xs text-muted-foreground" data-testid="cache-runs-chart">
      <div className="flex items-stretch gap-2">
        <svg
          viewBox={`0 0 ${MINUTES} ${HEIGHT}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={`${plural(runs, 'run')}, of which ${formatCount(failures)} failed; at most ${formatCount(most)} in a minute`}
          className="h-24 min-w-0 flex-1 border-b"
        >
          {bars.map(({ at, slot, ...bar }) => {
            const [all, bad] = [(bar.runs / most) * HEIGHT, (bar.failures / most) * HEIGHT]
            return (
              <g key={slot}>
                <title>{`${formatMinute(at)}: ${plural(bar.runs, 'run')}, ${formatCount(bar.failures)} failed`}</title>
                {/* Over the whole height, so that a low bar can be pointed at, too. */}
                <rect x={slot} y={0} width={1} height={HEIGHT} fill="transparent" />
                <rect
                  x={slot + 0.1}
                  y={HEIGHT - all}
                  width={0.8}
                  height={all - bad}
                  fill="currentColor"
                  className="mr-info"
                />
                <rect x={slot + 0.1} y={HEIGHT - bad} width={0.8} height={bad} fill="currentColor" className="mr-bad" />
              </g>
            )
          })}
        </svg>
        <div className="flex flex-col justify-between tabular-nums" aria-hidden="true">
          <span>{formatCount(most)}</span>
          <span>0</span>
        </div>
      </div>
      <figcaption className="flex justify-between gap-2 pr-6 tabular-nums">
        <span>{formatMinute((last - MINUTES + 1) * MINUTE)}</span>
        <span>
          <span className="mr-info">■</span> ran <span className="mr-bad">■</span> failed
        </span>
        <span>{formatMinute(now)}</span>
      </figcaption>
    </figure>
  )
}
