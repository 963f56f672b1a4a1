import { cn } from '@motiadev/ui'
import { Unplug } from 'lucide-react'
import type { ReactNode } from 'react'
import type { InstanceView } from '../../../sight/contract.js'
import { formatDuration, formatPercent, plural, sentence, visible } from '../format.js'
import { drillEnd, instanceTone, stateWord } from '../instance-words.js'
import { Meter } from '../pieces/bars.js'
import { Age, Bytes, Count, Duration, Lasting, Percent, Rate, Until } from '../pieces/figures.js'
import { Pill } from '../pieces/pill.js'
import { Sparkline } from '../pieces/sparkline.js'

/** One instance: how it stands, what it does, what it holds. */
export const InstanceCard = ({
  instance,
  onPull,
}: {
  readonly instance: InstanceView
  /** Undefined: the plug can't be pulled here. */
  readonly onPull: (() => void) | undefined
}): ReactNode => {
  const { name, kind, since, reason, serverVersion, role } = instance
  const tone = instanceTone(instance)
  return (
    <article
      aria-label={`Instance ${name}`}
      className={cn('mr-card flex min-w-0 flex-col gap-3 rounded-lg border p-3', `mr-card-${tone}`)}
      data-testid={`cache-instance-${name}`}
      data-state={instance.state}
    >
      <header className="flex items-start gap-2">
        <div className="min-w-0 flex-1">
          <div className="flex flex-wrap items-center gap-x-2 gap-y-1">
            <h3 className="text-sm font-semibold break-all">{name}</h3>
            <Pill tone={tone} dot data-testid="cache-instance-state">
              {stateWord(instance)}
            </Pill>
          </div>
          <p className="mt-0.5 text-xs text-muted-foreground">
            for <Lasting from={since} />
            {kind === 'embedded'
              ? ' · files of this machine'
              : serverVersion !== undefined && ` · Redis ${serverVersion}`}
            {role === 'slave' && ' · replica'}
          </p>
        </div>
        {onPull !== undefined && (
          <button
            type="button"
            className="mr-icon-button"
            title={`Pull the plug of ${name}`}
            aria-label={`Pull the plug of ${name}`}
            onClick={onPull}
            data-testid="cache-pull-plug"
          >
            <Unplug aria-hidden="true" className="size-4" />
          </button>
        )}
      </header>
      {reason !== undefined && tone !== 'ok' && (
        <p className="mr-reason text-xs break-words">
          <Reason of={reason} name={name} />
        </p>
      )}
      {kind === 'redis' && <Work instance={instance} />}
      <Memory instance={instance} />
      <Journal instance={instance} />
      <Duties instance={instance} />
    </article>
  )
}

const Reason = ({ of, name }: { readonly of: string; readonly name: string }): ReactNode => {
  const end = drillEnd(of)
  if (end === undefined) return sentence(visible(of), [name])
  return (
    <>
      A drill: it is treated as gone, and comes back <Until at={end} />.
    </>
  )
}

const Work = ({
  instance: { name, latency, latencies, live, writable, readable },
}: {
  readonly instance: InstanceView
}) => (
  <div className="grid grid-cols-4 gap-x-3 gap-y-2">
    <div className="col-span-2 row-span-2 flex min-w-0 flex-col">
      <span className="mr-label">round trip</span>
      <span className="text-lg leading-tight font-semibold">
        <Duration of={latency} />
      </span>
      <Sparkline
        values={latencies}
        label={`Round trips of ${name}, now ${formatDuration(latency)}`}
        className={cn('mt-1 h-7 w-full', readable || writable ? 'mr-info' : 'text-muted-foreground')}
      />
    </div>
    <Figure label="operations">
      <Rate of={live?.opsPerSecond} />
    </Figure>
    <Figure label="hit rate" title="Of the server itself, over all its clients, since it started">
      <Percent of={live?.hitRate} />
    </Figure>
    <Figure label="keys">
      <Count of={live?.keys} short />
    </Figure>
    <Figure label="clients">
      <Count of={live?.clients} short />
    </Figure>
  </div>
)

