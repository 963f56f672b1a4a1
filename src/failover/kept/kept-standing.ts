import type { TombstoneEntry, ValueEntry } from '../journal/journal-entries.js'
import type { FoundAll } from '../journal/journal-overlay.js'
import type { Version } from '../versions/clock.js'
import { highest } from '../versions/merge.js'

/** What a place holds for one key. */
export interface Stored {
  readonly text: string | undefined
  /** Of the text. Undefined: it bears none. */
  readonly version: Version | undefined
  /** The highest version that says that nothing up to it may live here. */
  readonly marker: Version | undefined
}

/** What waits for the place about the same key. */
export interface Waiting {
  readonly own: ValueEntry | TombstoneEntry | undefined
  readonly cleared: Version | undefined
  readonly invalid: boolean
}

/** What a reader gets, and whether the journal has it. */
export interface Standing {
  readonly text: string | undefined
  readonly journalled: boolean
}

/** Of a place and what waits for it the later counts; what bears no version is earlier than all that does. */
export const standing = ({ text, version, marker }: Stored, { own, cleared, invalid }: Waiting): Standing => {
  if (own !== undefined && !isAbove(version, own.version) && !isAbove(marker, own.version)) {
    return { text: own.kind === 'value' ? own.text : undefined, journalled: true }
  }
  const gone = (cleared !== undefined && !isAbove(version, cleared)) || (invalid && version === undefined)
  return { text: gone ? undefined : text, journalled: false }
}

const isAbove = (version: Version | undefined, other: Version): boolean => version !== undefined && version > other

/** What waits for all places, as if it were one: all that is known where none can be asked. Undefined: nothing. */
export const combined = (all: readonly (Waiting | undefined)[]): Waiting | undefined => {
  let own: Waiting['own']
  let cleared: Version | undefined
  for (const waiting of all) {
    if (waiting?.own !== undefined && (own === undefined || waiting.own.version > own.version)) own = waiting.own
    cleared = highest(cleared, waiting?.cleared)
  }
  if (own !== undefined && cleared !== undefined && own.version <= cleared) own = undefined
  return own === undefined && cleared === undefined ? undefined : { own, cleared, invalid: false }
}

/** The same for a whole group. */
export const combinedAll = (all: readonly (FoundAll | undefined)[]): FoundAll | undefined => {
  const keys = new Set(all.flatMap((found) => [...(found?.own.keys() ?? [])]))
  const cleared = highest(...all.map((found) => found?.cleared))
  const own = new Map<string, ValueEntry | TombstoneEntry>()
  for (const key of keys) {
    const latest = combined(all.map((found) => found && waitingFor(found, key)))?.own
    if (latest !== undefined) own.set(key, latest)
  }
  return own.size === 0 && cleared === undefined ? undefined : { own, cleared, invalid: false }
}

/** What of a whole group concerns one item. */
export const waitingFor = ({ own, cleared, invalid }: FoundAll, key: string): Waiting => ({
  own: own.get(key),
  cleared,
  invalid,
})

export const nothingStored: Stored = { text: undefined, version: undefined, marker: undefined }
