import { Select, SelectContent, SelectItem, SelectTrigger, SelectValue } from '@motiadev/ui'
import { KeyRound, SearchX, Trash } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import type { KeysView, RouteView } from '../../../sight/contract.js'
import { get } from '../api.js'
import { plural } from '../format.js'
import { placeWord } from '../instance-words.js'
import { type Column, DataTable } from '../pieces/data-table.js'
import { Split } from '../pieces/details.js'
import { Mono } from '../pieces/figures.js'
import { SearchBox, Toolbar } from '../pieces/search-box.js'
import { Answered, Empty } from '../pieces/states.js'
import { SteadyButton } from '../pieces/steady-button.js'
import type { ViewProps } from '../place.js'
import { useOverview } from '../use-overview.js'
import { useTrouble } from '../use-trouble.js'
import { clearingCategory } from './clearing-category.js'
import { Entry } from './entry.js'
import type { PageShape } from './fill-page.js'
import { LookAgain } from './look-again.js'
import { NoneFound } from './none-found.js'
import { Notice } from './notice.js'
import { Paged, Pager, SearchRow } from './pager.js'
import { useConfirmed } from './use-confirmed.js'
import { usePages } from './use-pages.js'

/** The entries of a category, page by page, and what each of them is. */
export const KeysPage = ({ place, go, server }: ViewProps): ReactNode => (
  <Answered polled={useOverview()}>
    {({ routing }) => {
      const routes = routing.filter(({ kind }) => kind === 'category')
      const names = routes.map(({ name }) => name)
      const category = place.category ?? names[0]
      if (category === undefined)
        return (
          <Empty icon={KeyRound} title="No category yet">
            Name some in cache.config.ts or in REDIS_PRIMARY_TYPES, or let a step cache something.
          </Empty>
        )
      return (
        <OfCategory
          key={category}
          category={category}
          route={routes.find(({ name }) => name === category)}
          names={names.includes(category) ? names : [...names, category]}
          openKey={place.key}
          prefix={place.search ?? ''}
          onCategory={(name) => go({ view: 'keys', category: name })}
          onKey={(key) => go({ ...place, category, key })}
          onSearch={(search) => go({ ...place, category, search })}
          changeable={server?.readOnly === false}
        />
      )
    }}
  </Answered>
)

interface OfCategoryProps {
  readonly category: string
  readonly route: RouteView | undefined
  readonly names: readonly string[]
  readonly openKey: string | undefined
  readonly prefix: string
  readonly onCategory: (name: string) => void
  readonly onKey: (key: string | undefined) => void
  readonly onSearch: (prefix: string) => void
  readonly changeable: boolean
}

