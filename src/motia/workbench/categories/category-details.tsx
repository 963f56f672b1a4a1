import { Button, cn } from '@motiadev/ui'
import { KeyRound } from 'lucide-react'
import { type ReactNode, useMemo, useState } from 'react'
import type { CategoryView } from '../../../sight/contract.js'
import { plural } from '../format.js'
import { Details, Facts, Section } from '../pieces/details.js'
import { Bytes, Count, Duration, Rate } from '../pieces/figures.js'
import { HourChart } from '../pieces/hour-chart.js'
import { type ChartKind, chartKinds, linesFor } from './charts.js'
import { policyFacts } from './policy-facts.js'

/** One category: its last hour, its figures, its policy. */
export const CategoryDetails = ({
  category,
  onKeys,
  onClose,
}: {
  readonly category: CategoryView
  readonly onKeys: () => void
  readonly onClose: () => void
}): ReactNode => {
  const { name, home, servedBy, total, copies, policy } = category
  return (
    <Details
      key={name}
      title={name}
      subtitle={servedBy === home ? `served by its home, ${home}` : servedIn(home, servedBy)}
      onClose={onClose}
      data-testid="cache-category-details"
    >
      <div className="flex flex-col gap-5">
        <Hour category={category} />
        <div className="flex">
          <Button variant="default" onClick={onKeys} data-testid="cache-category-keys">
            <KeyRound aria-hidden="true" /> Browse its keys
          </Button>
        </div>
        <Section title="Now">
          <Facts
            of={[
              ['reads', <Rate key="reads" of={category.readsPerSecond} />],
              ['writes', <Rate key="writes" of={category.writesPerSecond} />],
              ['p50', <Duration key="p50" of={category.p50} />],
              ['p99', <Duration key="p99" of={category.p99} />],
              ['entries, estimated', <Count key="entries" of={category.entries} />],
              ['size, estimated', <Bytes key="bytes" of={category.bytes} />],
            ]}
          />
        </Section>
        <Section title="Since the server started">
          <Facts
            of={[
              ['read calls', <Count key="reads" of={total.reads} />],
              ['keys hit', <Count key="hits" of={total.hits} />],
              ['keys missed', <Count key="misses" of={total.misses} />],
              ['keys served stale', <Count key="stale" of={total.stale} />],
              ['computed', <Count key="computed" of={total.computed} />],
              ['writes', <Count key="writes" of={total.writes} />],
              ['errors', <Count key="errors" of={total.errors} />],
            ]}
          />
        </Section>
        {policy.l1 !== false && (
          <Section title="Copies in this server's memory">
            <Facts
              of={[
                ['entries', <Count key="entries" of={copies?.entries} />],
                ['size', <Bytes key="bytes" of={copies?.bytes} />],
                ['evicted', <Count key="evicted" of={total.evicted} />],
              ]}
            />
          </Section>
        )}
        <Section title="Policy">
          <Facts of={policyFacts(policy)} />
        </Section>
      </div>
    </Details>
  )
}

const servedIn = (home: string, servedBy: string | undefined): string =>
  servedBy === undefined ? `refused until its home ${home} is back` : `home ${home}, now served by ${servedBy}`

const Hour = ({ category: { name, hour } }: { readonly category: CategoryView }): ReactNode => {
  const [kind, setKind] = useState<ChartKind | undefined>(chartKinds[0])
  const at = useMemo(() => hour.map((minute) => minute.at), [hour])
  const lines = useMemo(() => (kind === undefined ? [] : linesFor(kind, hour)), [kind, hour])
  if (kind === undefined) return null
  return (
    <Section title="The last hour, by minute" aside={`${plural(hour.length, 'point')} in this server's memory`}>
      <fieldset className="flex flex-wrap gap-1" aria-label="What the chart shows">
        {chartKinds.map((choice) => (
          <button
            key={choice.id}
            type="button"
            aria-pressed={choice.id === kind.id}
            className={cn('mr-choice', choice.id === kind.id && 'mr-chosen')}
            onClick={() => setKind(choice)}
          >
            {choice.name}
          </button>
        ))}
      </fieldset>
      <HourChart label={`${kind.name} of ${name}, by minute`} at={at} lines={lines} format={kind.format} />
    </Section>
  )
}
