import type { ReactNode } from 'react'
import { linePath } from '../sparkline-path.js'

/** The last values as a line. It scales to its own highest value; `label` says what it shows. */
export const Sparkline = ({
  values,
  label,
  className = 'h-8 w-full',
}: {
  readonly values: readonly number[]
  readonly label: string
  readonly className?: string
}): ReactNode => {
  const { line, area } = linePath(values, 100, 24)
  return (
    <svg viewBox="0 0 100 24" preserveAspectRatio="none" role="img" aria-label={label} className={className}>
      <path d={area} className="mr-spark-area" />
      <path d={line} className="mr-spark-line" vectorEffect="non-scaling-stroke" fill="none" />
    </svg>
  )
}
