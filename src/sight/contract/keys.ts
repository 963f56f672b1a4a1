import { z } from 'zod'
import { cursor, limit, name, part } from './asked.js'

/** `prefix`: in a sensitive category the whole key, since by its beginnings it could be guessed. */
export const keysAsked = z.object({ category: name, prefix: part, cursor, limit })

export interface KeysView {
  readonly category: string
  /** In a sensitive category what stands for each, to be handed back as its key. */
  readonly keys: readonly string[]
  /** In a sensitive category what to show for each of `keys`; undefined elsewhere: the keys themselves. */
  readonly labels: Readonly<Record<string, string>> | undefined
  readonly cursor: string | undefined
  /** An instance is away: keys that only it knows are missing. */
  readonly partial: boolean
  /** False: the category can't list its keys. */
  readonly enumerable: boolean
  /** Keys of this page that others wrote and no call can name: longer than 512 bytes, or no text. */
  readonly foreign: number
}
