import { within } from '../../embedded/database.js'
import type { Version } from '../versions/clock.js'
import type { AheadEntry } from './ahead.js'
import {
  classOf,
  clearKey,
  type DeltaEntry,
  deltasOf,
  everywhere,
  instancePrefix,
  invalidAllKey,
  invalidKey,
  isGroup,
  type JournalEntry,
  keptKey,
  keptOf,
  partAt,
  type Scope,
  type TombstoneEntry,
  tagKey,
  type ValueEntry,
} from './journal-entries.js'
import type { JournalFiles } from './journal-files.js'
import { type Added, addedBy, readDeltas } from './journal-sums.js'
import { queueKey, supersedes } from './journal-writing.js'

/** What waits for an instance and concerns one key. */
export interface Found {
  /** Cached data: what lies at home is not to be read. */
  readonly invalid: boolean
  /**
   * Kept data: what answers a read of the key. A value whose life is over, that was cleared since, or of which a tag was
   * invalidated, is none.
   */
  readonly own: ValueEntry | TombstoneEntry | undefined
  /** Kept data: without `own`, a value at home or on a stand-in counts only above this version. */
  readonly cleared: Version | undefined
  /** Increments wait that are not in what lies at home. */
  readonly counted: boolean
  /** What they make together. Like `deltas` of the moment when it is asked for. */
  readonly added: Added | undefined
  /** Some of them are in a batch that is being replayed: they may be in what lies at home. */
  readonly beingAdded: boolean
  /** Those increments, in no order: each is read from the disk. */
  readonly deltas: readonly DeltaEntry[]
}

/** What waits for an instance and concerns one group or category. */
export interface FoundAll {
  readonly invalid: boolean
  readonly own: ReadonlyMap<string, ValueEntry | TombstoneEntry>
  readonly cleared: Version | undefined
}

/** Synchronous reads. Where nothing waits for the instance they cost a look into a map. */
export interface Overlay {
  /** Whether anything waits for the instance. A look into a map. */
  holds(instance: string): boolean
  /** Undefined: nothing that waits concerns the key. Tags apart: see findTags. */
  find(instance: string, scope: Scope, key: string): Found | undefined
  /** How often a batch with increments was begun or ended for the instance, by any process. */
  adding(instance: string): number
  /** For a whole group or category. */
  findAll(instance: string, scope: Scope): FoundAll | undefined
  /** Tags of a value that was read: what waits about them. `version`: what bears one counts only above it. */
  findTags(
    instance: string,
    scope: Scope,
    tags: readonly string[],
  ): { readonly invalid: boolean; readonly version: Version | undefined } | undefined
  /** Whether any invalidation of a tag of cached data waits, whatever its category. Read from names alone. */
  holdsTags(instance: string): boolean
  /** The groups (as scopes) about which kept data waits. Read from names alone. */
  scopesOfGroups(instance: string): Scope[]
  /** The keys of kept data of one of them about which something waits, of what is gone, too. Read from names alone. */
  keysWaiting(instance: string, scope: Scope): string[]
}

/** Of two that say what answers a read. */
const later = (known: JournalEntry | undefined, other: AheadEntry | undefined): JournalEntry | undefined =>
  known === undefined || (other !== undefined && supersedes(other, known)) ? other : known

