import type { Layout } from '../../instances/layout.js'
import { INDEX_PAGE, type Looked, MOST_BYTES } from '../../instances/tagged.js'
import { type Clock, type Version, validVersion } from './clock.js'
import { countScript } from './counter-scripts.js'
import {
  clearEntriesScript,
  invalidateEntriesScript,
  invalidateTaggedScript,
  lookScript,
  markScript,
  mergeScript,
  mergeTombstoneScript,
  putScript,
  putTombstoneScript,
  swapPutScript,
  sweepMarkersScript,
} from './entry-scripts.js'
import { isCounter, versionOf } from './entry-text.js'
import {
  type KeptCall,
  lowestKept,
  type MergeAnswer,
  mergeAnswer,
  PAGE,
  type PutAnswer,
  pageAnswer,
  putAnswer,
  wholeMs,
} from './kept-call.js'
import { clearMarker, counterVersion, keyMarker, tagMarkersOf } from './markers.js'
import { highest } from './merge.js'

/** Which entry, and where. */
export interface EntryAt {
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

/** What lies at a key, and what is known of it. */
export interface EntryState {
  readonly text: string | undefined
  readonly version: Version | undefined
  /** The highest version that says that nothing up to it may live here. */
  readonly marker: Version | undefined
  /** ms, false for ever. */
  readonly life: number | false
}

/** A counter after an increment. */
export interface CounterState {
  readonly text: string
  readonly version: Version
  /** ms, false for ever. */
  readonly life: number | false
}

/** Calls on kept cache entries. `clock` gives the horizon, and the ceiling of what meets a foreign value. */
export const entryCalls = (layout: Layout, clock: Clock) => {
  const { markers } = layout
  const own = ({ category, key }: EntryAt): string[] => [keyMarker(category, key), clearMarker(category)]
  const indexes = (category: string, tags: readonly string[] = []): string[] =>
    tags.length === 0 ? [] : [layout.tagged, ...tags.map((tag) => layout.tag(category, tag))]

  const calls = {
    put: (at: EntryAt, version: Version, { text, tags, life }: EntryText): KeptCall<PutAnswer<undefined>> => ({
      script: putScript,
      keys: [at.redisKey, markers, ...indexes(at.category, tags)],
      args: [version, clock.horizon(), text, wholeMs(life), ...own(at), ...tagMarkersOf(at.category, tags)],
      answer: putAnswer,
    }),

    /** Only in the place of `expected`. Done: whether it was there. */
    swap: (at: EntryAt, version: Version, text: EntryText, expected: string): KeptCall<PutAnswer<boolean>> => {
      const { keys, args } = calls.put(at, version, text)
      return {
        script: swapPutScript,
        keys: [...keys, layout.lease(at.redisKey)],
        args: [...args, expected],
        answer: (reply) => (typeof reply === 'string' ? { refused: reply } : { done: reply === 1 }),
      }
    },

    /** One increment. `life`: ms from now that the counter gets if this begins it. */
    count: (at: EntryAt, by: number, life: number, now: number): KeptCall<CounterState> => ({
      script: countScript,
      keys: [at.redisKey, markers, layout.lease(at.redisKey)],
      args: [by, wholeMs(life), now, clock.next(), clock.horizon(), counterVersion(at.category, at.key), ...own(at)],
      answer: (reply) => {
        const [total, version, left] = reply as [string, Version, number]
        clock.witness(version)
        return { text: total, version, life: left === -1 ? false : left }
      },
    }),

    /** What lies there. */
    look: (at: EntryAt): KeptCall<EntryState> => ({
      script: lookScript,
      keys: [at.redisKey, markers],
      args: [...own(at), counterVersion(at.category, at.key)],
      answer: (reply) => {
        const [text, deleted, cleared, counted, left] = reply as [...(string | null)[], number]
        const horizon = clock.horizon()
        const valid = (found: unknown): Version | undefined => validVersion(found, horizon)
        const marker = highest(valid(deleted), valid(cleared))
        if (typeof text !== 'string') return { text: undefined, version: undefined, marker, life: 0 }
        const version = isCounter(text) ? valid(counted) : versionOf(text, horizon)
        return { text, version, marker, life: left === -1 ? false : Number(left) }
      },
    }),

    /** Done: whether something was there. */
    putTombstone: (at: EntryAt, version: Version): KeptCall<PutAnswer<boolean>> => ({
      script: putTombstoneScript,
      keys: [at.redisKey, markers],
      args: [version, clock.horizon(), ...own(at)],
      answer: (reply) => (typeof reply === 'string' ? { refused: reply } : { done: reply === 1 }),
    }),

    merge: (at: EntryAt, version: Version, { text, tags, life }: EntryText): KeptCall<MergeAnswer> => ({
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

    mergeTombstone: (at: EntryAt, version: Version): KeptCall<MergeAnswer> => ({
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
    clearEntries: (batch: readonly EntryAt[], version: Version, live: boolean): KeptCall<number> => ({
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
      batch: readonly (EntryAt & { readonly read: Version })[],
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
