import { Button } from '@motiadev/ui'
import { GanttChart } from 'lucide-react'
import type { ReactNode } from 'react'
import type { CacheUse, RunView } from '../../../sight/contract.js'
import { Details, Facts, Section } from '../pieces/details.js'
import { Age, Count, Duration, Mono, Percent } from '../pieces/figures.js'
import { Pill } from '../pieces/pill.js'
import type { Tone } from '../tone.js'
import { canOpenTrace, openTrace } from './open-trace.js'

const tones: Readonly<Record<RunView['outcome'], Tone>> = { running: 'info', ok: 'ok', failed: 'bad' }

export const Outcome = ({ of }: { readonly of: RunView['outcome'] }): ReactNode => <Pill tone={tones[of]}>{of}</Pill>

/** 0 to 1. Undefined: nothing was read. */
export const hitRate = ({ hits, misses }: CacheUse): number | undefined =>
  hits + misses === 0 ? undefined : hits / (hits + misses)

/** One run of a step: what it asked of the cache, and the way to its trace. */
export const Run = ({ run, onClose }: { readonly run: RunView; readonly onClose: () => void }): ReactNode => (
  <Details
    key={`${run.id} ${run.at} ${run.step}`}
    title={<Mono>{run.step}</Mono>}
    subtitle={<Age at={run.at} />}
    onClose={onClose}
    data-testid="cache-run"
  >
    <div className="flex flex-col gap-5">
      <Facts
        of={[
          ['Outcome', <Outcome key="outcome" of={run.outcome} />],
          ['Took', <Duration key="took" of={run.ms} />],
          ['Trace', run.traceId === undefined ? 'none' : <Trace key="trace" id={run.traceId} />],
        ]}
      />
      <Section title="Cache">
        {run.cache.calls === 0 ? (
          <p className="text-sm text-muted-foreground">This run asked nothing of the cache.</p>
        ) : (
          <Facts
            of={[
              ['Calls', <Count key="calls" of={run.cache.calls} />],
              ['Hits', <Count key="hits" of={run.cache.hits} />],
              ['Misses', <Count key="misses" of={run.cache.misses} />],
              ['Hit rate', <Percent key="rate" of={hitRate(run.cache)} />],
              ['Errors', <Count key="errors" of={run.cache.errors} />],
              ['Together', <Duration key="ms" of={run.cache.ms} />],
            ]}
          />
        )}
      </Section>
      {run.slowest.length > 0 && (
        <Section title="Slowest calls">
          <ol className="flex flex-col gap-1 text-sm">
            {run.slowest.map((call, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: calls may be equal in all they show
              <li key={index} className="flex justify-between gap-3">
                <span className="min-w-0">
                  <Mono>{call.operation}</Mono> <span className="text-muted-foreground">in {call.category}</span>
                </span>
                <Duration of={call.ms} />
              </li>
            ))}
          </ol>
        </Section>
      )}
    </div>
  </Details>
)

const Trace = ({ id }: { readonly id: string }): ReactNode => (
  <span className="flex flex-wrap items-center gap-2">
    <Mono>{id}</Mono>
    {canOpenTrace() && (
      <Button variant="default" size="sm" onClick={() => openTrace(id)} data-testid="cache-open-trace">
        <GanttChart aria-hidden="true" className="size-4" /> Show in Tracing
      </Button>
    )}
  </span>
)
