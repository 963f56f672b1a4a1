import { z } from 'zod'
import { cursor, limit, part } from './asked.js'

/** `search`: a text that the group's name has in it. */
export const groupsAsked = z.object({ search: part, cursor, limit })

export interface GroupsView {
  readonly groups: readonly {
    readonly name: string
    readonly items: number | undefined
    readonly endsAt: number | undefined
  }[]
  readonly cursor: string | undefined
  /** All there are, about. Undefined: not known. */
  readonly total: number | undefined
  /** State has another adapter than ours: there is nothing to show. */
  readonly ours: boolean
  readonly home: string
  readonly servedBy: string | undefined
  readonly mirror: { readonly instance: string; readonly current: boolean } | undefined
}
