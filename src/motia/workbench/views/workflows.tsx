import { Workflow } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import type { CacheUse, RunView, StepView, WorkflowsView } from '../../../sight/contract.js'
import { formatCount, formatDuration, formatPercent, plural } from '../format.js'
import { type Column, DataTable } from '../pieces/data-table.js'
import { Section, Split } from '../pieces/details.js'
import { Age, Count, Duration, Mono, Percent } from '../pieces/figures.js'
import { Answered, Empty } from '../pieces/states.js'
import type { ViewProps } from '../place.js'
import { usePoll } from '../use-poll.js'
import { hitRate, Outcome, Run } from './run.js'
import { RunsChart } from './runs-chart.js'
import { type SlowCall, slowestCalls } from './slowest-calls.js'

/** The steps that ran on this server, what they asked of the cache, and each of the last runs. */
export const WorkflowsPage = (_: ViewProps): ReactNode => {
  const polled = usePoll('workflows', NOTHING, 5_000)
  // As it was seen last: it stays open when others have taken its place among the newest, or the server forgot it.
  const [opened, setOpened] = useState<RunView>()
  const now = opened && polled.answer?.runs.find((run) => nameOf(run) === nameOf(opened))
  if (now !== undefined && now !== opened) setOpened(now)
  return (
    <div className="flex min-h-0 flex-1 flex-col overflow-y-auto" data-testid="cache-workflows">
      <Split details={opened && <Run run={opened} onClose={() => setOpened(undefined)} />}>
        <Answered polled={polled}>
          {(answer) =>
            answer.steps.length === 0 && answer.runs.length === 0 ? (
              <Empty icon={Workflow} title="No step has run yet">
                Steps show up here once one runs on this server. Nothing is kept from before its start.
              </Empty>
            ) : (
              <Known answer={answer} opened={opened} onRun={setOpened} />
            )
          }
        </Answered>
      </Split>
    </div>
  )
}

const NOTHING: Record<string, never> = {}
/** A server that was restarted counts its runs from one again. */
const nameOf = ({ id, at, step }: RunView): string => `${id} ${at} ${step}`
/** More than this are shown when they are asked for. */
const FEW = 25

interface KnownProps {
  readonly answer: WorkflowsView
  readonly opened: RunView | undefined
  readonly onRun: (run: RunView) => void
}

const Known = ({ answer: { now, steps, runs, hour }, opened, onRun }: KnownProps): ReactNode => {
  const [step, setStep] = useState<string>()
  const [all, setAll] = useState(false)
  const wanted = step === undefined ? runs : runs.filter((run) => run.step === step)
  const shown = all ? wanted : wanted.slice(0, FEW)
  const slow = slowestCalls(wanted)
  const minutes = step === undefined ? hour : (steps.find((each) => each.step === step)?.hour ?? [])
  return (
    <div className="flex flex-col gap-6 p-3">
      <Section
        title={
          step === undefined ? 'Runs per minute, of the last hour' : `Runs of ${step} per minute, of the last hour`
        }
        aside="in this server's memory"
      >
        <RunsChart hour={minutes} now={now} />
      </Section>
      <Section
        title="Steps, of the last hour"
        aside={step === undefined ? 'Choose one to see only its minutes and runs.' : undefined}
      >
        <DataTable
          label="Steps"
          columns={stepColumns}
          rows={steps}
          keyOf={(row) => row.step}
          onOpen={(row) => setStep(row.step === step ? undefined : row.step)}
          openKey={step}
          sortedBy={{ by: 'runs', down: true }}
          data-testid="cache-steps-table"
        />
      </Section>
      <Section
        title={step === undefined ? 'Recent runs' : `Recent runs of ${step}`}
        aside={
          step !== undefined && (
            <button type="button" className="mr-link" onClick={() => setStep(undefined)}>
              Show those of all steps
            </button>
          )
        }
      >
        <DataTable
          label="Recent runs"
          columns={runColumns}
          rows={shown}
          keyOf={nameOf}
          onOpen={onRun}
          openKey={opened && nameOf(opened)}
          data-testid="cache-runs-table"
        />
        {wanted.length > shown.length && (
          <button type="button" className="mr-link self-start text-xs" onClick={() => setAll(true)}>
            Show all {formatCount(wanted.length)}
          </button>
        )}
      </Section>
      {slow.length > 0 && (
        <Section title="Slowest cache calls of these runs">
          <DataTable
            label="Slowest cache calls"
            columns={slowColumns}
            rows={slow}
            keyOf={({ id }) => id}
            onOpen={({ run }) => onRun(run)}
            data-testid="cache-slowest-table"
          />
        </Section>
      )}
    </div>
  )
}

