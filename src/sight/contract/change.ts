import { z } from 'zod'
import { key, name } from './asked.js'

/** The body of the POST to `change`. */
export const change = z.discriminatedUnion('do', [
  z.object({ do: z.literal('delete-entry'), category: name, key }),
  /** Within grace it stays as a stale value. */
  z.object({ do: z.literal('expire-entry'), category: name, key }),
  z.object({ do: z.literal('invalidate-tag'), category: name, tag: name }),
  z.object({ do: z.literal('clear-category'), category: name }),
  z.object({ do: z.literal('delete-item'), group: name, key: name }),
  z.object({ do: z.literal('clear-group'), group: name }),
  /** The instance is treated as gone for so long. Only in development. */
  z.object({ do: z.literal('drill'), instance: name, seconds: z.number().int().min(1).max(600) }),
])

export type Change = z.input<typeof change>

/** How many entries, items or keys a change touched, as far as that is known. */
export interface Changed {
  readonly count: number | undefined
}
