import type { Instance } from '../instances/instance.js'
import { type CallOptions, type EntryWrite, StoreError } from '../instances/store.js'
import type { CategorySettings } from '../settings/settings.js'
import type { Landscape } from './landscape.js'
import { createFallback, type Fallback } from './last-resort.js'
import type { Outages } from './outages.js'
import type { Place, Reached } from './places.js'
import type { Located } from './shelf.js'
import { bounded, type TimeLeft } from './time-left.js'

/**
 * What a cached category has elsewhere while its home is away: on a stand-in, else in the last resort. Keys are those at
 * home. Every change reaches all places that this process reads: it is made at the first that takes it, and what it
 * replaces goes from the others; a place where neither works isn't read any more. None of them rejects because a place
 * failed.
 */
export interface Copies {
  /** Where it is found first; in the order asked. */
  find(keys: readonly string[], time: TimeLeft): Promise<(Located | undefined)[]>
  /** Undefined: no place took it. */
  write(entries: readonly EntryWrite[], time: TimeLeft): Promise<Reached | undefined>
  /** `join`: also what other processes put on a stand-in that this one hasn't used. */
  remove(keys: readonly string[], time: TimeLeft, join: boolean): Promise<{ found: boolean[]; reached: Reached }>
  swap(key: string, expected: string, next: { text: string; endsAt: number }, time: TimeLeft): Promise<boolean>
  life(key: string, time: TimeLeft): Promise<number | undefined>
  /** Rejects with kind 'not-a-number' or 'out-of-range'. */
  increment(
    key: string,
    by: number,
    endsAt: number,
    time: TimeLeft,
  ): Promise<{ total: number; reached: Reached } | undefined>
  clear(prefix: string, time: TimeLeft): Promise<Reached>
  /** Stand-ins that are read now, and the last resort. */
  places(time: TimeLeft): Promise<readonly ReadPlace[]>
  readonly fallback: Fallback | undefined
}

export interface ReadPlace {
  readonly standIn: Instance
  readonly place: Place
}

export interface CopiesParts {
  readonly landscape: Landscape
  readonly outages: Outages
  /** Epoch ms. */
  readonly now: () => number
}

/** `drop`: what would go elsewhere is gone. */
export const noCopies: Copies = {
  find: async (keys) => keys.map(() => undefined),
  write: async () => ({ ids: [], lastResort: false }),
  remove: async (keys) => ({ found: keys.map(() => false), reached: { ids: [], lastResort: false } }),
  swap: async () => false,
  life: async () => undefined,
  increment: async (_, by) => ({ total: by, reached: { ids: [], lastResort: false } }),
  clear: async () => ({ ids: [], lastResort: false }),
  places: async () => [],
  fallback: undefined,
}

const ATTEMPTS = 3

