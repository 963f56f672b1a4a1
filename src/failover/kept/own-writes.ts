import type { KeptEntry, Scope, TombstoneEntry, ValueEntry } from '../journal/journal-entries.js'
import { steadyNow } from '../time-left.js'
import type { Version } from '../versions/clock.js'
import type { Waiting } from './kept-standing.js'

/**
 * What this process wrote to mirrored categories and both places have, so that it waits nowhere: what a read finds when
 * both are away. In memory, the latest. It tells nothing about keys that were not written here.
 */
export interface OwnWrites {
  /** It was acknowledged. */
  note(entry: KeptEntry): void
  /** What waits in the journal counts as well: the later of the two is true. Undefined: nothing that is certain. */
  find(scope: Scope, key: string): Waiting | undefined
}

interface Noted {
  readonly entry: ValueEntry | TombstoneEntry
  /** steadyNow. */
  readonly at: number
  readonly size: number
}

/** Characters of texts and names, about. */
const MAX_SIZE = 8 * 1024 * 1024
/** Of one entry, besides its text. */
const ENTRY = 200

export const createOwnWrites = ({
  aloneSince,
  now,
  maxSize = MAX_SIZE,
}: {
  /** Since when (steadyNow) nobody else can have written; Infinity: somebody may. */
  readonly aloneSince: () => number
  /** Epoch ms. */
  readonly now: () => number
  readonly maxSize?: number
}): OwnWrites => {
  const noted = new Map<string, Noted>()
  const cleared = new Map<Scope, { readonly version: Version; readonly at: number }>()
  let used = 0
  const nameOf = (scope: Scope, key: string): string => `${scope.length} ${scope}${key}`

  const forget = (name: string): void => {
    used -= noted.get(name)?.size ?? 0
    noted.delete(name)
  }

  const keep = (entry: ValueEntry | TombstoneEntry): void => {
    const name = nameOf(entry.scope, entry.key)
    const known = noted.get(name)
    if (known !== undefined && known.entry.version > entry.version) return
    forget(name)
    const size = ENTRY + name.length * 2 + (entry.kind === 'value' ? entry.text.length : 0)
    noted.set(name, { entry, at: steadyNow(), size })
    used += size
    if (used <= maxSize) return
    // A Map keeps the order of insertion: the first was written longest ago.
    for (const [oldest, { entry: gone }] of noted) {
      forget(oldest)
      // What is left of a clear would say of it that it isn't there.
      const clear = cleared.get(gone.scope)
      if (clear !== undefined && clear.version < gone.version) cleared.delete(gone.scope)
      if (used <= maxSize) break
    }
  }

  const removed = ({ scope, key, version }: ValueEntry): TombstoneEntry => ({ kind: 'tombstone', scope, key, version })

  return {
    note: (entry) => {
      if (entry.kind === 'clear') cleared.set(entry.scope, { version: entry.version, at: steadyNow() })
      else if (entry.kind !== 'tag') keep(entry)
      else {
        for (const { entry: each } of [...noted.values()]) {
          if (each.kind !== 'value' || each.scope !== entry.scope || each.version > entry.version) continue
          if (each.tags?.includes(entry.tag)) keep(removed(each))
        }
      }
    },

    find: (scope, key) => {
      const since = aloneSince()
      const found = noted.get(nameOf(scope, key))
      const last = cleared.get(scope)
      const entry = found !== undefined && found.at >= since ? found.entry : undefined
      const clear = last !== undefined && last.at >= since ? last.version : undefined
      if (entry === undefined && clear === undefined) return undefined
      const ended = entry?.kind === 'value' && entry.endsAt !== false && entry.endsAt <= now()
      return { own: ended ? removed(entry) : entry, cleared: clear, invalid: false }
    },
  }
}