const Figure = ({
  label,
  title,
  children,
}: {
  readonly label: string
  readonly title?: string
  readonly children: ReactNode
}) => (
  <div className="flex min-w-0 flex-col" title={title}>
    <span className="mr-label truncate">{label}</span>
    <span className="text-sm font-medium">{children}</span>
  </div>
)

const Memory = ({ instance: { name, kind, memory, live } }: { readonly instance: InstanceView }): ReactNode => {
  if (kind === 'embedded') return null
  const share = memory === undefined || memory.max === 0 ? undefined : memory.used / memory.max
  return (
    <div className="flex flex-col gap-1">
      <div className="flex items-baseline justify-between gap-2 text-xs">
        <span className="mr-label">memory</span>
        <span className="text-right">
          <Bytes of={memory?.used} />
          {memory !== undefined && memory.max > 0 && (
            <span className="text-muted-foreground">
              {' of '}
              <Bytes of={memory.max} />
            </span>
          )}
        </span>
      </div>
      <Meter
        share={share ?? 0}
        label={`Memory of ${name}: ${formatPercent(share)} used`}
        tone={share !== undefined && share > 0.85 ? 'warn' : 'info'}
      />
      <p className="truncate text-xs text-muted-foreground">
        {memory === undefined ? 'not known now' : `${memory.max === 0 ? 'no limit · ' : ''}${memory.policy}`}
        {live !== undefined && live.evicted > 0 && ` · ${plural(live.evicted, 'key')} evicted`}
      </p>
    </div>
  )
}

/** What still has to reach it, and how far that is. */
const Journal = ({ instance: { name, journal, recovery } }: { readonly instance: InstanceView }): ReactNode => {
  if (journal.entries === 0 && journal.aside === 0 && recovery === undefined) return null
  return (
    <div className="flex flex-col gap-1 text-xs" data-testid="cache-journal">
      {recovery !== undefined && (
        <>
          <div className="flex justify-between gap-2">
            <span className="mr-info min-w-0 break-words">{recovery.step}</span>
            {recovery.total > 0 && (
              <span className="whitespace-nowrap">
                <Count of={recovery.done} /> of <Count of={recovery.total} />
              </span>
            )}
          </div>
          {recovery.total > 0 && <Meter share={recovery.done / recovery.total} label={`Replay to ${name}`} />}
        </>
      )}
      {journal.entries > 0 && (
        <p className="flex flex-wrap justify-between gap-x-2">
          <span>{plural(journal.entries, 'entry', 'entries')} in the journal</span>
          <span className="text-muted-foreground">
            <Bytes of={journal.bytes} />
            {journal.oldest !== undefined && (
              <>
                {', oldest '}
                <Age at={journal.oldest} />
              </>
            )}
          </span>
        </p>
      )}
      {journal.aside > 0 && (
        <p className="mr-warn">{plural(journal.aside, 'write')} set aside: they never reached it</p>
      )}
    </div>
  )
}

const Duties = ({ instance }: { readonly instance: InstanceView }): ReactNode => {
  const { categories, standsInFor, holdsState, tracking, kind } = instance
  const home = categories.filter((name) => name !== 'state')
  return (
    <div className={cn('flex flex-col gap-1.5 text-xs', kind === 'redis' && 'mt-auto')}>
      {standsInFor.length > 0 && (
        <p className="break-words" data-testid="cache-stands-in">
          <span className="mr-warn font-medium">Stands in for</span> {standsInFor.join(', ')}
        </p>
      )}
      {(home.length > 0 || holdsState) && (
        <p className="break-words">
          <span className="text-muted-foreground">Home of</span>{' '}
          {[...(holdsState ? ['state'] : []), ...home].join(', ')}
        </p>
      )}
      {kind === 'embedded' && standsInFor.length === 0 && home.length === 0 && !holdsState && (
        <p className="text-muted-foreground">Keeps the journal, and takes over when no instance can serve.</p>
      )}
      {tracking === 'refused' && <p className="mr-warn">Doesn't report changes: copies in memory live 1 s.</p>}
    </div>
  )
}
