import { cn } from '@motiadev/ui'
import type { ReactNode } from 'react'
import { toneClass } from '../pieces/pill.js'
import type { Tone } from '../tone.js'

/** Something to know about what is shown below. */
export const Notice = ({ tone, children }: { readonly tone: Tone; readonly children: ReactNode }): ReactNode => (
  <p
    className={cn('border-b px-3 py-1.5 text-xs break-words', toneClass(tone))}
    role="status"
    data-testid="cache-notice"
  >
    {children}
  </p>
)
