import { type ReactNode, useState } from 'react'
import type { Happening } from '../../../sight/contract.js'
import { formatDuration, sentence, visible } from '../format.js'
import { Moment } from '../pieces/figures.js'
import { Dot } from '../pieces/pill.js'
import type { Tone } from '../tone.js'
import { useServerNow } from '../use-now.js'

const tones: Readonly<Record<Happening['kind'], Tone>> = {
  state: 'mute',
  failover: 'warn',
  failback: 'ok',
  'journal-full': 'bad',
  drill: 'info',
}

const FEW = 10

/** What happened to the instances since this server started, newest first. */
export const Timeline = ({
  happenings,
  startedAt,
}: {
  readonly happenings: readonly Happening[]
  readonly startedAt: number
}): ReactNode => {
  const now = useServerNow()
  const [all, setAll] = useState(false)
  if (happenings.length === 0) {
    return (
      <p
        className="rounded-lg border border-dashed p-4 text-sm text-muted-foreground"
        data-testid="cache-timeline-empty"
      >
        Nothing went wrong in the {formatDuration(Math.max(1_000, now - startedAt))} since this server started.
      </p>
    )
  }
  const shown = all ? happenings : happenings.slice(0, FEW)
  return (
    <div className="rounded-lg border py-1.5 text-sm">
      <ol data-testid="cache-timeline">
        {shown.map(({ at, kind, instance, categories, text }) => (
          <li
            key={`${at} ${kind} ${instance} ${text}`}
            className="grid grid-cols-[auto_auto_minmax(0,1fr)] items-baseline gap-2.5 px-3 py-1"
            data-kind={kind}
          >
            <span className="text-xs text-muted-foreground">
              <Moment at={at} />
            </span>
            <Dot tone={tones[kind]} />
            <span className="min-w-0 break-words">
              {sentence(visible(text), [...categories, ...(instance === undefined ? [] : [instance])])}
            </span>
          </li>
        ))}
      </ol>
      {happenings.length > FEW && (
        <button type="button" className="mr-link mx-3 my-1 text-xs" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? 'Show the latest only' : `Show all ${happenings.length}`}
        </button>
      )}
    </div>
  )
}
