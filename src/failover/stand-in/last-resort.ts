import { tagsIn } from '../../codec/envelope.js'
import { countUp } from '../../embedded/counter.js'
import { createEmbeddedStore, type EmbeddedStore } from '../../embedded/embedded-store.js'
import { cursorBehind } from '../../embedded/entries.js'
import { type CallOptions, type EntryWrite, type ScanPage, StoreError } from '../../instances/store.js'
import type { LastResortStore } from '../landscape.js'
import { steadyNow } from '../time-left.js'

/*
 * Cached data when no instance can serve it, in an embedded store that the processes of this machine share. Keys are
 * '<home> NUL <category> NUL <key at home>', texts '<when it was put there> <text>': what was put there before a later
 * change of this process that shows elsewhere only isn't read any more. What goes on from what is there keeps its 'when'.
 */

/** Bounded by what an embedded store takes, 256 MB. Opens its files, in `<dir>/fallback`, when it is first needed. */
export const openLastResort = (dir: string): EmbeddedStore =>
  createEmbeddedStore({ name: 'fallback', dir, namespace: '' })

/** What is put there for one category of one home. Keys are those at home. */
export interface Fallback {
  readMany(keys: readonly string[]): Promise<(string | undefined)[]>
  write(entries: readonly EntryWrite[], options: CallOptions): Promise<void>
  /** A transaction only where there is something to remove, whoever put it there. */
  remove(keys: readonly string[], options: CallOptions): Promise<boolean[]>
  swap(key: string, expected: string, next: { text: string; endsAt: number }, options: CallOptions): Promise<boolean>
  life(key: string): Promise<number | undefined>
  increment(key: string, by: number, endsAt: number, options: CallOptions): Promise<number>
  scan(prefix: string, cursor: string | undefined, limit: number): Promise<ScanPage>
  clear(prefix: string): Promise<void>
  removeTagged(prefix: string, tags: readonly string[]): Promise<number>
}

export interface FallbackOptions {
  readonly store: LastResortStore
  readonly home: string
  readonly category: string
  /** What was put there earlier (steadyNow) isn't read. */
  readonly from: () => number
  /** Epoch ms. */
  readonly now: () => number
}

interface FallbackPlace {
  readonly home: string
  readonly category: string
  /** As at home. */
  readonly redisKey: string
}

/** What the name of a place says. */
export const partsOf = (place: string): FallbackPlace => {
  const [home = '', category = '', ...rest] = place.split('\0')
  return { home, category, redisKey: rest.join('\0') }
}

const homePrefix = (home: string): string => `${home}\0`
/** Names of places of one category begin with it. */
export const categoryPrefix = (home: string, category: string): string => `${homePrefix(home)}${category}\0`
const stamped = (text: string, at = steadyNow()): string => `${at.toFixed(3)} ${text}`

const opened = (stored: string): { readonly at: number; readonly text: string } => {
  const gap = stored.indexOf(' ')
  return { at: Number(stored.slice(0, gap)), text: stored.slice(gap + 1) }
}

