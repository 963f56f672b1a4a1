import { createHash } from 'node:crypto'
import type { Version } from './clock.js'

/** A value of kept data. Its tags are written in its text too, so equal texts have equal tags. */
export interface KeptValue {
  readonly version: Version
  readonly text: string
  readonly tags?: readonly string[] | undefined
  /** Epoch ms. Undefined: it never ends. */
  readonly endsAt?: number | undefined
}

/** What one write of kept data says about one key; a clear and a tag say it about all keys of their scope. */
export type KeptWrite =
  | ({ readonly kind: 'value' } & KeptValue)
  | { readonly kind: 'tombstone'; readonly version: Version }
  | { readonly kind: 'clear'; readonly version: Version }
  | { readonly kind: 'tag'; readonly version: Version; readonly tag: string }

/** What a place holds for one key. Markers that have ended, or are no valid versions, are left out. */
export interface KeyState {
  /** 'foreign': a value without a valid version. */
  readonly slot: KeptValue | 'foreign' | undefined
  /** The key's own marker: nothing up to this version may live here. */
  readonly deleted: Version | undefined
  /** The marker of its group or category. */
  readonly cleared: Version | undefined
  /** Markers of tags. */
  readonly tags: ReadonlyMap<string, Version>
}

export const noState: KeyState = { slot: undefined, deleted: undefined, cleared: undefined, tags: new Map() }

/**
 * How long (ms) a marker keeps older writes out. No entry of the journal is replayed as a value after that time, and
 * both are counted from the time in the version.
 */
export const MARKER_LIFE = 24 * 60 * 60_000

/**
 * ms by which ends may differ and still count as one: a write that was under way a little longer than the one before it
 * must not cost a marker.
 */
export const LIVES_ALIKE = 1_000

/**
 * The first would still be there when the other has ended. Then a marker has to stay that keeps it out, for it may come
 * once more. (Lives beyond MARKER_LIFE need none: what is so late isn't merged as a value.)
 */
const outlives = (one: KeptValue, other: KeptValue): boolean =>
  other.endsAt !== undefined && (one.endsAt === undefined || one.endsAt > other.endsAt + LIVES_ALIKE)

/** The highest version below one. */
const below = (version: Version): Version => (BigInt(`0x${version}`) - 1n).toString(16).padStart(version.length, '0')

export const highest = (...versions: readonly (Version | undefined)[]): Version | undefined =>
  versions.reduce((most, each) => (each !== undefined && (most === undefined || each > most) ? each : most), undefined)

const reaches = (marker: Version | undefined, version: Version): boolean => marker !== undefined && marker >= version

const tagMarker = (state: KeyState, tags: readonly string[] = []): Version | undefined =>
  highest(...tags.map((tag) => state.tags.get(tag)))

/**
 * A write that was made elsewhere or earlier arrives: replay, fill, repair. In whatever order and however often writes
 * arrive, the same state comes out.
 *
 * `ceiling`: a version no lower than any in `write`, as the clock gives it now. Nobody knows whether a foreign value is
 * older or newer than a write, so the two end each other, and the key's marker at the ceiling keeps out what else
 * comes from that time.
 */
export const merge = (state: KeyState, write: KeptWrite, ceiling: Version): KeyState => {
  switch (write.kind) {
    case 'value':
      return mergeValue(state, write, ceiling)
    case 'tombstone':
      if (reaches(state.deleted, write.version)) return state
      if (state.slot === 'foreign') return { ...state, slot: undefined, deleted: highest(write.version, ceiling) }
      return buried(state, write.version)
    case 'clear':
      if (state.cleared !== undefined && state.cleared > write.version) return state
      if (state.slot === 'foreign') {
        return { ...state, slot: undefined, cleared: write.version, deleted: highest(state.deleted, ceiling) }
      }
      return {
        ...state,
        cleared: write.version,
        slot: state.slot !== undefined && state.slot.version <= write.version ? undefined : state.slot,
      }
    case 'tag':
      return mergeTag(state, write.tag, write.version)
  }
}

const mergeValue = (state: KeyState, value: KeptValue, ceiling: Version): KeyState => {
  const { slot } = state
  const { version, tags } = value
  if (reaches(state.deleted, version) || reaches(state.cleared, version)) return state
  if (slot === 'foreign') return { ...state, slot: undefined, deleted: highest(version, ceiling) }
  // It was written, then invalidated. What it replaced must not come back, so it counts as a tombstone.
  if (reaches(tagMarker(state, tags), version)) return buried(state, version)
  if (slot !== undefined && slot.version > version) {
    return outlives(value, slot) ? { ...state, deleted: highest(state.deleted, below(slot.version)) } : state
  }
  return slot === undefined || replaces(value, slot) ? taken(state, value) : state
}

/** In the place of what is there. */
const taken = (state: KeyState, { version, text, tags, endsAt }: KeptValue): KeyState => {
  const { slot } = state
  const value: KeptValue = { version, text, tags, endsAt }
  const outlived = slot !== undefined && slot !== 'foreign' && outlives(slot, value)
  return { ...state, slot: value, deleted: outlived ? highest(state.deleted, below(version)) : state.deleted }
}

const mergeTag = (state: KeyState, tag: string, version: Version): KeyState => {
  const marked = { ...state, tags: new Map(state.tags).set(tag, highest(state.tags.get(tag), version) ?? version) }
  const { slot } = state
  if (slot === undefined || slot === 'foreign') return marked
  return slot.tags?.includes(tag) && slot.version <= version ? buried(marked, slot.version) : marked
}

/** The key's marker raised, and what it reaches gone. */
const buried = (state: KeyState, version: Version): KeyState => {
  const { slot } = state
  const gone = slot !== undefined && slot !== 'foreign' && slot.version <= version
  return { ...state, slot: gone ? undefined : slot, deleted: highest(state.deleted, version) }
}

type Comparable = Pick<KeptValue, 'version' | 'text'>

/** Of two values the higher version. Two texts with one version can't be, but if they are, all places take the same. */
export const replaces = (value: Comparable, stored: Comparable): boolean =>
  value.version === stored.version
    ? value.text !== stored.text && digest(value.text) > digest(stored.text)
    : value.version > stored.version

/** Not the texts themselves: the scripts compare them too, and there Lua follows the server's locale. */
const digest = (text: string): string => createHash('sha1').update(text).digest('hex')

/** `refused`: the version that stood in the way. The caller raises its clock above it and sends once more. */
export type PutOutcome = { readonly state: KeyState } | { readonly refused: Version }

/** A live call: what it meets must not be later. Sent twice it does no more than once. A foreign value is replaced. */
export const put = (state: KeyState, write: Extract<KeptWrite, { kind: 'value' | 'tombstone' }>): PutOutcome => {
  const { version } = write
  const { slot } = state
  const stored = slot === undefined || slot === 'foreign' ? undefined : slot.version
  if (write.kind === 'tombstone') {
    const floor = highest(state.deleted, state.cleared, stored)
    if (floor !== undefined && floor > version) return { refused: floor }
    return { state: { ...state, slot: undefined, deleted: version } }
  }
  const marker = highest(state.deleted, state.cleared, tagMarker(state, write.tags))
  if (marker !== undefined && marker >= version) return { refused: marker }
  if (stored !== undefined && stored > version) return { refused: stored }
  return { state: taken(state, write) }
}
