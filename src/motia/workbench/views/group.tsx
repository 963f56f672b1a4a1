import { Button } from '@motiadev/ui'
import { ArrowLeft, Boxes, SearchX, Trash } from 'lucide-react'
import { type ReactNode, useId, useRef, useState } from 'react'
import type { ItemsView } from '../../../sight/contract.js'
import { formatCount, plural, visible } from '../format.js'
import { type Column, DataTable } from '../pieces/data-table.js'
import { Details, Facts, Section, Split } from '../pieces/details.js'
import { Bytes, Mono, Until } from '../pieces/figures.js'
import { useFocusLent } from '../pieces/focus.js'
import { SearchBox, Toolbar } from '../pieces/search-box.js'
import { Empty } from '../pieces/states.js'
import { SteadyButton } from '../pieces/steady-button.js'
import { Tree } from '../pieces/tree.js'
import type { PageShape } from './fill-page.js'
import { LookAgain } from './look-again.js'
import { NoneFound } from './none-found.js'
import { Paged, Pager, SearchRow } from './pager.js'
import { type ToConfirm, useConfirmed } from './use-confirmed.js'
import { usePages } from './use-pages.js'

interface GroupProps {
  readonly name: string
  /** It was opened just now, rather than found open. */
  readonly takesFocus: boolean
  readonly changeable: boolean
  readonly search: string
  readonly onSearch: (search: string) => void
  readonly onLeave: () => void
}

/** The items of one group. */
export const Group = ({ name, takesFocus, changeable, search, onSearch, onLeave }: GroupProps): ReactNode => {
  const panel = useRef<HTMLElement>(null)
  const heading = useId()
  useFocusLent(panel, groupsBehind, takesFocus)
  const [openKey, setOpenKey] = useState<string>()
  const pages = usePages('items', { group: name, search }, shape)
  const { ask, dialog, said } = useConfirmed()
  const { answer, again } = pages
  const item = answer?.items.find(({ key }) => key === openKey)
  const total = answer?.total

  return (
    <section
      ref={panel}
      tabIndex={-1}
      aria-labelledby={heading}
      className="flex min-h-0 flex-1 flex-col overflow-y-auto outline-none"
      data-testid="cache-group"
    >
      <Toolbar>
        <Button variant="default" className="h-9" onClick={onLeave} data-testid="cache-groups">
          <ArrowLeft aria-hidden="true" className="size-4" /> Groups
        </Button>
        <h2
          id={heading}
          className="max-w-[60%] min-w-0 flex-1 text-sm font-semibold @xl:flex-none"
          title={visible(name)}
        >
          <Mono className="line-clamp-2">{name}</Mono>
        </h2>
        <SearchRow>
          <SearchBox label="Search items by key" value={search} onSearch={onSearch} data-testid="cache-items-search" />
        </SearchRow>
        {changeable && (
          <SteadyButton
            variant="default"
            className="h-9"
            onClick={total === undefined || total === 0 ? undefined : () => ask(clearing(name, total, again))}
            data-testid="cache-clear-group"
          >
            <Trash aria-hidden="true" className="size-4" /> Clear…
          </SteadyButton>
        )}
        <LookAgain again={again} />
      </Toolbar>
      <Split
        details={
          item && (
            <Item
              item={item}
              group={name}
              endsAt={answer?.endsAt}
              onDelete={changeable ? () => ask(deleting(name, item.key, again)) : undefined}
              onClose={() => setOpenKey(undefined)}
            />
          )
        }
      >
        <Paged pages={pages}>
          {(known) => (
            <>
              {known.items.length === 0 ? (
                <NoItems {...{ answer: known, search, busy: pages.busy }} />
              ) : (
                <DataTable
                  label={`Items of ${name}`}
                  columns={columns}
                  rows={known.items}
                  keyOf={({ key }) => key}
                  onOpen={({ key }) => setOpenKey(key)}
                  openKey={openKey}
                  data-testid="cache-items-table"
                />
              )}
            </>
          )}
        </Paged>
        <Pager pages={pages} shown={answer && shownOf(answer, search)} said={said} />
      </Split>
      {dialog}
    </section>
  )
}

