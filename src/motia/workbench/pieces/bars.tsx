import { cn } from '@motiadev/ui'
import type { ReactNode } from 'react'
import type { Tone } from '../tone.js'
import { toneClass } from './pill.js'

/** How much of something is used. The figures stand beside it; this is for the eye. */
export const Meter = ({
  share,
  label,
  tone = 'info',
}: {
  /** 0 to 1 */
  readonly share: number
  readonly label: string
  readonly tone?: Tone
}): ReactNode => (
  // biome-ignore lint/a11y/useSemanticElements: a <meter> can't be drawn alike in all browsers
  <div
    className="mr-track h-1.5 w-full overflow-hidden rounded-full"
    role="meter"
    aria-label={label}
    aria-valuemin={0}
    aria-valuemax={100}
    aria-valuenow={Math.round(clamped(share) * 100)}
  >
    <div
      className={cn('h-full rounded-full bg-current', toneClass(tone))}
      style={{ width: `${clamped(share) * 100}%` }}
    />
  </div>
)

export interface Part {
  readonly name: string
  readonly value: number
  /** A class that gives it its colour. */
  readonly className: string
}

/** Parts of a whole, beside each other. `whole` may be more than they come to. */
export const Stacked = ({
  parts,
  whole,
  label,
}: {
  readonly parts: readonly Part[]
  readonly whole: number
  readonly label: string
}): ReactNode => (
  <div className="mr-track flex h-2.5 w-full gap-px overflow-hidden rounded-full" role="img" aria-label={label}>
    {parts.map(({ name, value, className }) => (
      <div
        key={name}
        title={name}
        className={className}
        style={{ width: `${whole === 0 ? 0 : clamped(value / whole) * 100}%` }}
      />
    ))}
  </div>
)

const clamped = (share: number): number => (Number.isFinite(share) ? Math.min(1, Math.max(0, share)) : 0)
