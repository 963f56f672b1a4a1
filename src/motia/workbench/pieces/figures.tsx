import { cn } from '@motiadev/ui'
import type { ReactNode } from 'react'
import {
  formatAge,
  formatBytes,
  formatCount,
  formatDuration,
  formatPercent,
  formatRate,
  formatShort,
  formatTime,
  UNKNOWN,
  visible,
} from '../format.js'
import { useServerNow } from '../use-now.js'

/** Figures in a column or a card: all digits as wide as each other, and what isn't known in grey. */
const Figure = ({ text, title }: { readonly text: string; readonly title?: string }): ReactNode => (
  <span className={cn('tabular-nums whitespace-nowrap', text === UNKNOWN && 'text-muted-foreground')} title={title}>
    {text}
  </span>
)

export const Count = ({ of, short = false }: { readonly of: number | undefined; readonly short?: boolean }) => (
  <Figure
    text={short ? formatShort(of) : formatCount(of)}
    {...(short && of !== undefined && { title: formatCount(of) })}
  />
)

export const Bytes = ({ of }: { readonly of: number | undefined }) => (
  <Figure text={formatBytes(of)} {...(of !== undefined && { title: `${formatCount(of)} bytes` })} />
)

/** ms */
export const Duration = ({ of }: { readonly of: number | undefined }) => <Figure text={formatDuration(of)} />

/** 0 to 1 */
export const Percent = ({ of }: { readonly of: number | undefined }) => <Figure text={formatPercent(of)} />

/** A second */
export const Rate = ({ of }: { readonly of: number | undefined }) => <Figure text={formatRate(of)} />

/** How long ago, by the server's clock; the moment itself on hovering. */
export const Age = ({ at }: { readonly at: number | undefined }) => {
  const now = useServerNow()
  return <Figure text={formatAge(at, now)} {...(at !== undefined && { title: formatTime(at, now) })} />
}

/** How long since then, still going on. */
export const Lasting = ({ from }: { readonly from: number }) => {
  const now = useServerNow()
  return (
    <Figure
      text={formatDuration(Math.max(0, Math.floor((now - from) / 1_000) * 1_000))}
      title={formatTime(from, now)}
    />
  )
}

/** How long until then, counting down. */
export const Until = ({ at, past = 'now' }: { readonly at: number | undefined; readonly past?: string }) => {
  const now = useServerNow()
  if (at === undefined) return <Figure text={UNKNOWN} />
  return <Figure text={at <= now ? past : `in ${formatDuration(wholeSeconds(at - now))}`} title={formatTime(at, now)} />
}

/** The time of day. */
export const Moment = ({ at }: { readonly at: number }) => <Figure text={formatTime(at, useServerNow())} />

/** Keys, tags, names of the user's data: with what can't be seen made visible, as text and never as markup. */
export const Mono = ({ children, className }: { readonly children: string; readonly className?: string }) => (
  <span className={cn('mr-mono break-all', className)} dir="ltr">
    {visible(children)}
  </span>
)

/** A countdown in tenths would only flicker. */
const wholeSeconds = (ms: number): number => Math.ceil(ms / 1_000) * 1_000