/** As StatePage draws them. */
const groupsBehind = (panel: HTMLElement): Element | null => panel.previousElementSibling

type ItemRow = ItemsView['items'][number]

const columns: readonly Column<ItemRow>[] = [
  { id: 'key', head: 'Key', cell: ({ key }) => <Mono className="line-clamp-2">{key}</Mono> },
  { id: 'type', head: 'Type', cell: ({ value }) => value.type },
  { id: 'value', head: 'Value', from: 'md', cell: (item) => <Glimpse of={item} /> },
  { id: 'size', head: 'Size', right: true, cell: ({ size }) => <Bytes of={size} /> },
]

const GLIMPSE = 60

/** The beginning of a value that is no branch. */
const Glimpse = ({ of: { value } }: { readonly of: ItemRow }): ReactNode => {
  const { text = '' } = value
  if (text === '') return null
  return (
    <span className="mr-mono text-muted-foreground">
      {visible(text.slice(0, GLIMPSE))}
      {text.length > GLIMPSE && '…'}
    </span>
  )
}

interface ItemProps {
  readonly item: ItemRow
  readonly group: string
  readonly endsAt: number | undefined
  readonly onDelete: (() => void) | undefined
  readonly onClose: () => void
}

const Item = ({ item, group, endsAt, onDelete, onClose }: ItemProps): ReactNode => (
  <Details
    key={item.key}
    title={<Mono>{item.key}</Mono>}
    subtitle={<Mono>{group}</Mono>}
    onClose={onClose}
    data-testid="cache-item"
  >
    <div className="flex flex-col gap-5">
      {onDelete !== undefined && (
        <Button variant="default" size="sm" className="self-start" onClick={onDelete} data-testid="cache-delete-item">
          <Trash aria-hidden="true" className="size-4" /> Delete…
        </Button>
      )}
      <Facts
        of={[
          ['Size', <Bytes key="size" of={item.size} />],
          ['Is gone', endsAt === undefined ? 'never by itself' : <Until key="gone" at={endsAt} />],
        ]}
      />
      <Section title="Value">
        <Tree node={item.value} />
      </Section>
    </div>
  </Details>
)

const shape: PageShape<ItemsView> = {
  rows: ({ items }) => items.length,
  join: (before, after) => {
    const known = new Set(before.items.map(({ key }) => key))
    return { ...after, items: [...before.items, ...after.items.filter(({ key }) => !known.has(key))] }
  },
}

const shownOf = ({ items, total }: ItemsView, search: string): string =>
  search === '' && total !== undefined
    ? `${formatCount(items.length)} of ${plural(total, 'item')}`
    : plural(items.length, 'item')

const deleting = (group: string, key: string, then: () => void): ToConfirm => ({
  title: 'Delete this item?',
  text: (
    <>
      <Mono>{key}</Mono> of <Mono>{group}</Mono>. A workflow that still needs it won't find it.
    </>
  ),
  action: 'Delete 1 item',
  change: { do: 'delete-item', group, key },
  done: () => 'Deleted.',
  then,
})

const clearing = (group: string, total: number | undefined, then: () => void): ToConfirm => ({
  title: 'Clear this group?',
  text: (
    <>
      <Mono>{group}</Mono> has {plural(total, 'item')}. A workflow that still needs them won't find them.
    </>
  ),
  action: `Clear ${plural(total, 'item')}`,
  change: { do: 'clear-group', group },
  done: (count) => (count === undefined ? 'Cleared.' : `${plural(count, 'item')} cleared.`),
  then,
})

const NoItems = ({
  answer,
  search,
  busy,
}: {
  readonly answer: ItemsView
  readonly search: string
  readonly busy: boolean
}): ReactNode => (
  <NoneFound things="items" {...{ answer, busy }}>
    {search === '' ? (
      <Empty icon={Boxes} title="This group is empty">
        Its last item was deleted, or its time was over.
      </Empty>
    ) : (
      <Empty icon={SearchX} title="No key has this in it" />
    )}
  </NoneFound>
)
