import type { CacheEngine } from '../cache/engine.js'
import { isCategoryName } from '../settings/names.js'
import type { Settings } from '../settings/settings.js'
import { createTopNames } from './top-names.js'

/** Which keys are read most, estimated from every 64th read or so. Bounded, and never of sensitive categories. */
export interface HotReads {
  /** A read of one key. On the path of every call: nothing happens at most of them, and nothing is allocated there. */
  note(category: string | undefined, key: string): void
  noteMany(category: string | undefined, keys: readonly string[]): void
  top(most: number): { readonly since: number; readonly read: readonly HotRead[] }
}

export interface HotRead {
  readonly category: string
  readonly key: string
  readonly readsPerMinute: number
}

/** Reads between two that are looked at are drawn anew each time: what comes in turns mustn't always meet the same one. */
const LEAST_GAP = 1
const GAPS = 127
const MEAN_GAP = LEAST_GAP + (GAPS - 1) / 2
const NAMES = 200
/** What was read longer ago than two of these doesn't count any more, ms. */
const WINDOW = 5 * 60_000
/** One that was met once may be there by chance. */
const LEAST_MET = 2
const MAX_KEY = 512

/** `now`: epoch ms. */
export const createHotReads = (
  { categories, inferCategory }: Pick<Settings, 'categories' | 'inferCategory'>,
  now: () => number,
): HotReads => {
  let current = { names: createTopNames(NAMES), since: now() }
  let before: typeof current | undefined
  let seed = 0x9e3779b9
  let left = MEAN_GAP

  const gap = (): number => {
    seed ^= seed << 13
    seed ^= seed >>> 17
    seed ^= seed << 5
    return LEAST_GAP + ((seed >>> 0) % GAPS)
  }

  /** Undefined: not to be named. */
  const nameOf = (category: string | undefined, key: string): string | undefined => {
    if (key.length > MAX_KEY) return undefined
    try {
      const name = category ?? inferCategory(key) ?? 'cache'
      return isCategoryName(name) && categories.get(name)?.sensitive !== true ? name : undefined
    } catch {
      return undefined // The call itself fails by the same error.
    }
  }

  const turn = (): void => {
    const at = now()
    if (at - current.since < WINDOW) return
    before = at - current.since < WINDOW * 2 ? current : undefined
    current = { names: createTopNames(NAMES), since: at }
  }

  const look = (category: string | undefined, key: string): void => {
    turn()
    const name = nameOf(category, key)
    if (name !== undefined) current.names.add(`${name} ${key}`)
  }

  return {
    note: (category, key) => {
      if (--left > 0) return
      left = gap()
      look(category, key)
    },

    noteMany: (category, keys) => {
      left -= keys.length
      while (left <= 0) {
        const key = keys[keys.length - 1 + left]
        if (key !== undefined) look(category, key)
        left += gap()
      }
    },

    top: (most) => {
      turn()
      const since = before?.since ?? current.since
      const met = new Map(before?.names.all())
      for (const [name, times] of current.names.all()) met.set(name, times + (met.get(name) ?? 0))
      // Not less than a minute: of the first seconds a rate would be a guess.
      const minutes = Math.max(1, (now() - since) / 60_000)
      const read = [...met]
        .filter(([, times]) => times >= LEAST_MET)
        .sort(([, a], [, b]) => b - a)
        .slice(0, most)
        .map(([name, times]) => {
          const end = name.indexOf(' ')
          const readsPerMinute = Math.round((times * MEAN_GAP) / minutes)
          return { category: name.slice(0, end), key: name.slice(end + 1), readsPerMinute }
        })
      return { since, read }
    },
  }
}

/** The same engine; what is read of it is noted. */
export const watchReads = (engine: CacheEngine, reads: HotReads): CacheEngine => ({
  ...engine,
  get: (at) => {
    reads.note(at.category, at.key)
    return engine.get(at)
  },
  getEntry: (at) => {
    reads.note(at.category, at.key)
    return engine.getEntry(at)
  },
  getMany: (at) => {
    reads.noteMany(at.category, at.keys)
    return engine.getMany(at)
  },
  acquire: (at, options, signal) => {
    reads.note(at.category, at.key)
    return engine.acquire(at, options, signal)
  },
})