export const createCopies = (category: CategorySettings, home: string, parts: CopiesParts): Copies => {
  const { landscape, outages, now } = parts
  const store = landscape.lastResort
  const from = outages.trace(home).lastResortFrom
  const fallback = store && createFallback({ store, home, category: category.name, from, now })

  const endOf = (endsAt: number): number =>
    category.standInTtl === undefined ? endsAt : Math.min(endsAt, now() + category.standInTtl)

  /** Where new copies go, best first: where there are some already, so that not every place has to be told of each change. */
  const candidates = (): readonly Instance[] => {
    const able = landscape.standInsOf(home)
    const known = outages.known(home)
    return known.size === 0 || able.length < 2
      ? able
      : [...able].sort((a, b) => Number(known.has(b.name)) - Number(known.has(a.name)))
  }
  /** Joined and able to answer, also where it takes no new ones. */
  const joined = (): Instance[] =>
    [...outages.known(home).keys()].flatMap((name) => {
      const standIn = landscape.instances.get(name)
      return standIn?.readable() === true ? [standIn] : []
    })

  const late = (standIn: Instance) => () =>
    new StoreError('timeout', standIn.name, `${standIn.name}: no answer in time`, 'unknown')

  /** A change on a stand-in, made again where others began a new outage meanwhile. */
  const changing = async <T>(
    standIn: Instance,
    time: TimeLeft,
    change: (prefix: string, options: CallOptions) => Promise<T>,
  ): Promise<{ value: T; id: string }> => {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const joining = outages.join(home, standIn)
      const place = joining instanceof Promise ? await bounded(time.left(), joining, late(standIn)) : joining
      const value = await change(place.prefix, { timeout: time.left() })
      if (await bounded(time.left(), outages.stands(home, standIn, place), late(standIn)))
        return { value, id: place.id }
    }
    throw new StoreError('unavailable', standIn.name, `${standIn.name}: its outage changes all the time`, 'unknown')
  }

  /** Undefined: it didn't work there, and what lies there isn't read any more. */
  const tried = async <T>(standIn: Instance, change: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await change()
    } catch (error) {
      // Its own health says what is wrong with it; here only the next place counts.
      if (!(error instanceof StoreError) || isOwn(error)) throw error
      outages.drop(home, standIn.name)
      return undefined
    }
  }
  /** The same of the last resort; false: it has no say any more about what it held. */
  const triedLast = async (change: (fallback: Fallback) => Promise<unknown>): Promise<boolean> => {
    if (fallback === undefined) return false
    try {
      await change(fallback)
      return true
    } catch (error) {
      if (!(error instanceof StoreError) || isOwn(error)) throw error
      return false
    }
  }

  const removeAt = (standIn: Instance, keys: readonly string[], time: TimeLeft) =>
    tried(standIn, () =>
      changing(standIn, time, (prefix, options) =>
        standIn.remove(
          keys.map((key) => prefix + key),
          options,
        ),
      ),
    )

  /** What a change at `done` replaces goes everywhere else. */
  const replaced = async (keys: readonly string[], time: TimeLeft, done: string, id: string): Promise<Reached> => {
    const others = joined().filter(({ name }) => name !== done)
    const [removed, lastResort] = await Promise.all([
      Promise.all(others.map((standIn) => removeAt(standIn, keys, time))),
      triedLast((last) => last.remove(keys, { timeout: time.left() })),
    ])
    return { ids: [id, ...removed.flatMap((each) => each?.id ?? [])], lastResort }
  }

  /** At the first place that takes it. */
  const change = async <T>(
    keys: readonly string[],
    time: TimeLeft,
    onStandIn: (standIn: Instance, prefix: string, options: CallOptions) => Promise<T>,
    atLast: (fallback: Fallback, options: CallOptions) => Promise<T>,
  ): Promise<{ value: T; reached: Reached } | undefined> => {
    for (const standIn of candidates()) {
      const done = await tried(standIn, () =>
        changing(standIn, time, (prefix, options) => onStandIn(standIn, prefix, options)),
      )
      if (done !== undefined) return { value: done.value, reached: await replaced(keys, time, standIn.name, done.id) }
    }
    let kept: { readonly value: T } | undefined
    await triedLast(async (last) => {
      kept = { value: await atLast(last, { timeout: time.left() }) }
    })
    if (kept === undefined) return undefined
    const removed = await Promise.all(joined().map((standIn) => removeAt(standIn, keys, time)))
    return { value: kept.value, reached: { ids: removed.flatMap((each) => each?.id ?? []), lastResort: true } }
  }

  const places = async (time: TimeLeft): Promise<ReadPlace[]> => {
    const able = joined()
    const [first] = able.length > 0 ? able : landscape.standInsOf(home)
    if (first === undefined) return []
    const found: ReadPlace[] = []
    for (const standIn of able.length > 0 ? able : [first]) {
      const place = await tried(standIn, async () => {
        const seen = outages.peek(home, standIn)
        return seen instanceof Promise ? bounded(time.left(), seen, late(standIn)) : seen
      })
      if (place !== undefined) found.push({ standIn, place })
    }
    return found
  }

  /** Its own limit, under which reads of one tick travel together, where there is time enough. */
  const readLimit = (standIn: Instance, time: TimeLeft): CallOptions | undefined =>
    time.left() >= (standIn.deadline('read') * 2) / 3 ? undefined : { timeout: time.left() }

  const findAt = async ({ standIn, place }: ReadPlace, keys: readonly string[], time: TimeLeft) => {
    const lying = keys.map((key) => place.prefix + key)
    const [only] = lying
    const options = readLimit(standIn, time)
    try {
      return lying.length === 1 && only !== undefined
        ? [await standIn.read(only, options)]
        : await standIn.readMany(lying, options)
    } catch (error) {
      // A miss is right; what lies there stays what it is.
      if (!(error instanceof StoreError)) throw error
      return keys.map(() => undefined)
    }
  }

  return {
    fallback,
    places,

    find: async (keys, time) => {
      const found = new Array<Located | undefined>(keys.length).fill(undefined)
      const missing = (): number[] => keys.flatMap((_, i) => (found[i] === undefined ? [i] : []))
      const take = (at: readonly number[], texts: readonly (string | undefined)[], source: string): void => {
        at.forEach((i, n) => {
          const text = texts[n]
          if (text !== undefined) found[i] = { text, source, degraded: true }
        })
      }
      for (const place of await places(time)) {
        const at = missing()
        if (at.length > 0)
          take(
            at,
            await findAt(
              place,
              at.map((i) => keys[i] ?? ''),
              time,
            ),
            place.standIn.name,
          )
      }
      const at = missing()
      if (at.length > 0) {
        await triedLast(async (last) => take(at, await last.readMany(at.map((i) => keys[i] ?? '')), 'embedded'))
      }
      return found
    },

    write: async (entries, time) => {
      const ending = entries.map(({ key, text, endsAt }) => ({ key, text, endsAt: endOf(endsAt) }))
      const done = await change(
        entries.map(({ key }) => key),
        time,
        (standIn, prefix, options) =>
          standIn.write(
            ending.map((entry) => ({ ...entry, key: prefix + entry.key })),
            options,
          ),
        (last, options) => last.write(ending, options),
      )
      return done?.reached
    },

    remove: async (keys, time, join) => {
      const able = joined()
      const standIns = able.length > 0 || !join ? able : candidates().slice(0, 1)
      let last: readonly boolean[] = []
      const [removed, lastResort] = await Promise.all([
        Promise.all(standIns.map((standIn) => removeAt(standIn, keys, time))),
        triedLast(async (fallback) => {
          last = await fallback.remove(keys, { timeout: time.left() })
        }),
      ])
      return {
        found: keys.map((_, i) => last[i] === true || removed.some((each) => each?.value[i] === true)),
        reached: { ids: removed.flatMap((each) => each?.id ?? []), lastResort },
      }
    },

    swap: async (key, expected, next, time) => {
      const ending = { text: next.text, endsAt: endOf(next.endsAt) }
      for (const { standIn, place } of await places(time)) {
        const options = { timeout: time.left() }
        const done = await tried(standIn, () => standIn.swap(place.prefix + key, expected, ending, options))
        if (done === true) return true
      }
      let done = false
      await triedLast(async (last) => {
        done = await last.swap(key, expected, ending, { timeout: time.left() })
      })
      return done
    },

    life: async (key, time) => {
      for (const { standIn, place } of await places(time)) {
        const options = { timeout: time.left() }
        const life = await tried(standIn, () => standIn.life(place.prefix + key, options))
        if (life !== undefined) return life
      }
      let life: number | undefined
      await triedLast(async (last) => {
        life = await last.life(key)
      })
      return life
    },

    increment: async (key, by, endsAt, time) => {
      const end = endOf(endsAt)
      const done = await change(
        [key],
        time,
        (standIn, prefix, options) => standIn.increment(prefix + key, by, end, options),
        (last, options) => last.increment(key, by, end, options),
      )
      return done && { total: done.value, reached: done.reached }
    },

    clear: async (prefix, time) => {
      const able = joined()
      const [cleared, lastResort] = await Promise.all([
        Promise.all(
          (able.length > 0 ? able : candidates().slice(0, 1)).map((standIn) =>
            // Each batch has the store's own deadline.
            tried(standIn, () => changing(standIn, time, (begin) => standIn.clear(begin + prefix))),
          ),
        ),
        triedLast((last) => last.clear(prefix)),
      ])
      return { ids: cleared.flatMap((each) => each?.id ?? []), lastResort }
    },
  }
}

/** About the caller's own value, not about the place. */
const isOwn = ({ kind }: StoreError): boolean => kind === 'not-a-number' || kind === 'out-of-range'
