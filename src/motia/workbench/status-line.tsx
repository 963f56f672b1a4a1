import type { ReactNode } from 'react'
import type { Overview } from '../../sight/contract.js'
import { statusWord } from './instance-words.js'
import { Dot, Pill } from './pieces/pill.js'
import type { Tone } from './tone.js'
import type { Polled } from './use-poll.js'

const tones: Readonly<Record<Overview['status'], Tone>> = { ok: 'ok', degraded: 'warn', outage: 'bad' }

/** How the whole stands, above every view. */
export const StatusLine = ({ polled: { answer, failure } }: { readonly polled: Polled<Overview> }): ReactNode => {
  const { tone, text } =
    failure !== undefined
      ? { tone: 'mute' as const, text: 'No answer from the server' }
      : answer === undefined
        ? { tone: 'mute' as const, text: 'Asking the server' }
        : { tone: tones[answer.status], text: statusWord(answer) }
  return (
    <div
      className="flex shrink-0 items-center gap-3 px-3 py-1.5 text-xs"
      data-testid="cache-status"
      data-status={answer?.status}
    >
      {answer?.server.readOnly === true && <Pill tone="mute">read-only</Pill>}
      <span role="status" className="inline-flex items-center gap-2 whitespace-nowrap">
        <Dot tone={tone} alive={failure === undefined && answer !== undefined} />
        {text}
      </span>
    </div>
  )
}
