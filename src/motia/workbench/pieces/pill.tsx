import { cn } from '@motiadev/ui'
import type { ReactNode } from 'react'
import type { Tone } from '../tone.js'

const colours: Readonly<Record<Tone, string>> = {
  ok: 'mr-ok',
  warn: 'mr-warn',
  bad: 'mr-bad',
  info: 'mr-info',
  mute: 'text-muted-foreground',
}

export const toneClass = (tone: Tone): string => colours[tone]

/** A word about a state. The colour only says again what the word says. */
export const Pill = ({
  tone,
  dot = false,
  children,
  title,
  'data-testid': testId,
}: {
  readonly tone: Tone
  readonly dot?: boolean
  readonly children: ReactNode
  readonly title?: string
  readonly 'data-testid'?: string
}): ReactNode => (
  <span
    className={cn(
      'mr-pill inline-flex items-center gap-1.5 rounded-full px-2 py-0.5 text-xs font-medium whitespace-nowrap',
      colours[tone],
    )}
    title={title}
    data-testid={testId}
  >
    {dot && <Dot tone={tone} />}
    {children}
  </span>
)

export const Dot = ({ tone, alive = false }: { readonly tone: Tone; readonly alive?: boolean }): ReactNode => (
  <span
    aria-hidden="true"
    className={cn('inline-block size-2 shrink-0 rounded-full bg-current', colours[tone], alive && 'mr-alive')}
  />
)
