import type { ReactNode } from 'react'
import { Answered } from '../pieces/states.js'
import type { ViewProps } from '../place.js'
import { useOverview } from '../use-overview.js'

/** How every instance stands and who serves what now. */
export const OverviewPage = (_: ViewProps): ReactNode => (
  <div className="flex min-h-0 flex-1 flex-col overflow-auto">
    <Answered polled={useOverview()}>{({ instances }) => <p className="p-4 text-sm">{instances.length}</p>}</Answered>
  </div>
)