const stepColumns: readonly Column<StepView>[] = [
  { id: 'step', head: 'Step', cell: ({ step }) => <Mono>{step}</Mono>, sort: ({ step }) => step },
  { id: 'runs', head: 'Runs', right: true, cell: ({ runs }) => <Count of={runs} />, sort: ({ runs }) => runs },
  {
    id: 'failures',
    head: 'Failed',
    right: true,
    cell: ({ failures }) => (
      <span className={failures > 0 ? 'mr-bad font-semibold' : ''}>
        <Count of={failures} />
      </span>
    ),
    sort: ({ failures }) => failures,
  },
  { id: 'p50', head: 'p50', from: 'md', right: true, cell: ({ p50 }) => <Duration of={p50} />, sort: ({ p50 }) => p50 },
  { id: 'p95', head: 'p95', right: true, cell: ({ p95 }) => <Duration of={p95} />, sort: ({ p95 }) => p95 },
  {
    id: 'calls',
    head: 'Cache calls',
    from: 'md',
    right: true,
    cell: ({ cache }) => <Count of={cache.calls} />,
    sort: ({ cache }) => cache.calls,
  },
  {
    id: 'hits',
    head: 'Hit rate',
    from: 'md',
    right: true,
    cell: ({ cache }) => <Percent of={hitRate(cache)} />,
    sort: ({ cache }) => hitRate(cache),
  },
  {
    id: 'errors',
    head: 'Cache errors',
    from: 'lg',
    right: true,
    cell: ({ cache }) => <Count of={cache.errors} />,
    sort: ({ cache }) => cache.errors,
  },
  {
    id: 'ms',
    head: 'Cache time a run',
    from: 'lg',
    right: true,
    cell: (row) => <Duration of={cacheTime(row)} />,
    sort: cacheTime,
  },
]

function cacheTime({ runs, cache }: StepView): number | undefined {
  return runs === 0 ? undefined : cache.ms / runs
}

const runColumns: readonly Column<RunView>[] = [
  { id: 'step', head: 'Step', cell: ({ step }) => <Mono>{step}</Mono> },
  { id: 'outcome', head: 'Outcome', cell: ({ outcome }) => <Outcome of={outcome} /> },
  { id: 'at', head: 'Began', right: true, cell: ({ at }) => <Age at={at} /> },
  { id: 'ms', head: 'Took', right: true, cell: ({ ms }) => <Duration of={ms} /> },
  { id: 'cache', head: 'Cache', from: 'md', cell: ({ cache }) => <span className="text-sm">{useOf(cache)}</span> },
]

/** "12 calls, 92 % hits, 3.4 ms" */
function useOf(cache: CacheUse): string {
  if (cache.calls === 0) return 'not used'
  const rate = hitRate(cache)
  return [
    plural(cache.calls, 'call'),
    ...(rate === undefined ? [] : [`${formatPercent(rate)} hits`]),
    ...(cache.errors > 0 ? [plural(cache.errors, 'error')] : []),
    formatDuration(cache.ms),
  ].join(', ')
}

const slowColumns: readonly Column<SlowCall>[] = [
  { id: 'operation', head: 'Call', cell: ({ operation }) => <Mono>{operation}</Mono> },
  { id: 'category', head: 'Category', cell: ({ category }) => category },
  { id: 'ms', head: 'Took', right: true, cell: ({ ms }) => <Duration of={ms} /> },
  { id: 'step', head: 'Step', from: 'md', cell: ({ run }) => <Mono>{run.step}</Mono> },
  { id: 'at', head: 'Run began', from: 'md', right: true, cell: ({ run }) => <Age at={run.at} /> },
]
