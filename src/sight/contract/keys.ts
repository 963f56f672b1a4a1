import { z } from 'zod'
import { cursor, limit, name, part } from './asked.js'

export const keysAsked = z.object({ category: name, prefix: part, cursor, limit })

export interface KeysView {
  readonly category: string
  readonly keys: readonly string[]
  readonly cursor: string | undefined
  /** An instance is away: keys that only it knows are missing. */
  readonly partial: boolean
  /** False: the category can't list its keys. */
  readonly enumerable: boolean
  /** Keys of this page that others wrote and no call can name: longer than 512 bytes, or no text. */
  readonly foreign: number
}
