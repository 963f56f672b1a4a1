import { Button, Select, SelectContent, SelectItem, SelectTrigger, SelectValue } from '@motiadev/ui'
import { KeyRound, RefreshCw, SearchX, Trash } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import type { CategoryView, KeysView } from '../../../sight/contract.js'
import { plural } from '../format.js'
import { type Column, DataTable } from '../pieces/data-table.js'
import { Split } from '../pieces/details.js'
import { Mono } from '../pieces/figures.js'
import { SearchBox, Toolbar } from '../pieces/search-box.js'
import { Answered, Empty, Loading } from '../pieces/states.js'
import type { ViewProps } from '../place.js'
import { usePoll } from '../use-poll.js'
import { Entry } from './entry.js'
import type { PageShape } from './fill-page.js'
import { Notice } from './notice.js'
import { Pager } from './pager.js'
import { type ToConfirm, useConfirmed } from './use-confirmed.js'
import { usePages } from './use-pages.js'

/** The entries of a category, page by page, and what each of them is. */
export const Keys = ({ place, go, server }: ViewProps): ReactNode => {
  const categories = usePoll('categories', {}, 10_000)
  return (
    <Answered polled={categories}>
      {({ categories: known }) => {
        const category = known.find(({ name }) => name === place.category) ?? known[0]
        if (category === undefined)
          return (
            <Empty icon={KeyRound} title="No category yet">
              Name some in cache.config.ts or in REDIS_PRIMARY_TYPES, or let a step cache something.
            </Empty>
          )
        return (
          <OfCategory
            key={category.name}
            category={category}
            names={known.map(({ name }) => name)}
            openKey={place.key}
            onCategory={(name) => go({ view: 'keys', category: name })}
            onKey={(key) => go({ view: 'keys', category: category.name, ...(key !== undefined && { key }) })}
            changeable={server?.readOnly === false}
          />
        )
      }}
    </Answered>
  )
}

interface OfCategoryProps {
  readonly category: CategoryView
  readonly names: readonly string[]
  readonly openKey: string | undefined
  readonly onCategory: (name: string) => void
  readonly onKey: (key: string | undefined) => void
  readonly changeable: boolean
}

const OfCategory = ({ category, names, openKey, onCategory, onKey, changeable }: OfCategoryProps): ReactNode => {
  const [prefix, setPrefix] = useState('')
  const pages = usePages('keys', { category: category.name, prefix }, shape)
  const { ask, dialog, said } = useConfirmed()
  const { again } = pages
  const details = openKey !== undefined && (
    <Entry
      category={category.name}
      name={openKey}
      changeable={changeable}
      ask={ask}
      onChanged={again}
      onClose={() => onKey(undefined)}
    />
  )

  return (
    <div className="flex min-h-0 flex-1 flex-col" data-testid="cache-keys">
      <Toolbar>
        <Select value={category.name} onValueChange={onCategory}>
          <SelectTrigger aria-label="Category" className="mr-field h-9 w-40" data-testid="cache-category">
            <SelectValue />
          </SelectTrigger>
          <SelectContent className="mr-popup">
            {names.map((name) => (
              <SelectItem key={name} value={name}>
                {name}
              </SelectItem>
            ))}
          </SelectContent>
        </Select>
        <SearchBox label="Keys that begin with" value={prefix} onSearch={setPrefix} data-testid="cache-keys-search" />
        {changeable && (
          <Button
            variant="default"
            className="h-9"
            onClick={() => ask(clearing(category, again))}
            data-testid="cache-clear-category"
          >
            <Trash aria-hidden="true" className="size-4" /> Clear…
          </Button>
        )}
        <Button variant="default" className="h-9" aria-label="Look again" onClick={again}>
          <RefreshCw aria-hidden="true" className="size-4" />
        </Button>
      </Toolbar>
      <Split details={details || undefined}>
        <Answered polled={pages}>
          {(answer) => (
            <>
              <Notices answer={answer} category={category} />
              {answer.keys.length === 0 ? (
                <NoKeys {...{ answer, category, prefix, busy: pages.busy }} />
              ) : (
                <DataTable
                  label={`Keys of ${category.name}`}
                  columns={columns}
                  rows={answer.keys}
                  keyOf={(key) => key}
                  onOpen={onKey}
                  openKey={openKey}
                  data-testid="cache-keys-table"
                />
              )}
              <Pager pages={pages} shown={plural(answer.keys.length, 'key')} said={said} />
            </>
          )}
        </Answered>
      </Split>
      {dialog}
    </div>
  )
}

const columns: readonly Column<string>[] = [{ id: 'key', head: 'Key', cell: (key) => <Mono>{key}</Mono> }]

const shape: PageShape<KeysView> = {
  rows: ({ keys }) => keys.length,
  join: (before, after) => ({
    ...after,
    // A scan may meet a key twice.
    keys: [...new Set([...before.keys, ...after.keys])],
    partial: before.partial || after.partial,
    foreign: before.foreign + after.foreign,
  }),
}

const clearing = ({ name, entries }: CategoryView, then: () => void): ToConfirm => {
  const count = entries === undefined ? 'all entries' : `about ${plural(entries, 'entry', 'entries')}`
  return {
    title: `Clear ${name}?`,
    text:
      entries === undefined
        ? `All entries of ${name} will be gone, on its home and wherever there are copies. How many there are isn't known.`
        : `${name} has ${count}. They will be gone, on its home and wherever there are copies.`,
    action: `Clear ${count}`,
    change: { do: 'clear-category', category: name },
    done: (cleared) =>
      cleared === undefined ? `${name} is cleared.` : `${plural(cleared, 'entry', 'entries')} cleared.`,
    then,
  }
}

const Notices = ({ answer, category }: { readonly answer: KeysView; readonly category: CategoryView }): ReactNode => (
  <>
    {category.servedBy !== category.home && (
      <Notice tone="warn">
        {category.home} is away.{' '}
        {category.servedBy === undefined
          ? 'Nobody serves this category now.'
          : `${category.servedBy} stands in for it.`}
      </Notice>
    )}
    {answer.partial && (
      <Notice tone="warn">An instance can't be asked: keys that only it knows are missing here.</Notice>
    )}
    {answer.foreign > 0 && (
      <Notice tone="info">
        {plural(answer.foreign, 'key')} here {answer.foreign === 1 ? 'is' : 'are'} from others and can't be named by a
        call: longer than 512 bytes, or no text.
      </Notice>
    )}
  </>
)

const NoKeys = ({
  answer,
  category,
  prefix,
  busy,
}: {
  readonly answer: KeysView
  readonly category: CategoryView
  readonly prefix: string
  readonly busy: boolean
}): ReactNode => {
  if (!answer.enumerable)
    return (
      <Empty icon={KeyRound} title="This category's keys can't be listed">
        Its key pattern would match every key of the instance. Open an entry from a place that names its key.
      </Empty>
    )
  if (busy) return <Loading />
  if (answer.cursor !== undefined)
    return (
      <Empty icon={SearchX} title="None so far">
        There are many keys, and only a part of them has been looked at. The next page looks further.
      </Empty>
    )
  return prefix === '' ? (
    <Empty icon={KeyRound} title={`Nothing is cached in ${category.name}`}>
      Keys show up here once a step, or somebody else, stores one.
    </Empty>
  ) : (
    <Empty icon={SearchX} title="No key begins with this" />
  )
}
