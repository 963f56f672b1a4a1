import { cn } from '@motiadev/ui'
import { X } from 'lucide-react'
import { type ReactNode, useId, useRef } from 'react'
import { useFocusHeld, useFocusLent } from './focus.js'

/** A list, and beside it what is open of it: where there is no room for both, the open thing covers the list. */
export const Split = ({
  children,
  details,
}: {
  readonly children: ReactNode
  readonly details: ReactNode | undefined
}): ReactNode => {
  const list = useRef<HTMLDivElement>(null)
  const holding = useFocusHeld(list)
  return (
    <div
      className={cn(
        // Never less than this: where the panel is too low for it, the whole view scrolls.
        'relative grid min-h-64 flex-1 grid-rows-1',
        details !== undefined && '@4xl:grid-cols-[minmax(0,1fr)_minmax(22rem,36%)]',
      )}
    >
      <div
        ref={list}
        tabIndex={-1}
        {...holding}
        className={cn(
          // A container of its own: what it shows depends on the room that the open thing leaves.
          '@container flex min-h-0 min-w-0 flex-col overflow-auto -outline-offset-2',
          // What is covered can't be reached by the keyboard either.
          details !== undefined && 'invisible @4xl:visible',
        )}
        data-testid="cache-list"
      >
        {children}
      </div>
      {details}
    </div>
  )
}

/** What is open beside a list. Another thing of the list is another `key`: each gives the focus back to its own row. */
export const Details = ({
  title,
  subtitle,
  onClose,
  children,
  'data-testid': testId,
}: {
  readonly title: ReactNode
  readonly subtitle?: ReactNode
  readonly onClose: () => void
  readonly children: ReactNode
  readonly 'data-testid'?: string
}): ReactNode => {
  const heading = useId()
  const panel = useRef<HTMLElement>(null)
  useFocusLent(panel, listBeside)
  const holding = useFocusHeld(panel)
  return (
    <aside
      ref={panel}
      tabIndex={-1}
      {...holding}
      aria-labelledby={heading}
      className="mr-details absolute inset-0 z-20 flex min-h-0 min-w-0 flex-col @4xl:static"
      data-testid={testId}
      onKeyDown={(event) => {
        if (event.key === 'Escape' && !event.defaultPrevented) onClose()
      }}
    >
      <header className="flex items-start gap-2 border-b px-4 py-3">
        <div className="min-w-0 flex-1">
          <h2 id={heading} className="text-sm font-semibold break-words">
            {title}
          </h2>
          {subtitle !== undefined && <div className="mt-0.5 text-xs text-muted-foreground">{subtitle}</div>}
        </div>
        <button type="button" className="mr-icon-button" aria-label="Close details" onClick={onClose}>
          <X aria-hidden="true" className="size-4" />
        </button>
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
      <div className="min-h-0 flex-1 overflow-auto p-4" tabIndex={0}>
        {children}
      </div>
    </aside>
  )
}

/** As `Split` draws them. */
const listBeside = (panel: HTMLElement): Element | null => panel.previousElementSibling

/** Names and what they are, below each other. */
export const Facts = ({ of }: { readonly of: readonly (readonly [name: string, value: ReactNode])[] }): ReactNode => (
  <dl className="grid grid-cols-[minmax(6rem,auto)_minmax(0,1fr)] gap-x-4 gap-y-1.5 text-sm">
    {of.map(([name, value]) => (
      <div key={name} className="contents">
        <dt className="text-muted-foreground">{name}</dt>
        <dd className="min-w-0 break-words">{value}</dd>
      </div>
    ))}
  </dl>
)

export const Section = ({
  title,
  aside,
  children,
}: {
  readonly title: string
  readonly aside?: ReactNode
  readonly children: ReactNode
}): ReactNode => {
  const heading = useId()
  return (
    <section aria-labelledby={heading} className="flex flex-col gap-2">
      <div className="flex flex-wrap items-baseline justify-between gap-x-3 gap-y-1">
        <h3 id={heading} className="text-xs font-semibold text-muted-foreground">
          {title}
        </h3>
        {aside !== undefined && <div className="text-xs text-muted-foreground">{aside}</div>}
      </div>
      {children}
    </section>
  )
}