const OfCategory = (props: OfCategoryProps): ReactNode => {
  const { category, route, names, openKey, prefix, onCategory, onKey, changeable } = props
  const sensitive = route?.sensitive === true
  const pages = usePages('keys', { category, prefix }, shape)
  const { ask, dialog, said } = useConfirmed()
  const { again } = pages
  const [counting, setCounting] = useState(false)
  const mayClear = pages.answer?.enumerable !== false && !counting
  const clear = async (): Promise<void> => {
    setCounting(true)
    const counted = await get('count', { category })
    setCounting(false)
    ask(clearingCategory(category, counted.ok ? counted.answer : undefined, again))
  }
  const details = openKey !== undefined && (
    <Entry
      key={openKey}
      category={category}
      name={openKey}
      label={sensitive ? pages.answer?.labels?.[openKey] : openKey}
      changeable={changeable}
      ask={ask}
      onChanged={again}
      onClose={() => onKey(undefined)}
    />
  )

  return (
    <div className="flex min-h-0 flex-1 flex-col overflow-y-auto" data-testid="cache-keys">
      <Toolbar>
        <Select value={category} onValueChange={onCategory}>
          <SelectTrigger
            aria-label="Category"
            className="mr-field h-9 w-36 flex-1 @xl:w-40 @xl:flex-none"
            data-testid="cache-category"
          >
            <SelectValue />
          </SelectTrigger>
          <SelectContent>
            {names.map((name) => (
              <SelectItem key={name} value={name}>
                {name}
              </SelectItem>
            ))}
          </SelectContent>
        </Select>
        <SearchRow>
          <SearchBox
            label={sensitive ? 'Search by the whole key' : 'Search keys by prefix'}
            value={prefix}
            onSearch={props.onSearch}
            data-testid="cache-keys-search"
          />
        </SearchRow>
        {changeable && (
          <SteadyButton
            variant="default"
            className="h-9"
            aria-busy={counting}
            onClick={mayClear ? () => void clear() : undefined}
            data-testid="cache-clear-category"
          >
            <Trash aria-hidden="true" className="size-4" /> Clear…
          </SteadyButton>
        )}
        <LookAgain again={again} />
      </Toolbar>
      <Split details={details || undefined}>
        <Paged pages={pages}>
          {(answer) => (
            <>
              <Notices answer={answer} route={route} />
              {answer.keys.length === 0 ? (
                <NoKeys {...{ answer, prefix, busy: pages.busy }} />
              ) : (
                <DataTable
                  label={`Keys of ${category}`}
                  columns={columnsWith(answer.labels)}
                  rows={answer.keys}
                  keyOf={(key) => key}
                  onOpen={onKey}
                  openKey={openKey}
                  data-testid="cache-keys-table"
                />
              )}
            </>
          )}
        </Paged>
        <Pager pages={pages} shown={pages.answer && plural(pages.answer.keys.length, 'key')} said={said} />
      </Split>
      {dialog}
    </div>
  )
}

const columnsWith = (labels: KeysView['labels']): readonly Column<string>[] => [
  { id: 'key', head: 'Key', cell: (key) => <Mono className="line-clamp-2">{labels?.[key] ?? key}</Mono> },
]

const shape: PageShape<KeysView> = {
  rows: ({ keys }) => keys.length,
  join: (before, after) => ({
    ...after,
    // A scan may meet a key twice.
    keys: [...new Set([...before.keys, ...after.keys])],
    labels: after.labels && { ...before.labels, ...after.labels },
    partial: before.partial || after.partial,
    foreign: before.foreign + after.foreign,
  }),
}

const Notices = ({
  answer,
  route,
}: {
  readonly answer: KeysView
  readonly route: RouteView | undefined
}): ReactNode => (
  <>
    {route !== undefined && route.servedBy !== route.home && <Elsewhere route={route} />}
    {answer.labels !== undefined && answer.keys.length > 0 && (
      <Notice tone="info">
        {answer.category} is sensitive: its keys don't leave the server. Each is shown by its length and a mark of its
        own; who knows a key finds it by the whole of it.
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
  prefix,
  busy,
}: {
  readonly answer: KeysView
  readonly prefix: string
  readonly busy: boolean
}): ReactNode => {
  if (!answer.enumerable)
    return (
      <Empty icon={KeyRound} title="This category's keys can't be listed">
        Its key pattern would match every key of the instance. Open an entry from a place that names its key.
      </Empty>
    )
  return (
    <NoneFound things="keys" {...{ answer, busy }}>
      {prefix === '' ? (
        <Empty icon={KeyRound} title={`Nothing is cached in ${answer.category}`}>
          Keys show up here once a step, or somebody else, stores one.
        </Empty>
      ) : (
        <Empty
          icon={SearchX}
          title={answer.labels === undefined ? 'No key begins with this' : 'There is no such key'}
        />
      )}
    </NoneFound>
  )
}

const Elsewhere = ({ route: { home, servedBy } }: { readonly route: RouteView }): ReactNode => (
  <Notice tone="warn">
    {useTrouble(home)}.{' '}
    {servedBy === undefined ? 'Nobody serves this category now.' : `${placeWord(servedBy)} stands in for it.`}
  </Notice>
)
