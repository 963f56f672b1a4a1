import { Cpu } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import type { ProcessView } from '../../../sight/contract.js'
import { plural } from '../format.js'
import { hitRate } from '../hit-rate.js'
import { type Column, DataTable } from '../pieces/data-table.js'
import { Age, Bytes, Count, Duration, Mono, Percent } from '../pieces/figures.js'
import { Pill } from '../pieces/pill.js'
import { Answered, Empty } from '../pieces/states.js'
import { usePoll } from '../use-poll.js'

/** Everybody who uses the package on these instances, and what they do together or each. */
export const ProcessesPage = (): ReactNode => {
  const polled = usePoll('processes', {}, 5_000)
  const [chosen, setChosen] = useState<string>()
  return (
    <div className="min-h-0 flex-1 overflow-auto" data-testid="cache-processes">
      <Answered polled={polled}>
        {({ processes }) => {
          if (processes.length === 0)
            return (
              <Empty icon={Cpu} title="No process has shown itself yet">
                Each leaves a sign of life on its instances every few seconds, as long as one of them is up.
              </Empty>
            )
          const one = processes.find(({ processId }) => processId === chosen)
          return (
            <>
              <Together of={one === undefined ? processes : [one]} one={one} onAll={() => setChosen(undefined)} />
              <DataTable
                label="Processes"
                columns={columns}
                rows={processes}
                keyOf={({ processId }) => processId}
                onOpen={({ processId }) => setChosen(processId === one?.processId ? undefined : processId)}
                openKey={one?.processId}
                data-testid="cache-processes-table"
              />
            </>
          )
        }}
      </Answered>
    </div>
  )
}

const Together = ({
  of,
  one,
  onAll,
}: {
  readonly of: readonly ProcessView[]
  readonly one: ProcessView | undefined
  readonly onAll: () => void
}): ReactNode => {
  const sum = (figure: (process: ProcessView) => number): number =>
    of.reduce((all, process) => all + figure(process), 0)
  return (
    <section aria-label="Figures" className="border-b p-3" data-testid="cache-processes-figures">
      <p className="mb-2 flex flex-wrap items-center gap-2 text-xs text-muted-foreground">
        {one === undefined ? (
          togetherText(of.length)
        ) : (
          <>
            <span>
              {one.host}, process {one.pid}, since its start.
            </span>
            <button type="button" className="mr-link" onClick={onAll}>
              Show all
            </button>
          </>
        )}
      </p>
      <dl className="grid grid-cols-2 gap-3 @xl:grid-cols-3 @4xl:grid-cols-6">
        <Total name="Read calls" value={<Count of={sum(({ reads }) => reads)} />} />
        <Total name="Hit rate" value={<Percent of={hitRate(of)} />} />
        <Total name="Writes" value={<Count of={sum(({ writes }) => writes)} />} />
        <Total name="Errors" value={<Count of={sum(({ errors }) => errors)} />} />
        <Total
          name={of.length > 1 ? 'Worst loop delay' : 'Loop delay'}
          value={<Duration of={Math.max(...of.map(({ loopDelay }) => loopDelay))} />}
        />
        <Total name="Memory" value={<Bytes of={sum(({ rss }) => rss)} />} />
      </dl>
    </section>
  )
}

const togetherText = (processes: number): string =>
  processes === 1
    ? 'The only process, since its start.'
    : `${plural(processes, 'process', 'processes')} together, each since its start. Choose one to see it alone.`

const Total = ({ name, value }: { readonly name: string; readonly value: ReactNode }): ReactNode => (
  <div>
    <dt className="text-xs text-muted-foreground">{name}</dt>
    <dd className="text-lg font-semibold">{value}</dd>
  </div>
)

const columns: readonly Column<ProcessView>[] = [
  {
    id: 'process',
    head: 'Process',
    cell: ({ host, pid, self }) => (
      <span className="inline-flex flex-wrap items-center gap-x-2 gap-y-1">
        <Mono>{`${host}:${pid}`}</Mono>
        {self && <Pill tone="info">this one</Pill>}
      </span>
    ),
    sort: ({ host, pid }) => `${host}:${pid}`,
  },
  { id: 'kind', head: 'Kind', cell: ({ kind }) => (kind === 'motia' ? 'Motia' : 'app'), sort: ({ kind }) => kind },
  { id: 'version', head: 'Version', from: 'lg', cell: ({ version }) => version, sort: ({ version }) => version },
  {
    id: 'started',
    head: 'Started',
    from: 'md',
    right: true,
    cell: ({ startedAt }) => <Age at={startedAt} />,
    sort: ({ startedAt }) => startedAt,
  },
  { id: 'seen', head: 'Seen', right: true, cell: ({ seenAt }) => <Age at={seenAt} />, sort: ({ seenAt }) => seenAt },
  { id: 'on', head: 'Seen on', from: 'lg', cell: ({ seenOn }) => seenOn.join(', ') },
  {
    id: 'reads',
    head: 'Read calls',
    from: 'md',
    right: true,
    cell: ({ reads }) => <Count of={reads} short />,
    sort: ({ reads }) => reads,
  },
  {
    id: 'hits',
    head: 'Hit rate',
    from: 'md',
    right: true,
    cell: (process) => <Percent of={hitRate([process])} />,
    sort: (process) => hitRate([process]),
  },
  {
    id: 'writes',
    head: 'Writes',
    from: 'lg',
    right: true,
    cell: ({ writes }) => <Count of={writes} short />,
    sort: ({ writes }) => writes,
  },
  {
    id: 'errors',
    head: 'Errors',
    from: 'lg',
    right: true,
    cell: ({ errors }) => <Count of={errors} short />,
    sort: ({ errors }) => errors,
  },
  {
    id: 'loop',
    head: 'Loop delay',
    title: '99th percentile of how late the event loop is',
    from: 'md',
    right: true,
    cell: ({ loopDelay }) => <Duration of={loopDelay} />,
    sort: ({ loopDelay }) => loopDelay,
  },
  { id: 'rss', head: 'Memory', from: 'md', right: true, cell: ({ rss }) => <Bytes of={rss} />, sort: ({ rss }) => rss },
]
