import { Server } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import type { InstanceView, Overview } from '../../../sight/contract.js'
import { FlowPicture } from '../flow/flow-picture.js'
import { AdviceList } from '../overview/advice-list.js'
import { DrillDialog } from '../overview/drill-dialog.js'
import { InstanceCard } from '../overview/instance-card.js'
import { Timeline } from '../overview/timeline.js'
import { Section } from '../pieces/details.js'
import { Age, Mono } from '../pieces/figures.js'
import { Answered, Empty } from '../pieces/states.js'
import { useOverview } from '../use-overview.js'

/** How every instance stands, who serves what now, what happened and what to do. */
export const OverviewPage = (): ReactNode => {
  const polled = useOverview()
  const [pulling, setPulling] = useState<string>()
  const instance = polled.answer?.instances.find(({ name }) => name === pulling)
  return (
    <div className="flex min-h-0 flex-1 flex-col overflow-auto">
      <Answered polled={polled} loading={<Skeleton />}>
        {(overview) => <Whole overview={overview} onPull={setPulling} />}
      </Answered>
      {instance !== undefined && (
        <DrillDialog
          instance={instance}
          onClose={(done) => {
            setPulling(undefined)
            if (done) polled.again()
          }}
        />
      )}
    </div>
  )
}

const Whole = ({
  overview,
  onPull,
}: {
  readonly overview: Overview
  readonly onPull: (name: string) => void
}): ReactNode => {
  const { instances, server, timeline, advice } = overview
  const mayPull = ({ kind }: InstanceView): boolean => kind === 'redis' && !server.production && !server.readOnly
  return (
    <div className="grid gap-x-5 gap-y-5 p-4 @5xl:grid-cols-[minmax(0,1fr)_minmax(20rem,26rem)]">
      <div className="flex min-w-0 flex-col gap-5">
        {instances.length === 0 ? (
          <Empty icon={Server} title="There is no instance">
            Set REDIS_PRIMARY_URL and restart the server.
          </Empty>
        ) : (
          <div className="mr-cards grid gap-3">
            {instances.map((instance) => (
              <InstanceCard
                key={instance.name}
                instance={instance}
                onPull={mayPull(instance) ? () => onPull(instance.name) : undefined}
              />
            ))}
          </div>
        )}
        <Section title="Where data goes now" aside={<Legend />}>
          <FlowPicture overview={overview} />
        </Section>
      </div>
      <div className="flex min-w-0 flex-col gap-5">
        {advice.length > 0 && (
          <Section title="Advice">
            <AdviceList advice={advice} names={instances.map(({ name }) => name)} />
          </Section>
        )}
        <Section title="Timeline" aside="of this server, since it started">
          <Timeline happenings={timeline} startedAt={server.startedAt} />
        </Section>
        <ServerLine server={server} />
      </div>
    </div>
  )
}

const Legend = (): ReactNode => (
  <span className="flex flex-wrap gap-x-3" aria-hidden="true">
    {(['home', 'stand-in', 'away', 'mirror'] as const).map((kind) => (
      <span key={kind} className="inline-flex items-center gap-1.5">
        <svg width="22" height="6" aria-hidden="true">
          <path
            d="M0 3H22"
            className={`mr-way mr-way-${kind} ${kind === 'home' || kind === 'stand-in' ? 'mr-stroke-legend' : ''}`}
          />
        </svg>
        {kind}
      </span>
    ))}
  </span>
)

const ServerLine = ({ server }: { readonly server: Overview['server'] }): ReactNode => (
  <p className="text-xs text-muted-foreground break-words" data-testid="cache-server">
    motia-redis {server.version}
    {server.namespace !== '' && (
      <>
        {' · namespace '}
        <Mono className="text-foreground">{server.namespace}</Mono>
      </>
    )}
    {' · process '}
    <Mono className="text-foreground">{server.processId}</Mono>
    {', started '}
    <Age at={server.startedAt} />
  </p>
)

/** The cards as they will stand, and the picture's place. */
const Skeleton = (): ReactNode => (
  <div className="grid gap-5 p-4 @5xl:grid-cols-[minmax(0,1fr)_minmax(20rem,26rem)]" role="status" aria-label="Loading">
    <div className="flex flex-col gap-5">
      <div className="mr-cards grid gap-3">
        <div className="mr-skeleton h-56 rounded-lg" />
        <div className="mr-skeleton h-56 rounded-lg" />
      </div>
      <div className="mr-skeleton h-60 rounded-lg" />
    </div>
    <div className="mr-skeleton h-40 rounded-lg" />
  </div>
)
