import type { Layout } from '../../instances/layout.js'
import type { Script } from '../../instances/scripts.js'
import { INDEX_PAGE, type Looked, MOST_BYTES } from '../../instances/tagged.js'
import { type Clock, lowestAt, type Version } from './clock.js'
import {
  clearEntriesScript,
  invalidateEntriesScript,
  invalidateTaggedScript,
  markScript,
  mergeScript,
  mergeTombstoneScript,
  putScript,
  putTombstoneScript,
  swapPutScript,
  sweepMarkersScript,
} from './entry-scripts.js'
import {
  groupMergeClearScript,
  groupMergeScript,
  groupMergeTombstoneScript,
  groupPutClearScript,
  groupPutScript,
  groupPutTombstoneScript,
  sweepSideScript,
} from './group-scripts.js'
import { clearMarker, keyMarker, tagMarkersOf } from './markers.js'
import { MARKER_LIFE } from './merge.js'

/** What `runScript` sends, and what its reply means. Calls are built when they are sent: lives count from now. */
export interface KeptCall<T> {
  readonly script: Script
  readonly keys: readonly string[]
  readonly args: readonly (string | number)[]
  answer(reply: unknown): T
}

/** `refused`: what stood in the way. Witness it, take a new version, send once more. */
export type PutAnswer<T> = { readonly done: T } | { readonly refused: Version }
/** met-foreign: neither is there now; whoever reads it next finds nothing. */
export type MergeAnswer = 'taken' | 'dropped' | 'met-foreign'

export interface KeptEntry {
  readonly category: string
  /** The key as the caller knows it, by which its marker is found. */
  readonly key: string
  /** Where the entry lies. */
  readonly redisKey: string
}

export interface EntryText {
  /** An envelope whose `ver` is the version sent beside it. */
  readonly text: string
  readonly tags?: readonly string[] | undefined
  /** ms from now, 1 at least. What has ended is merged as a tombstone. */
  readonly life: number
}

export interface GroupText {
  readonly text: string
  /** ms the group lives from now, false for ever. */
  readonly life: number | false
}

/** A margin for the clocks of others; a marker that stays too long does no harm. */
const SWEEP_MARGIN = 10 * 60_000
const PAGE = 500

const putAnswer = (reply: unknown): PutAnswer<undefined> =>
  typeof reply === 'string' ? { refused: reply } : { done: undefined }
const mergeAnswer = (reply: unknown): MergeAnswer => (reply === 2 ? 'met-foreign' : reply === 1 ? 'taken' : 'dropped')
/** The next cursor, undefined at the end. */
const pageAnswer = (reply: unknown): string | undefined => (reply === '0' ? undefined : String(reply))
const wholeMs = (life: number): number => Math.max(1, Math.ceil(life))
const lowestKept = (now: number): Version => lowestAt(now - MARKER_LIFE - SWEEP_MARGIN)

