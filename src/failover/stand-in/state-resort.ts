import { type CallOptions, type EntryWrite, StoreError } from '../../instances/store.js'
import { bounded } from '../time-left.js'

/** As much of a state adapter of Motia's as is used here: items by group and key, which know no lives. */
export interface OtherState {
  get(group: string, key: string): Promise<unknown>
  set(group: string, key: string, value: unknown): Promise<unknown>
  delete(group: string, key: string): Promise<unknown>
  clear(group: string): Promise<unknown>
  traceIds(): Promise<string[]>
}

/** Where an entry of the last resort is shown. Undefined: nowhere. */
export type ShownAs = (place: string) => { readonly group: string; readonly field: string } | undefined

/**
 * Cached data of the last resort in the app's own state adapter, as groups `~cache/<category>`: what this process put
 * there, and nothing that it doesn't find in its own index. Such adapters have no lives and no limits, so the item says
 * when it ends, and there are few of them. Where the adapter fails or is slow, a miss is right, and it is left alone for
 * a moment.
 */
export interface StateResort {
  has(place: string): boolean
  read(place: string, options?: CallOptions): Promise<string | undefined>
  /** False: it takes no such entry, and what was there counts no more. */
  write(entry: EntryWrite, options?: CallOptions): Promise<boolean>
  remove(place: string, options?: CallOptions): Promise<void>
  /** ms that are left. */
  life(place: string): number | undefined
  places(prefix: string): string[]
  clear(prefix: string): Promise<number>
  /** What processes that are gone left there. */
  sweep(): Promise<void>
}

/** A file adapter reads and writes all of its items at each call. */
const MOST_ENTRIES = 1_000
const MOST_BYTES = 1024 * 1024
/** ms a call may take. */
const LIMIT = 100
/** ms that removing many may take: some adapters look at every key of a server for it. */
const CLEAR_LIMIT = 3_000
/** ms for which one that failed is left alone. */
const REST = 1_000
/** ms until what couldn't be removed is tried again. */
const AGAIN = 5_000
export const SHOWN = '~cache/'

interface Known {
  readonly group: string
  readonly field: string
  readonly endsAt: number
  readonly size: number
}

export const createStateResort = (state: OtherState, shownAs: ShownAs, now: () => number): StateResort => {
  const known = new Map<string, Known>()
  let bytes = 0
  let restUntil = 0
  /** Groups in which something may lie. */
  const touched = new Set<string>()
  let later: NodeJS.Timeout | undefined

  const forget = (place: string): void => {
    bytes -= known.get(place)?.size ?? 0
    known.delete(place)
  }
  const current = (place: string): Known | undefined => {
    const found = known.get(place)
    if (found === undefined || found.endsAt > now()) return found
    forget(place)
    return undefined
  }

  /** Undefined: it couldn't. Its own errors may name anything, so they go no further. */
  const ask = async <T>(limit: number, call: () => Promise<T>): Promise<{ readonly value: T } | undefined> => {
    if (now() < restUntil) return undefined
    try {
      return { value: await bounded(limit, call(), late) }
    } catch {
      restUntil = now() + REST
      return undefined
    }
  }
  const limitOf = (options: CallOptions | undefined): number => Math.min(LIMIT, options?.timeout ?? LIMIT)

  /** Removes the groups of which this process knows nothing any more, sooner or later. Answers those that are gone. */
  const tidy = async (): Promise<ReadonlySet<string>> => {
    clearTimeout(later)
    const inUse = new Set([...known.values()].map(({ group }) => group))
    const gone = new Set<string>()
    for (const group of touched) {
      if (inUse.has(group)) continue
      // Before, so that what is written meanwhile counts.
      touched.delete(group)
      if ((await ask(CLEAR_LIMIT, () => state.clear(group))) === undefined) touched.add(group)
      else gone.add(group)
    }
    if ([...touched].some((group) => !inUse.has(group))) later = setTimeout(tidy, AGAIN).unref()
    return gone
  }

  const fits = (place: string, size: number): boolean => {
    const before = known.get(place)
    return (
      known.size - (before === undefined ? 0 : 1) < MOST_ENTRIES && bytes - (before?.size ?? 0) + size <= MOST_BYTES
    )
  }
  const hasRoom = (place: string, size: number): boolean => {
    if (fits(place, size)) return true
    for (const each of known.keys()) current(each)
    return fits(place, size)
  }

  return {
    has: (place) => current(place) !== undefined,

    read: async (place, options) => {
      const found = current(place)
      if (found === undefined) return undefined
      const got = await ask(limitOf(options), () => state.get(found.group, found.field))
      return textIn(got?.value, place, now())
    },

    write: async ({ key: place, text, endsAt }, options) => {
      const shown = shownAs(place)
      const size = place.length + text.length
      const taken = shown !== undefined && hasRoom(place, size)
      const was = current(place)
      // Whatever comes of it, what was there is of the past.
      forget(place)
      const item = { place, endsAt, text }
      if (taken) touched.add(shown.group)
      const done = taken && (await ask(limitOf(options), () => state.set(shown.group, shown.field, item)))
      if (shown !== undefined && done) {
        known.set(place, { ...shown, endsAt, size })
        bytes += size
        return true
      }
      if (was !== undefined) await ask(limitOf(options), () => state.delete(was.group, was.field))
      return false
    },

    remove: async (place, options) => {
      const found = current(place)
      forget(place)
      if (found !== undefined) await ask(limitOf(options), () => state.delete(found.group, found.field))
    },

    life: (place) => {
      const found = current(place)
      return found && found.endsAt - now()
    },

    places: (prefix) => [...known.keys()].filter((place) => place.startsWith(prefix) && current(place) !== undefined),

    clear: async (prefix) => {
      const doomed = [...known].filter(([place]) => place.startsWith(prefix))
      for (const [place] of doomed) forget(place)
      const emptied = await tidy()
      for (const [, { group, field }] of doomed) {
        if (!emptied.has(group)) await ask(LIMIT, () => state.delete(group, field))
      }
      return doomed.length
    },

    sweep: async () => {
      const groups = await ask(CLEAR_LIMIT, () => state.traceIds())
      for (const group of groups?.value ?? []) if (group.startsWith(SHOWN)) touched.add(group)
      await tidy()
    },
  }
}

const late = (): StoreError => new StoreError('timeout', 'state', 'state: no answer in time', 'unknown')

/** What lies there may be anybody's. */
const textIn = (item: unknown, place: string, now: number): string | undefined => {
  if (typeof item !== 'object' || item === null) return undefined
  const { place: of, endsAt, text }: Partial<Record<string, unknown>> = item
  const isOurs = of === place && typeof endsAt === 'number' && endsAt > now
  return isOurs && typeof text === 'string' ? text : undefined
}
