import { Layers } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import type { CategoryView } from '../../../sight/contract.js'
import { CategoryDetails } from '../categories/category-details.js'
import { MemoryRoles } from '../categories/memory-roles.js'
import { UNKNOWN } from '../format.js'
import { placeWord } from '../instance-words.js'
import { type Column, DataTable } from '../pieces/data-table.js'
import { Section, Split } from '../pieces/details.js'
import { Bytes, Count, Duration, Percent, Rate } from '../pieces/figures.js'
import { Pill } from '../pieces/pill.js'
import { Answered, Empty } from '../pieces/states.js'
import type { ViewProps } from '../place.js'
import { usePoll } from '../use-poll.js'
import { useTrouble } from '../use-trouble.js'

const NOTHING: Record<string, never> = {}

/** Every category and its figures; one of them opened beside. */
export const CategoriesPage = ({ place, go }: ViewProps): ReactNode => {
  const polled = usePoll('categories', NOTHING, 5_000)
  const [open, setOpen] = useState(place.category)
  return (
    <Answered polled={polled}>
      {({ categories, memory }) => {
        const opened = categories.find(({ name }) => name === open)
        return (
          <Split
            details={
              opened && (
                <CategoryDetails
                  category={opened}
                  onKeys={() => go({ view: 'keys', category: opened.name })}
                  onClose={() => setOpen(undefined)}
                />
              )
            }
          >
            <div className="flex flex-col gap-4 pb-4">
              <div className="px-4 pt-4">
                <Section title="Memory" aside="estimated">
                  <MemoryRoles memory={memory} />
                </Section>
              </div>
              {categories.length === 0 ? (
                <Empty icon={Layers} title="There is no category">
                  Name categories in redisTiers and they appear here.
                </Empty>
              ) : (
                <DataTable
                  label="Categories"
                  data-testid="cache-categories"
                  columns={columns}
                  rows={categories}
                  keyOf={({ name }) => name}
                  openKey={opened?.name}
                  onOpen={({ name }) => setOpen(name === open ? undefined : name)}
                />
              )}
            </div>
          </Split>
        )
      }}
    </Answered>
  )
}

const columns: readonly Column<CategoryView>[] = [
  {
    id: 'name',
    head: 'Category',
    sort: ({ name }) => name,
    cell: ({ name, policy }) => (
      <span className="inline-flex flex-wrap items-center gap-x-2 gap-y-0.5">
        <span className="font-medium break-words">{name}</span>
        {policy.sensitive && <Pill tone="mute">sensitive</Pill>}
        {policy.mirror && <Pill tone="info">mirrored</Pill>}
      </span>
    ),
  },
  { id: 'home', head: 'Served by', sort: ({ home }) => home, cell: (category) => <Served category={category} /> },
  {
    id: 'hits',
    head: 'Hit rate',
    title: 'Over the last hour',
    right: true,
    sort: ({ hitRate }) => hitRate,
    cell: ({ hitRate }) => <Percent of={hitRate} />,
  },
  {
    id: 'reads',
    head: 'Reads',
    title: 'Over the last 60 s',
    right: true,
    sort: ({ readsPerSecond }) => readsPerSecond,
    cell: ({ readsPerSecond }) => <Rate of={readsPerSecond} />,
  },
  {
    id: 'writes',
    head: 'Writes',
    title: 'Over the last 60 s',
    right: true,
    from: 'md',
    sort: ({ writesPerSecond }) => writesPerSecond,
    cell: ({ writesPerSecond }) => <Rate of={writesPerSecond} />,
  },
  {
    id: 'p50',
    head: 'p50',
    title: 'Half of the calls of the last hour took no longer',
    right: true,
    from: 'md',
    sort: ({ p50 }) => p50,
    cell: ({ p50 }) => <Duration of={p50} />,
  },
  {
    id: 'p99',
    head: 'p99',
    title: '99 % of the calls of the last hour took no longer',
    right: true,
    from: 'md',
    sort: ({ p99 }) => p99,
    cell: ({ p99 }) => <Duration of={p99} />,
  },
  {
    id: 'entries',
    head: 'Entries',
    title: 'Estimated',
    right: true,
    from: 'md',
    sort: ({ entries }) => entries,
    cell: ({ entries }) => (entries === undefined ? <Unmet /> : <Count of={entries} short />),
  },
  {
    id: 'bytes',
    head: 'Size',
    title: 'Estimated',
    right: true,
    from: 'md',
    sort: ({ bytes }) => bytes,
    cell: ({ entries, bytes }) => (entries === undefined ? <Unmet /> : <Bytes of={bytes} />),
  },
  {
    id: 'stale',
    head: 'Stale',
    title: 'Stale values served since the server started',
    right: true,
    from: 'lg',
    sort: ({ total }) => total.stale,
    cell: ({ total }) => <Count of={total.stale} short />,
  },
  {
    id: 'computed',
    head: 'Computed',
    title: 'Since the server started',
    right: true,
    from: 'lg',
    sort: ({ total }) => total.computed,
    cell: ({ total }) => <Count of={total.computed} short />,
  },
  {
    id: 'evicted',
    head: 'Evicted',
    title: 'Copies in memory that made room for others',
    right: true,
    from: 'lg',
    sort: ({ total }) => total.evicted,
    cell: ({ total }) => <Count of={total.evicted} short />,
  },
]

/** Of a category that the sample tells nothing about. */
const Unmet = (): ReactNode => (
  <span className="text-muted-foreground" title="Not sampled, or too few to be met by the sample">
    {UNKNOWN}
  </span>
)

const Served = ({ category: { home, servedBy } }: { readonly category: CategoryView }): ReactNode => {
  const trouble = useTrouble(home)
  if (servedBy === home) return <span className="break-all">{home}</span>
  if (servedBy === undefined) return <Pill tone="bad">refused</Pill>
  return (
    <span className="inline-flex flex-wrap items-center gap-x-2 gap-y-0.5">
      <span className="break-words">{placeWord(servedBy)}</span>
      <Pill tone="warn" title={trouble}>
        stand-in
      </Pill>
    </span>
  )
}