/** Calls on kept cache entries. `clock` gives the horizon, and the ceiling of what meets a foreign value. */
export const entryCalls = (layout: Layout, clock: Clock) => {
  const { markers } = layout
  const own = ({ category, key }: KeptEntry): string[] => [keyMarker(category, key), clearMarker(category)]
  const indexes = (category: string, tags: readonly string[] = []): string[] =>
    tags.length === 0 ? [] : [layout.tagged, ...tags.map((tag) => layout.tag(category, tag))]

  const calls = {
    put: (at: KeptEntry, version: Version, { text, tags, life }: EntryText): KeptCall<PutAnswer<undefined>> => ({
      script: putScript,
      keys: [at.redisKey, markers, ...indexes(at.category, tags)],
      args: [version, clock.horizon(), text, wholeMs(life), ...own(at), ...tagMarkersOf(at.category, tags)],
      answer: putAnswer,
    }),

    /** Only in the place of `expected`. Done: whether it was there. */
    swap: (at: KeptEntry, version: Version, text: EntryText, expected: string): KeptCall<PutAnswer<boolean>> => {
      const { keys, args } = calls.put(at, version, text)
      return {
        script: swapPutScript,
        keys,
        args: [...args, expected],
        answer: (reply) => (typeof reply === 'string' ? { refused: reply } : { done: reply === 1 }),
      }
    },

    /** Done: whether something was there. */
    putTombstone: (at: KeptEntry, version: Version): KeptCall<PutAnswer<boolean>> => ({
      script: putTombstoneScript,
      keys: [at.redisKey, markers],
      args: [version, clock.horizon(), ...own(at)],
      answer: (reply) => (typeof reply === 'string' ? { refused: reply } : { done: reply === 1 }),
    }),

    merge: (at: KeptEntry, version: Version, { text, tags, life }: EntryText): KeptCall<MergeAnswer> => ({
      script: mergeScript,
      keys: [at.redisKey, markers, ...indexes(at.category, tags)],
      args: [
        version,
        clock.horizon(),
        clock.next(),
        text,
        wholeMs(life),
        ...own(at),
        ...tagMarkersOf(at.category, tags),
      ],
      answer: mergeAnswer,
    }),

    mergeTombstone: (at: KeptEntry, version: Version): KeptCall<MergeAnswer> => ({
      script: mergeTombstoneScript,
      keys: [at.redisKey, markers],
      args: [version, clock.horizon(), clock.next(), keyMarker(at.category, at.key)],
      answer: mergeAnswer,
    }),

    /**
     * Sets clear and tag markers (`fields`: see markers.ts), before anything is removed. Answers the highest marker that
     * was there: a live caller who finds it above its version sends once more, a merged clear has nothing to remove then.
     */
    mark: (fields: readonly string[], version: Version): KeptCall<Version | undefined> => ({
      script: markScript,
      keys: [markers],
      args: [version, clock.horizon(), ...fields],
      answer: (reply) => (typeof reply === 'string' ? reply : undefined),
    }),

    /** A batch of a cleared category's entries, at most 1,000. Answers how many went. */
    clearEntries: (batch: readonly KeptEntry[], version: Version, live: boolean): KeptCall<number> => ({
      script: clearEntriesScript,
      keys: [markers, ...batch.map(({ redisKey }) => redisKey)],
      args: [
        version,
        clock.horizon(),
        live ? '' : clock.next(),
        ...batch.map(({ category, key }) => keyMarker(category, key)),
      ],
      answer: Number,
    }),

    /**
     * Removes what bears a tag and is not above the version, page by page: see `throughIndex`. `prefix`: what the keys of
     * the category's entries begin with there.
     */
    invalidateTagged: (
      { category, prefix }: { readonly category: string; readonly prefix: string },
      tag: string,
      version: Version,
      live: boolean,
      keys: readonly string[],
      cursor: string,
    ): KeptCall<Looked> => ({
      script: invalidateTaggedScript,
      keys: [layout.tag(category, tag), markers, ...keys],
      args: [
        version,
        clock.horizon(),
        JSON.stringify(tag),
        cursor,
        INDEX_PAGE,
        MOST_BYTES,
        live ? 1 : 0,
        ...keys.map((redisKey) => keyMarker(category, redisKey.slice(prefix.length))),
      ],
      answer: (reply) => reply as Looked,
    }),

    /** A batch of entries as they were `read`, at most 1,000, if they still are. Answers how many went. */
    invalidateEntries: (
      batch: readonly (KeptEntry & { readonly read: Version })[],
      version: Version,
    ): KeptCall<number> => ({
      script: invalidateEntriesScript,
      keys: [markers, ...batch.map(({ redisKey }) => redisKey)],
      args: [version, clock.horizon(), ...batch.flatMap(({ category, key, read }) => [keyMarker(category, key), read])],
      answer: Number,
    }),

    /** Removes markers that have ended; one page. */
    sweep: (cursor: string | undefined, now: number): KeptCall<string | undefined> => ({
      script: sweepMarkersScript,
      keys: [markers],
      args: [lowestKept(now), cursor ?? '0', PAGE],
      answer: pageAnswer,
    }),
  }
  return calls
}

/** Calls on groups of state. */
export const groupCalls = (layout: Layout, clock: Clock) => {
  const keysOf = (group: string): string[] => [
    layout.group(group),
    layout.side(group),
    layout.groupIndex,
    layout.sideIndex,
  ]
  const lifeOf = (life: number | false): number | '' => (life === false ? '' : wholeMs(life))

  return {
    /** Rejects with Redis' TOOLARGE, as groupSet does. */
    put: (
      group: string,
      field: string,
      version: Version,
      { text, life, maxItems }: GroupText & { readonly maxItems: number },
    ): KeptCall<PutAnswer<undefined>> => ({
      script: groupPutScript,
      keys: keysOf(group),
      args: [version, clock.horizon(), field, text, lifeOf(life), maxItems, group],
      answer: putAnswer,
    }),

    /** Done: the text that was there. */
    putTombstone: (group: string, field: string, version: Version): KeptCall<PutAnswer<string | undefined>> => ({
      script: groupPutTombstoneScript,
      keys: keysOf(group),
      args: [version, clock.horizon(), field, group],
      answer: (reply) => {
        const [done, found] = reply as [number, string | null]
        return done === 0 ? { refused: String(found) } : { done: found ?? undefined }
      },
    }),

    putClear: (group: string, version: Version): KeptCall<PutAnswer<undefined>> => ({
      script: groupPutClearScript,
      keys: keysOf(group),
      args: [version, clock.horizon(), group],
      answer: putAnswer,
    }),

    merge: (group: string, field: string, version: Version, { text, life }: GroupText): KeptCall<MergeAnswer> => ({
      script: groupMergeScript,
      keys: keysOf(group),
      args: [version, clock.horizon(), clock.next(), field, text, lifeOf(life), group],
      answer: mergeAnswer,
    }),

    mergeTombstone: (group: string, field: string, version: Version): KeptCall<MergeAnswer> => ({
      script: groupMergeTombstoneScript,
      keys: keysOf(group),
      args: [version, clock.horizon(), clock.next(), field, group],
      answer: mergeAnswer,
    }),

    /** One page; call it with the cursor it answers until that is undefined. Stopped in between, begin again. */
    mergeClear: (group: string, version: Version, cursor: string | undefined): KeptCall<string | undefined> => ({
      script: groupMergeClearScript,
      keys: keysOf(group),
      args: [version, clock.horizon(), clock.next(), group, cursor ?? '0', PAGE],
      answer: pageAnswer,
    }),

    /** Removes what has ended from one side hash; one page. The names of all are in `layout.sideIndex`. */
    sweep: (group: string, cursor: string | undefined, now: number): KeptCall<string | undefined> => ({
      script: sweepSideScript,
      keys: keysOf(group),
      args: [lowestKept(now), cursor ?? '0', PAGE, group],
      answer: pageAnswer,
    }),
  }
}
