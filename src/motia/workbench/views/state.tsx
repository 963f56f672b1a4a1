import { cn } from '@motiadev/ui'
import { Boxes, SearchX } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import type { GroupsView } from '../../../sight/contract.js'
import { formatCount, plural } from '../format.js'
import { placeWord } from '../instance-words.js'
import { type Column, DataTable } from '../pieces/data-table.js'
import { Split } from '../pieces/details.js'
import { Count, Mono, Until } from '../pieces/figures.js'
import { Pill } from '../pieces/pill.js'
import { SearchBox, Toolbar } from '../pieces/search-box.js'
import { Empty } from '../pieces/states.js'
import type { ViewProps } from '../place.js'
import { useTrouble } from '../use-trouble.js'
import type { PageShape } from './fill-page.js'
import { Group } from './group.js'
import { LookAgain } from './look-again.js'
import { NoneFound } from './none-found.js'
import { Notice } from './notice.js'
import { Paged, Pager } from './pager.js'
import { usePages } from './use-pages.js'

/**
 * What workflows keep between their steps: groups, and what lies in each. The list stays behind the group that is open:
 * who leaves that is at the same page and the same row again.
 */
export const StatePage = ({ place, go, server }: ViewProps): ReactNode => {
  // One that was open already when the view was chosen leaves the focus where the reader has it.
  const [entered, setEntered] = useState(false)
  const { group } = place
  return (
    <>
      <Groups
        covered={group !== undefined}
        search={place.search ?? ''}
        onSearch={(search) => go({ ...place, search })}
        onOpen={(name) => {
          setEntered(true)
          go({ ...place, group: name, within: undefined })
        }}
      />
      {group !== undefined && (
        <Group
          key={group}
          name={group}
          takesFocus={entered}
          changeable={server?.readOnly === false}
          search={place.within ?? ''}
          onSearch={(within) => go({ ...place, within })}
          onLeave={() => go({ ...place, group: undefined })}
        />
      )}
    </>
  )
}

type GroupRow = GroupsView['groups'][number]

interface GroupsProps {
  /** By the group that is open. */
  readonly covered: boolean
  readonly search: string
  readonly onSearch: (search: string) => void
  readonly onOpen: (group: string) => void
}

const Groups = ({ covered, search, onSearch, onOpen }: GroupsProps): ReactNode => {
  const pages = usePages('groups', { search }, shape, !covered)
  return (
    <div
      tabIndex={-1}
      className={cn('flex min-h-0 flex-1 flex-col overflow-y-auto outline-none', covered && 'hidden')}
      data-testid="cache-state"
    >
      <Toolbar>
        <SearchBox label="Search groups by name" value={search} onSearch={onSearch} data-testid="cache-groups-search" />
        <LookAgain again={pages.again} />
      </Toolbar>
      <Split details={undefined}>
        <Paged pages={pages}>
          {(answer) =>
            answer.ours ? (
              <>
                <Where answer={answer} />
                {answer.groups.length === 0 ? (
                  <NoGroups {...{ answer, search, busy: pages.busy }} />
                ) : (
                  <DataTable
                    label="Groups of the state"
                    columns={columns}
                    rows={answer.groups}
                    keyOf={({ name }) => name}
                    onOpen={({ name }) => onOpen(name)}
                    data-testid="cache-groups-table"
                  />
                )}
              </>
            ) : (
              <Empty icon={Boxes} title="State is kept by another adapter">
                Put adapters: {'{ state: tiers.state }'} into motia.config.ts to keep it in these instances.
              </Empty>
            )
          }
        </Paged>
        {pages.answer?.ours !== false && (
          <Pager pages={pages} shown={pages.answer && shownOf(pages.answer, search)} said={undefined} />
        )}
      </Split>
    </div>
  )
}

const columns: readonly Column<GroupRow>[] = [
  { id: 'group', head: 'Group', cell: ({ name }) => <Mono className="line-clamp-2">{name}</Mono> },
  { id: 'items', head: 'Items', right: true, cell: ({ items }) => <Count of={items} /> },
  {
    id: 'ends',
    head: 'Is gone',
    right: true,
    title: 'Every write to the group begins its time anew',
    cell: ({ endsAt }) => <Until at={endsAt} />,
  },
]

const shape: PageShape<GroupsView> = {
  rows: ({ groups }) => groups.length,
  join: (before, after) => {
    const known = new Set(before.groups.map(({ name }) => name))
    return { ...after, groups: [...before.groups, ...after.groups.filter(({ name }) => !known.has(name))] }
  },
}

const shownOf = ({ groups, total }: GroupsView, search: string): string =>
  search === '' && total !== undefined
    ? `${formatCount(groups.length)} of about ${plural(total, 'group')}`
    : plural(groups.length, 'group')

/** Where the state lies now, and whether a loss of that place would lose it. */
const Where = ({ answer: { home, servedBy, mirror } }: { readonly answer: GroupsView }): ReactNode => (
  <>
    {servedBy !== home && <Elsewhere home={home} servedBy={servedBy} />}
    <p className="flex flex-wrap items-center gap-2 border-b px-3 py-1.5 text-xs" data-testid="cache-state-where">
      <span>
        State is at home on <strong className="font-semibold">{home}</strong>
      </span>
      {mirror === undefined ? (
        <Pill tone="warn" dot>
          no mirror
        </Pill>
      ) : (
        <Pill tone={mirror.current ? 'ok' : 'warn'} dot>
          {mirror.current ? `mirrored on ${mirror.instance}` : `the mirror on ${mirror.instance} is behind`}
        </Pill>
      )}
    </p>
  </>
)

const NoGroups = ({
  answer,
  search,
  busy,
}: {
  readonly answer: GroupsView
  readonly search: string
  readonly busy: boolean
}): ReactNode => (
  <NoneFound things="groups" {...{ answer, busy }}>
    {search === '' ? (
      <Empty icon={Boxes} title="No state yet">
        Groups show up here once a step calls context.state.set.
      </Empty>
    ) : (
      <Empty icon={SearchX} title="No group has this in its name" />
    )}
  </NoneFound>
)

const Elsewhere = ({ home, servedBy }: Pick<GroupsView, 'home' | 'servedBy'>): ReactNode => (
  <Notice tone="warn">
    {useTrouble(home)}.{' '}
    {servedBy === undefined ? 'Nobody serves state now.' : `${placeWord(servedBy)} stands in for it.`}
  </Notice>
)
