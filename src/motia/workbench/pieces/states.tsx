import { Button, cn } from '@motiadev/ui'
import { CloudOff, type LucideIcon, RefreshCw, TriangleAlert } from 'lucide-react'
import { type ReactNode, useContext } from 'react'
import type { ApiFailure } from '../api.js'
import { ClockAhead } from '../use-now.js'
import type { Polled } from '../use-poll.js'
import { Age } from './figures.js'

/** Nothing there yet, and what would put something there. */
export const Empty = ({
  icon: Icon,
  title,
  children,
}: {
  readonly icon: LucideIcon
  readonly title: string
  readonly children?: ReactNode
}): ReactNode => (
  <div className="flex flex-col items-center justify-center gap-2 px-6 py-12 text-center" data-testid="cache-empty">
    <Icon aria-hidden="true" className="size-6 text-muted-foreground" />
    <p className="text-sm font-medium">{title}</p>
    {children !== undefined && <p className="max-w-md text-sm text-muted-foreground text-balance">{children}</p>}
  </div>
)

/** The shape of what comes, so that nothing jumps when it is there. */
export const Loading = ({
  rows = 6,
  className,
}: {
  readonly rows?: number
  readonly className?: string
}): ReactNode => (
  <div
    className={cn('flex flex-col gap-2 p-3', className)}
    role="status"
    aria-label="Loading"
    data-testid="cache-loading"
  >
    {Array.from({ length: rows }, (_, row) => (
      // biome-ignore lint/suspicious/noArrayIndexKey: bars without an identity
      <div key={row} className="mr-skeleton h-7 rounded" />
    ))}
  </div>
)

/** The question could not be answered, and nothing is known from before. */
const Failed = ({ failure, again }: { readonly failure: ApiFailure; readonly again: () => void }): ReactNode => (
  <div
    className="flex flex-col items-center justify-center gap-3 px-6 py-12 text-center"
    role="alert"
    data-testid="cache-failed"
  >
    <TriangleAlert aria-hidden="true" className="mr-warn size-6" />
    <p className="max-w-md text-sm text-balance break-words">{failure.text}</p>
    <Button variant="default" onClick={again}>
      <RefreshCw aria-hidden="true" /> Ask again
    </Button>
  </div>
)

/** What is shown is not of now. */
const Outdated = ({
  failure,
  at,
  again,
}: {
  readonly failure: ApiFailure
  /** By this browser's clock. */
  readonly at: number | undefined
  readonly again: () => void
}): ReactNode => {
  const ahead = useContext(ClockAhead)
  return (
    <div
      className="mr-bar-warn sticky top-0 z-10 flex flex-wrap items-center gap-x-3 gap-y-1 px-3 py-1.5 text-xs"
      role="status"
      data-testid="cache-outdated"
    >
      <CloudOff aria-hidden="true" className="size-3.5 shrink-0" />
      <span className="min-w-0 break-words">{failure.text}</span>
      <span>
        These figures came <Age at={at === undefined ? undefined : at + ahead} />.
      </span>
      <button type="button" className="mr-link ml-auto" onClick={again}>
        Ask again
      </button>
    </div>
  )
}

/** Draws an answer when there is one, and whatever else there is while there is none. */
export const Answered = <T,>({
  polled,
  loading,
  children,
}: {
  readonly polled: Polled<T>
  readonly loading?: ReactNode
  readonly children: (answer: T) => ReactNode
}): ReactNode => {
  const { answer, failure, at, again } = polled
  if (answer === undefined) return failure === undefined ? (loading ?? <Loading />) : <Failed {...{ failure, again }} />
  return (
    <>
      {failure !== undefined && <Outdated {...{ failure, at, again }} />}
      {children(answer)}
    </>
  )
}
