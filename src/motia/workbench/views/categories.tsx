import type { ReactNode } from 'react'
import { Answered } from '../pieces/states.js'
import type { ViewProps } from '../place.js'
import { usePoll } from '../use-poll.js'

const NOTHING: Record<string, never> = {}

/** Every category: its policy and its figures. */
export const CategoriesPage = (_: ViewProps): ReactNode => (
  <div className="flex min-h-0 flex-1 flex-col overflow-auto">
    <Answered polled={usePoll('categories', NOTHING, 5_000)}>
      {({ categories }) => <p className="p-4 text-sm">{categories.length}</p>}
    </Answered>
  </div>
)
