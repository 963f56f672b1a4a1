import { Button, cn } from '@motiadev/ui'
import type { ComponentProps, ReactNode } from 'react'

type SteadyButtonProps = Omit<ComponentProps<typeof Button>, 'disabled' | 'onClick'> & {
  /** Undefined: there is nothing to do now. */
  readonly onClick: (() => void) | undefined
}

/** A button that keeps the focus while it can't be used: one that is disabled would lose it. */
export const SteadyButton = ({ onClick, className, ...rest }: SteadyButtonProps): ReactNode => (
  <Button
    {...rest}
    className={cn(className, onClick === undefined && 'cursor-not-allowed opacity-50')}
    aria-disabled={onClick === undefined}
    onClick={onClick}
  />
)
