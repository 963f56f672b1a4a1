import { Flame } from 'lucide-react'
import type { ReactNode } from 'react'
import type { HotView } from '../../../sight/contract.js'
import { formatRate } from '../format.js'
import { type Column, DataTable } from '../pieces/data-table.js'
import { Section } from '../pieces/details.js'
import { Age, Bytes, Mono } from '../pieces/figures.js'
import { Answered, Empty } from '../pieces/states.js'
import type { ViewProps } from '../place.js'
import { usePoll } from '../use-poll.js'

type ReadKey = HotView['read'][number]
type LargeKey = HotView['largest'][number]

const NOTHING: Record<string, never> = {}

const read: readonly Column<ReadKey>[] = [
  { id: 'key', head: 'Key', cell: ({ key }) => <Mono className="line-clamp-2">{key}</Mono>, sort: ({ key }) => key },
  { id: 'category', head: 'Category', cell: ({ category }) => category, sort: ({ category }) => category },
  {
    id: 'reads',
    head: 'Reads',
    right: true,
    title: 'Estimated from a sample of the reads',
    cell: ({ readsPerMinute }) => (
      <span className="whitespace-nowrap">{formatRate(readsPerMinute).replace('/s', '/min')}</span>
    ),
    sort: ({ readsPerMinute }) => readsPerMinute,
  },
]

const largest: readonly Column<LargeKey>[] = [
  { id: 'key', head: 'Key', cell: ({ key }) => <Mono className="line-clamp-2">{key}</Mono>, sort: ({ key }) => key },
  {
    id: 'category',
    head: 'Category',
    cell: ({ category, role }) => (
      <>
        {category ?? <span className="text-muted-foreground">none of ours</span>}
        {(role === 'mirror' || role === 'stand-in') && <span className="text-muted-foreground"> · {role}</span>}
      </>
    ),
    sort: ({ category }) => category,
  },
  { id: 'instance', head: 'Instance', from: 'md', cell: ({ instance }) => instance, sort: ({ instance }) => instance },
  { id: 'bytes', head: 'Size', right: true, cell: ({ bytes }) => <Bytes of={bytes} />, sort: ({ bytes }) => bytes },
]

/** What is read most, and what is largest: both from samples, as it says. */
export const HotPage = ({ go }: ViewProps): ReactNode => {
  const polled = usePoll('hot', NOTHING, 5_000)
  const open = (category: string | undefined, key: string): void => {
    if (category !== undefined) go({ view: 'keys', category, key })
  }
  return (
    <div className="flex min-h-0 flex-1 flex-col overflow-auto">
      <Answered polled={polled}>
        {({ read: reads, largest: large, since }) => (
          <div className="grid gap-6 p-4 @4xl:grid-cols-2">
            <Section
              title="Most read"
              aside={
                <>
                  estimated since <Age at={since} />
                </>
              }
            >
              {reads.length === 0 ? (
                <Empty icon={Flame} title="No read was sampled yet">
                  About every 64th read is looked at: keys appear here once steps read them often. Keys of sensitive
                  categories never do.
                </Empty>
              ) : (
                <DataTable
                  label="Most read keys"
                  data-testid="cache-hot-read"
                  columns={read}
                  rows={reads}
                  keyOf={({ category, key }) => `${category} ${key}`}
                  onOpen={({ category, key }) => open(category, key)}
                />
              )}
            </Section>
            <Section title="Largest" aside="of the keys that were sampled">
              {large.length === 0 ? (
                <Empty icon={Flame} title="No key was sampled yet">
                  A sample of the keys of each instance is taken from time to time.
                </Empty>
              ) : (
                <DataTable
                  label="Largest keys"
                  data-testid="cache-hot-largest"
                  columns={largest}
                  rows={large}
                  keyOf={({ instance, id }) => `${instance} ${id}`}
                  opens={({ category }) => category !== undefined}
                  onOpen={({ category, key }) => open(category, key)}
                />
              )}
            </Section>
          </div>
        )}
      </Answered>
    </div>
  )
}
