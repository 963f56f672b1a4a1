import { timeOf, type Version } from '../versions/clock.js'

/**
 * What an entry is about: a category, a group of state, or `everywhere` (an invalidation in all categories). Neither
 * names of categories nor of groups can be mistaken for each other.
 */
export type Scope = string
export const categoryScope = (category: string): Scope => `c:${category}`
export const groupScope = (group: string): Scope => `g:${group}`
export const everywhere: Scope = ''
export const isGroup = (scope: Scope): boolean => scope.startsWith('g:')

/** Times are absolute (epoch ms). */
export type JournalEntry = InvalidEntry | KeptEntry | DeltaEntry

/** Cached data: what lies at home is not to be read, and is deleted on replay. */
export type InvalidEntry =
  | { readonly kind: 'invalid'; readonly scope: Scope; readonly key: string }
  | { readonly kind: 'invalid-tag'; readonly scope: Scope; readonly tag: string }
  /** All of the category; with scope `everywhere`, of every cached category. */
  | { readonly kind: 'invalid-all'; readonly scope: Scope }

export interface ValueEntry {
  readonly kind: 'value'
  readonly scope: Scope
  readonly key: string
  readonly version: Version
  readonly text: string
  /** The physical end; of an item of a group the group's end as this write means it; false: never. */
  readonly endsAt: number | false
  readonly tags?: readonly string[]
}

export interface TombstoneEntry {
  readonly kind: 'tombstone'
  readonly scope: Scope
  readonly key: string
  readonly version: Version
}

export interface TagEntry {
  readonly kind: 'tag'
  readonly scope: Scope
  readonly tag: string
  readonly version: Version
}

export type KeptEntry =
  | ValueEntry
  | TombstoneEntry
  | { readonly kind: 'clear'; readonly scope: Scope; readonly version: Version }
  | TagEntry

/** An increment, to be added once. */
export interface DeltaEntry {
  readonly kind: 'delta'
  readonly scope: Scope
  readonly key: string
  readonly id: string
  readonly by: number
  /** The counter's end if this starts it. */
  readonly endsAt: number
  /** Whether it is kept data. */
  readonly kept: boolean
}

export const isKept = (entry: JournalEntry): boolean => 'version' in entry || (entry.kind === 'delta' && entry.kept)

/** When it began to count: markers end by the time in versions, so entries age by it too. */
export const startOf = (entry: JournalEntry, now: number): number =>
  'version' in entry ? Math.min(now, timeOf(entry.version)) : now

/** What it takes of the journal's bound: its text, its names twice (record and queue), and what LMDB adds. */
export const sizeOf = (recordKey: Buffer, entry: JournalEntry): number =>
  recordKey.length * 2 + 200 + (entry.kind === 'value' ? Buffer.byteLength(entry.text) : 0)

/** One letter per class of records; the class comes first, so that each is a range. */
type RecordClass = 'I' | 'T' | 'A' | 'k' | 't' | 'c' | 'd'
const classes: Record<JournalEntry['kind'], RecordClass> = {
  invalid: 'I',
  'invalid-tag': 'T',
  'invalid-all': 'A',
  value: 'k',
  tombstone: 'k',
  clear: 'c',
  tag: 't',
  delta: 'd',
}

/** Everything of one instance begins with this. Names of instances hold no NUL. */
export const instancePrefix = (instance: string): Buffer => Buffer.from(`${instance}\0`)

/** Parts have their length before them, so that no two are mistaken for each other, whatever they hold. */
const keyOf = (instance: string, of: RecordClass, ...parts: readonly string[]): Buffer => {
  let length = Buffer.byteLength(instance) + 2
  for (const part of parts) length += Buffer.byteLength(part) + 2
  const key = Buffer.allocUnsafe(length)
  let at = key.write(instance)
  key[at++] = 0
  key[at++] = of.charCodeAt(0)
  for (const part of parts) {
    const size = key.write(part, at + 2)
    key.writeUInt16BE(Math.min(size, 0xffff), at)
    at += size + 2
  }
  return key
}

/** The part of a record's key that begins there. */
export const partAt = (key: Buffer, at: number): string => key.toString('utf8', at + 2, at + 2 + key.readUInt16BE(at))

/** Two entries with the same one are about the same thing, and the later replaces the earlier. */
export const recordKeyOf = (instance: string, entry: JournalEntry): Buffer => {
  const of = classes[entry.kind]
  if (entry.kind === 'delta') return keyOf(instance, of, entry.scope, entry.key, entry.id)
  if ('key' in entry) return keyOf(instance, of, entry.scope, entry.key)
  if ('tag' in entry) return keyOf(instance, of, entry.scope, entry.tag)
  return keyOf(instance, of, entry.scope)
}

export const invalidKey = (instance: string, scope: Scope, key: string): Buffer => keyOf(instance, 'I', scope, key)
export const invalidAllKey = (instance: string, scope: Scope): Buffer => keyOf(instance, 'A', scope)
export const keptKey = (instance: string, scope: Scope, key: string): Buffer => keyOf(instance, 'k', scope, key)
export const clearKey = (instance: string, scope: Scope): Buffer => keyOf(instance, 'c', scope)
export const tagKey = (instance: string, of: 'T' | 't', scope: Scope, tag: string): Buffer =>
  keyOf(instance, of, scope, tag)
/** Prefixes of ranges. */
export const deltasOf = (instance: string, scope: Scope, key: string): Buffer => keyOf(instance, 'd', scope, key)
/** All increments of a category. */
export const deltasIn = (instance: string, scope: Scope): Buffer => keyOf(instance, 'd', scope)
export const keptOf = (instance: string, scope: Scope): Buffer => keyOf(instance, 'k', scope)
export const classOf = (instance: string, of: RecordClass): Buffer => keyOf(instance, of)

/** What entries are about, for people: 'orders 2, state 1'. Names of groups are the app's own data. */
export const namesOf = (entries: readonly JournalEntry[]): string => {
  const counts = new Map<string, number>()
  for (const { scope } of entries) {
    const name = isGroup(scope) ? 'state' : scope === everywhere ? 'all categories' : scope.slice(2)
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return [...counts].map(([name, count]) => `${name} ${count}`).join(', ')
}
