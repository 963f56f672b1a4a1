import { Button } from '@motiadev/ui'
import { EyeOff, FileQuestion, TimerOff, Trash, X } from 'lucide-react'
import type { ReactNode } from 'react'
import type { EntryView } from '../../../sight/contract.js'
import { formatBytes, formatPercent, plural } from '../format.js'
import { placeWord, troubleOf } from '../instance-words.js'
import { Details, Facts, Section } from '../pieces/details.js'
import { Age, Bytes, Mono, Until } from '../pieces/figures.js'
import { Pill } from '../pieces/pill.js'
import { Answered, Empty } from '../pieces/states.js'
import { Tree } from '../pieces/tree.js'
import { useOverview } from '../use-overview.js'
import { usePoll } from '../use-poll.js'
import type { ToConfirm } from './use-confirmed.js'

interface EntryProps {
  readonly category: string
  readonly name: string
  /** What to show for it, as far as that is known. */
  readonly label: string | undefined
  readonly changeable: boolean
  readonly ask: (change: ToConfirm) => void
  /** The list beside it isn't right any more. */
  readonly onChanged: () => void
  readonly onClose: () => void
}

/** One entry: what it holds, how long it lives, where it lies, and what can be done with it. */
export const Entry = ({ category, name, label, changeable, ask, onChanged, onClose }: EntryProps): ReactNode => {
  const polled = usePoll('entry', { category, key: name }, 5_000)
  const then = (): void => {
    polled.again()
    onChanged()
  }
  return (
    <Details
      title={<Mono>{polled.answer?.label ?? label ?? '…'}</Mono>}
      subtitle={category}
      onClose={onClose}
      data-testid="cache-entry"
    >
      <Answered polled={polled}>
        {(entry) =>
          entry.found ? (
            <Found entry={entry} ask={changeable ? (change) => ask({ ...change, then }) : undefined} />
          ) : (
            <Empty icon={FileQuestion} title="It isn't there">
              It has expired, was deleted, or was never stored.
            </Empty>
          )
        }
      </Answered>
    </Details>
  )
}

type Ask = (change: Omit<ToConfirm, 'then'>) => void

const Found = ({ entry, ask }: { readonly entry: EntryView; readonly ask: Ask | undefined }): ReactNode => (
  <div className="flex flex-col gap-5">
    {ask !== undefined && (
      <div className="flex flex-wrap gap-2">
        <Button variant="default" size="sm" onClick={() => ask(expiring(entry))} data-testid="cache-expire">
          <TimerOff aria-hidden="true" className="size-4" /> Expire now…
        </Button>
        <Button variant="default" size="sm" onClick={() => ask(deleting(entry))} data-testid="cache-delete">
          <Trash aria-hidden="true" className="size-4" /> Delete…
        </Button>
      </div>
    )}
    <Facts of={factsOf(entry)} />
    {entry.tags.length > 0 && (
      <Section title="Tags">
        <ul className="flex flex-wrap gap-2">
          {entry.tags.map((tag) => (
            <li
              key={tag}
              className="mr-pill inline-flex max-w-full items-center gap-1 rounded-full py-0.5 pr-1 pl-2 text-xs"
            >
              <Mono>{tag}</Mono>
              {ask !== undefined && (
                <button
                  type="button"
                  className="mr-icon-button size-5 rounded-full"
                  aria-label={`Invalidate the tag ${tag}`}
                  title="Invalidate this tag"
                  onClick={() => ask(invalidating(entry.category, tag))}
                  data-testid="cache-invalidate"
                >
                  <X aria-hidden="true" className="size-3" />
                </button>
              )}
            </li>
          ))}
        </ul>
      </Section>
    )}
    <Section title="Value">
      {entry.masked ? (
        <p className="flex items-center gap-2 text-sm text-muted-foreground" data-testid="cache-masked">
          <EyeOff aria-hidden="true" className="size-4 shrink-0" />
          {entry.category} is sensitive: its values and keys don't leave the server.
        </p>
      ) : entry.value === undefined ? (
        <p className="text-sm text-muted-foreground">
          It can't be read: whoever stored it did so in a form of their own.
        </p>
      ) : (
        <Tree node={entry.value} />
      )}
    </Section>
  </div>
)

const HomeTrouble = ({ category }: { readonly category: string }): ReactNode => {
  const { answer } = useOverview()
  const home = answer?.routing.find(({ name, kind }) => name === category && kind === 'category')?.home
  const trouble = home === undefined ? 'its home is not well' : `its home ${troubleOf(home, answer?.instances ?? [])}`
  return <Pill tone="warn">{trouble}</Pill>
}

const factsOf = (entry: EntryView): (readonly [string, ReactNode])[] => [
  [
    'Source',
    <span key="source" className="inline-flex flex-wrap items-center gap-2">
      {entry.source === undefined ? 'not known' : placeWord(entry.source)}
      {entry.stale && <Pill tone="warn">stale</Pill>}
      {entry.degraded && <HomeTrouble category={entry.category} />}
    </span>,
  ],
  ['Stored', <Age key="stored" at={entry.createdAt} />],
  ['Turns stale', <Until key="stale" at={entry.expiresAt} past="it is" />],
  ['Is gone', entry.endsAt === undefined ? 'not known' : <Until key="gone" at={entry.endsAt} />],
  [
    'Version',
    entry.version === undefined ? 'none: cached data has no versions' : <Mono key="version">{entry.version}</Mono>,
  ],
  ['Size', <Size key="size" entry={entry} />],
  ['Redis key', <Mono key="redis">{entry.redisKey}</Mono>],
]

const Size = ({ entry: { sizeStored, sizeRaw } }: { readonly entry: EntryView }): ReactNode => (
  <>
    <Bytes of={sizeStored} /> stored
    {sizeRaw !== undefined && sizeStored !== undefined && sizeRaw > sizeStored && (
      <span className="text-muted-foreground">
        , {formatBytes(sizeRaw)} before compression ({formatPercent(sizeStored / sizeRaw)})
      </span>
    )}
  </>
)

const deleting = ({ category, key, label }: EntryView): Omit<ToConfirm, 'then'> => ({
  title: 'Delete this entry?',
  text: <Mono>{`${category}: ${label}`}</Mono>,
  action: 'Delete 1 entry',
  change: { do: 'delete-entry', category, key },
  done: () => 'Deleted.',
})

const expiring = ({ category, key, label }: EntryView): Omit<ToConfirm, 'then'> => ({
  title: 'Expire this entry?',
  text: (
    <>
      <Mono>{`${category}: ${label}`}</Mono> turns stale now. Where the category has a grace it may be served meanwhile,
      and is computed anew when it is asked for.
    </>
  ),
  action: 'Expire 1 entry',
  change: { do: 'expire-entry', category, key },
  done: () => 'Expired.',
})

const invalidating = (category: string, tag: string): Omit<ToConfirm, 'then'> => ({
  title: 'Invalidate this tag?',
  text: (
    <>
      Every entry of {category} with the tag <Mono>{tag}</Mono> will be gone.
    </>
  ),
  action: 'Invalidate the tag',
  change: { do: 'invalidate-tag', category, tag },
  done: (count) => (count === undefined ? 'Invalidated.' : `${plural(count, 'entry', 'entries')} invalidated.`),
})
