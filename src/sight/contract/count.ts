import { z } from 'zod'
import { name } from './asked.js'

/** What `clear-category` would remove. It looks at every key of the instances: for who asks whether to do it. */
export const countAsked = z.object({ category: name })

export interface CountView {
  readonly category: string
  /** At most 10,000. */
  readonly entries: number
  /** There may be more: there are more than 10,000, or two seconds weren't enough, or an instance can't be asked. */
  readonly atLeast: boolean
}
