import { checkKey } from '../../codec/key.js'
import type { ErrorPlace } from '../../errors.js'
import { wrongOption } from '../wrong-option.js'

/** Tags an entry may bear, and those that one call may invalidate. */
const MOST_BORNE = 64
const MOST_INVALIDATED = 1_000
/** In UTF-8. */
const MAX_BYTES = 256

/** The tags of an entry, each once. Undefined: none. */
export const entryTags = (tags: unknown, place: ErrorPlace): readonly string[] | undefined => {
  const checked = checkTags(tags, MOST_BORNE, 'an entry bears', place)
  return checked.length === 0 ? undefined : checked
}

/** Those that shall be invalidated, each once. */
export const invalidatedTags = (tags: unknown, place: ErrorPlace): readonly string[] =>
  checkTags(tags, MOST_INVALIDATED, 'one call invalidates', place)

const checkTags = (tags: unknown, most: number, what: string, place: ErrorPlace): readonly string[] => {
  if (!Array.isArray(tags)) throw wrongOption("tags must be an array of strings, e.g. ['lunch']", place)
  if (tags.length > most) throw wrongOption(`tags: ${what} at most ${most}, these are ${tags.length}`, place)
  for (const tag of tags) {
    const problem = checkKey(tag, 'tag', MAX_BYTES)
    if (problem !== undefined) throw wrongOption(`tags: ${problem}`, place)
  }
  return [...new Set<string>(tags)]
}