export const createFallback = ({ store, home, category, from, now }: FallbackOptions): Fallback => {
  const begin = categoryPrefix(home, category)
  /** Counting is reading and writing here, so this process counts one after the other; others are met by `swap`. */
  let counting: Promise<unknown> = Promise.resolve()

  const valid = (stored: string | undefined): string | undefined => {
    if (stored === undefined) return undefined
    const { at, text } = opened(stored)
    return at >= from() ? text : undefined
  }

  const count = async (key: string, by: number, endsAt: number, options: CallOptions): Promise<number> => {
    const place = begin + key
    for (;;) {
      const stored = await store.read(place)
      const text = valid(stored)
      const life = text === undefined ? undefined : await store.life(place)
      const before = text === undefined || life === undefined ? undefined : { text, endsAt: now() + life }
      const counted = countUp(before, by, endsAt, now())
      if ('refused' in counted) throw new StoreError(counted.refused, home, `${home}: ${texts[counted.refused]}`, 'no')
      const at = stored === undefined || before === undefined ? undefined : opened(stored).at
      const next = { text: stamped(String(counted.total), at), endsAt: counted.endsAt }
      if (stored === undefined) await store.write([{ key: place, ...next }], options)
      else if (!(await store.swap(place, stored, next, options))) continue
      return counted.total
    }
  }

  return {
    readMany: async (keys) => (await store.readMany(keys.map((key) => begin + key))).map(valid),

    write: (entries, options) =>
      store.write(
        entries.map(({ key, text, endsAt }) => ({ key: begin + key, text: stamped(text), endsAt })),
        options,
      ),

    remove: async (keys, options) => {
      const stored = await store.readMany(keys.map((key) => begin + key))
      const there = keys.filter((_, i) => stored[i] !== undefined)
      if (there.length > 0) {
        await store.remove(
          there.map((key) => begin + key),
          options,
        )
      }
      return stored.map((text) => valid(text) !== undefined)
    },

    swap: async (key, expected, next, options) => {
      const stored = await store.read(begin + key)
      if (stored === undefined || valid(stored) !== expected) return false
      return store.swap(
        begin + key,
        stored,
        { text: stamped(next.text, opened(stored).at), endsAt: next.endsAt },
        options,
      )
    },

    life: async (key) => (valid(await store.read(begin + key)) === undefined ? undefined : store.life(begin + key)),

    increment: (key, by, endsAt, options) => {
      const counted = counting.then(() => count(key, by, endsAt, options))
      counting = counted.catch((error) => {
        // Its caller hears of it, and may count elsewhere: it is in no number that is told here. What is written late is
        // written before this, and who counts next finds by `swap` what came in between.
        if (!(error instanceof StoreError) || error.applied === 'no') return
        store.remove([begin + key]).catch(() => undefined) // It ends by itself.
      })
      return counted
    },

    scan: async (prefix, cursor, limit) => {
      const page = await store.scan(begin + prefix, cursor, limit)
      const stored = await store.readMany(page.keys)
      return {
        keys: page.keys.filter((_, i) => valid(stored[i]) !== undefined).map((key) => key.slice(begin.length)),
        cursor: page.cursor,
      }
    },

    clear: async (prefix) => {
      const { keys } = await store.scan(begin + prefix, undefined, 1)
      if (keys.length > 0) await store.clear(begin + prefix, { abandoned: true })
    },

    removeTagged: async (prefix, tags) => {
      let removed = 0
      let cursor: string | undefined
      do {
        const page = await store.scan(begin + prefix, cursor, PAGE)
        const stored = await store.readMany(page.keys)
        const bearing = page.keys.filter((_, i) => {
          const text = stored[i]
          return text !== undefined && tagsIn(opened(text).text).some((tag) => tags.includes(tag))
        })
        for (const was of bearing.length === 0 ? [] : await store.remove(bearing)) if (was) removed++
        cursor = page.cursor
      } while (cursor !== undefined)
      return removed
    },
  }
}

/** Entries that are looked into together; each may be large. */
const PAGE = 100

const texts = {
  'not-a-number': 'the stored value is not an integer',
  'out-of-range': 'the result would not be a safe integer',
} as const

/** Home is back: what was put there for it goes. */
export const forgetHome = async (store: LastResortStore, home: string): Promise<void> => {
  const { keys } = await store.scan(homePrefix(home), undefined, 1)
  if (keys.length > 0) await store.clear(homePrefix(home), { abandoned: true })
}

/** One entry of a category, or all of them. */
export const forgetEntries = async (
  store: LastResortStore,
  home: string,
  category: string,
  redisKey: string | undefined,
): Promise<void> => {
  const prefix = categoryPrefix(home, category)
  if (redisKey === undefined) await store.clear(prefix, { abandoned: true })
  else await store.remove([prefix + redisKey])
}

/** Homes and categories of which something is there now. One look each, whatever lies there; `most` looks in all. */
export const listFallback = async (
  store: LastResortStore,
  most = Number.POSITIVE_INFINITY,
): Promise<Omit<FallbackPlace, 'redisKey'>[]> => {
  const found: Omit<FallbackPlace, 'redisKey'>[] = []
  let cursor: string | undefined
  for (let looks = 0; looks < most; looks++) {
    const page = await store.scan('', cursor, 1)
    const [place] = page.keys
    if (place === undefined) {
      // It may have seen only what has ended.
      if (page.cursor === undefined) break
      cursor = page.cursor
    } else if (place.startsWith(OWN)) {
      cursor = cursorBehind(OWN)
    } else {
      const { home, category } = partsOf(place)
      found.push({ home, category })
      cursor = cursorBehind(categoryPrefix(home, category))
    }
  }
  return found
}

/** What the store notes for itself. */
const OWN = '~mr:'

/** What lies at places, whenever it was put there. */
export const readPlaces = async (
  store: LastResortStore,
  places: readonly string[],
): Promise<(string | undefined)[]> => {
  const stored = await store.readMany(places)
  return stored.map((each) => (each === undefined ? undefined : opened(each).text))
}
