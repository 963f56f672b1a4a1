import { cn } from '@motiadev/ui'
import { ChevronLeft, ChevronRight, LoaderCircle } from 'lucide-react'
import { type ReactNode, useContext } from 'react'
import { Age } from '../pieces/figures.js'
import { Answered } from '../pieces/states.js'
import { SteadyButton } from '../pieces/steady-button.js'
import { ClockAhead } from '../use-now.js'
import type { Pages } from './use-pages.js'

/** The page that is shown. The one before stays, dimmed, until there is something of the next. */
export const Paged = <A,>({
  pages,
  children,
}: {
  readonly pages: Pages<A>
  readonly children: (answer: A) => ReactNode
}): ReactNode => (
  <div className={cn('flex flex-col', pages.turning && 'opacity-50')} aria-busy={pages.turning}>
    <Answered polled={pages}>{children}</Answered>
  </div>
)

/** Below a list: how much of it is shown, what just happened, and the way to the other pages. */
export const Pager = ({
  pages,
  shown,
  said,
}: {
  readonly pages: Pages<unknown>
  /** "50 keys". Undefined: nothing is. */
  readonly shown: string | undefined
  readonly said: string | undefined
}): ReactNode => (
  <footer className="mr-table-head sticky bottom-0 z-10 mt-auto flex flex-wrap items-center gap-x-3 gap-y-1 border-t px-3 py-1.5 text-xs">
    <span className="text-muted-foreground tabular-nums" data-testid="cache-page">
      Page {pages.page}
      {shown !== undefined && !pages.turning && (
        <>
          {' · '}
          <span data-testid="cache-shown">{shown}</span>
        </>
      )}
    </span>
    {pages.at !== undefined && !pages.watched && !pages.busy && <LookedAt at={pages.at} />}
    {pages.busy && <LoaderCircle role="img" aria-label="Looking" className="size-3.5 animate-spin" />}
    <span role="status" data-testid="cache-said">
      {said}
    </span>
    <nav aria-label="Pages" className="ml-auto flex gap-1">
      <Turn to={pages.previous} name="Previous" testId="cache-previous" />
      <Turn to={pages.next} name="Next" testId="cache-next" />
    </nav>
  </footer>
)

/** `at`: by this browser's clock */
const LookedAt = ({ at }: { readonly at: number }): ReactNode => (
  <span className="text-muted-foreground" data-testid="cache-looked-at">
    looked at <Age at={at + useContext(ClockAhead)} />
  </span>
)

const Turn = ({
  to,
  name,
  testId,
}: {
  readonly to: (() => void) | undefined
  readonly name: 'Previous' | 'Next'
  readonly testId: string
}): ReactNode => (
  <SteadyButton variant="default" size="sm" onClick={to} data-testid={testId}>
    {name === 'Previous' && <ChevronLeft aria-hidden="true" className="size-4" />}
    {name}
    {name === 'Next' && <ChevronRight aria-hidden="true" className="size-4" />}
  </SteadyButton>
)

/** In a toolbar: a line of its own where there is no room beside the buttons. */
export const SearchRow = ({ children }: { readonly children: ReactNode }): ReactNode => (
  <div className="order-last flex w-full @xl:order-none @xl:w-auto @xl:flex-1">{children}</div>
)