export const createOverlay = (
  files: Pick<JournalFiles, 'tables' | 'ahead' | 'totals' | 'refresh'>,
  mayHold: (instance: string) => boolean,
  now: () => number,
): Overlay => {
  const { tables, ahead } = files
  const { records, queue, sums } = tables

  const isInvalid = (instance: string, scope: Scope): boolean =>
    records.doesExist(invalidAllKey(instance, scope)) || records.doesExist(invalidAllKey(instance, everywhere))

  const clearedAt = (instance: string, scope: Scope): Version | undefined => {
    const entry = records.get(clearKey(instance, scope))?.[3]
    return entry?.kind === 'clear' ? entry.version : undefined
  }

  const findTags: Overlay['findTags'] = (instance, scope, tags) => {
    if (tags.length === 0 || !mayHold(instance)) return undefined
    let invalid = false
    let version: Version | undefined
    for (const tag of tags) {
      invalid ||= [scope, everywhere].some((where) => records.doesExist(tagKey(instance, 'T', where, tag)))
      const entry = records.get(tagKey(instance, 't', scope, tag))?.[3]
      if (entry?.kind === 'tag' && (version === undefined || entry.version > version)) version = entry.version
    }
    return invalid || version !== undefined ? { invalid, version } : undefined
  }

  const isInvalidated = (instance: string, { scope, tags = [], version }: ValueEntry): boolean => {
    const invalidated = findTags(instance, scope, tags)?.version
    return invalidated !== undefined && invalidated >= version
  }

  /** As it is to be read now. */
  const standing = (
    instance: string,
    own: JournalEntry | undefined,
    cleared: Version | undefined,
  ): ValueEntry | TombstoneEntry | undefined => {
    if (own?.kind !== 'value' && own?.kind !== 'tombstone') return undefined
    if (cleared !== undefined && own.version <= cleared) return undefined
    if (own.kind === 'tombstone') return own
    if ((own.endsAt === false || own.endsAt > now()) && !isInvalidated(instance, own)) return own
    return { kind: 'tombstone', scope: own.scope, key: own.key, version: own.version }
  }

  const isBeingAdded = (instance: string, scope: Scope, key: string): boolean => {
    const [, upTo, until] = files.totals().adding?.[instance] ?? [0, 0, 0]
    if (until <= now()) return false
    for (const { value } of queue.getRange({ start: instancePrefix(instance), end: queueKey(instance, upTo + 1) })) {
      const entry = records.get(value)?.[3]
      if (entry?.kind === 'delta' && entry.key === key && entry.scope === scope) return true
    }
    return false
  }

  return {
    holds: mayHold,

    adding: (instance) => {
      // Of other processes, too.
      files.refresh()
      return files.totals().adding?.[instance]?.[0] ?? 0
    },

    find: (instance, scope, key) => {
      if (!mayHold(instance)) return undefined
      const invalid = records.doesExist(invalidKey(instance, scope, key)) || isInvalid(instance, scope)
      const cleared = clearedAt(instance, scope)
      const known = records.get(keptKey(instance, scope, key))?.[3]
      const latest = later(known, ahead.find(instance, scope, key))
      const own = standing(instance, latest, cleared)
      const place = deltasOf(instance, scope, key)
      // A value takes in what was added before.
      const counted = latest === known && sums.doesExist(place)
      if (!invalid && own === undefined && cleared === undefined && !counted) return undefined
      const deltas = (): DeltaEntry[] => (counted ? readDeltas(tables, instance, scope, key) : [])
      return {
        invalid,
        own,
        cleared,
        counted,
        get added() {
          const sum = counted ? sums.get(place) : undefined
          return sum && addedBy(sum, deltas, now())
        },
        get beingAdded() {
          return counted && isBeingAdded(instance, scope, key)
        },
        get deltas() {
          return deltas()
        },
      }
    },

    findAll: (instance, scope) => {
      if (!mayHold(instance)) return undefined
      const invalid = isInvalid(instance, scope)
      const cleared = clearedAt(instance, scope)
      const latest = new Map<string, JournalEntry>(ahead.findAll(instance, scope))
      for (const { value } of records.getRange(within(keptOf(instance, scope)))) {
        const [, , , entry] = value
        if ('key' in entry) latest.set(entry.key, later(entry, ahead.find(instance, scope, entry.key)) ?? entry)
      }
      const own = new Map<string, ValueEntry | TombstoneEntry>()
      for (const each of latest.values()) {
        const entry = standing(instance, each, cleared)
        if (entry !== undefined) own.set(entry.key, entry)
      }
      return !invalid && own.size === 0 && cleared === undefined ? undefined : { invalid, own, cleared }
    },

    findTags,

    holdsTags: (instance) =>
      mayHold(instance) && [...records.getKeys({ ...within(classOf(instance, 'T')), limit: 1 })].length > 0,

    scopesOfGroups: (instance) => {
      if (!mayHold(instance)) return []
      const scopes = new Set<Scope>()
      for (const of of ['k', 'c'] as const) {
        const before = classOf(instance, of)
        const { start, end } = within(before)
        let from = start
        for (;;) {
          const [next] = records.getKeys({ start: from, ...(end && { end }), limit: 1 })
          if (next === undefined) break
          const scope = partAt(next, before.length)
          if (isGroup(scope)) scopes.add(scope)
          // Past everything of this scope: the names are between their lengths, so it is a range of its own.
          const { end: past } = within(of === 'k' ? keptOf(instance, scope) : clearKey(instance, scope))
          if (past === undefined) break
          from = past
        }
      }
      for (const scope of ahead.scopes(instance)) if (isGroup(scope)) scopes.add(scope)
      return [...scopes]
    },

    keysWaiting: (instance, scope) => {
      if (!mayHold(instance)) return []
      const before = keptOf(instance, scope)
      const keys = new Set(ahead.findAll(instance, scope).keys())
      for (const key of records.getKeys(within(before))) keys.add(partAt(key, before.length))
      return [...keys]
    },
  }
}
