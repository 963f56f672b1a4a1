import { Button } from '@motiadev/ui'
import { ChevronLeft, ChevronRight, LoaderCircle } from 'lucide-react'
import type { ReactNode } from 'react'
import type { Pages } from './use-pages.js'

/** Below a list: how much of it is shown, what just happened, and the way to the other pages. */
export const Pager = ({
  pages,
  shown,
  said,
}: {
  readonly pages: Pages<unknown>
  /** "50 keys" */
  readonly shown: string
  readonly said: string | undefined
}): ReactNode => (
  <footer className="mr-table-head sticky bottom-0 z-10 mt-auto flex flex-wrap items-center gap-x-3 gap-y-1 border-t px-3 py-1.5 text-xs">
    <span className="text-muted-foreground tabular-nums" data-testid="cache-page">
      Page {pages.page} · {shown}
    </span>
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

const Turn = ({
  to,
  name,
  testId,
}: {
  readonly to: (() => void) | undefined
  readonly name: 'Previous' | 'Next'
  readonly testId: string
}): ReactNode => (
  <Button variant="default" size="sm" disabled={to === undefined} onClick={to} data-testid={testId}>
    {name === 'Previous' && <ChevronLeft aria-hidden="true" className="size-4" />}
    {name}
    {name === 'Next' && <ChevronRight aria-hidden="true" className="size-4" />}
  </Button>
)

/** In a toolbar: a line of its own where there is no room beside the buttons. */
export const SearchRow = ({ children }: { readonly children: ReactNode }): ReactNode => (
  <div className="order-last flex w-full @xl:order-none @xl:w-auto @xl:flex-1">{children}</div>
)
