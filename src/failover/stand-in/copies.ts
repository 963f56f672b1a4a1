import type { Instance, ScriptCall } from '../../instances/instance.js'
import { type CallOptions, type EntryWrite, StoreError } from '../../instances/store.js'
import type { CategorySettings } from '../../settings/settings.js'
import type { Landscape } from '../landscape.js'
import type { Located } from '../shelf.js'
import type { TimeLeft } from '../time-left.js'
import { type CopyLeases, createCopyLeases } from './copy-leases.js'
import { type CopyTarget, countCall, removeCall, writeCall } from './copy-scripts.js'
import type { Reached } from './copy-sites.js'
import { createFallback, type Fallback } from './last-resort.js'
import type { Outages } from './outages.js'
import { type Changed, createStandIns, isOwn, type StandInSite } from './stand-ins.js'

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
  /** What begins so and bears any of the tags. How many went. */
  removeTagged(
    prefix: string,
    tags: readonly string[],
    time: TimeLeft,
  ): Promise<{ readonly removed: number; readonly reached: Reached }>
  /** Stand-ins that are read now. */
  sites(time: TimeLeft): Promise<readonly StandInSite[]>
  readonly fallback: Fallback | undefined
  /** Undefined: there are no copies to lease. */
  readonly leases: CopyLeases | undefined
  /** Where no instance can stand in. Undefined: it wasn't taken. */
  writeLast(entry: EntryWrite, time: TimeLeft): Promise<Reached | undefined>
}

export interface CopiesParts {
  readonly landscape: Landscape
  readonly outages: Outages
  /** Epoch ms. */
  readonly now: () => number
}

const nowhere: Reached = { ids: [], lastResort: false }

/** `drop`: what would go elsewhere is gone. */
export const noCopies: Copies = {
  find: async (keys) => keys.map(() => undefined),
  write: async () => nowhere,
  remove: async (keys) => ({ found: keys.map(() => false), reached: nowhere }),
  swap: async () => false,
  life: async () => undefined,
  increment: async (_, by) => ({ total: by, reached: nowhere }),
  clear: async () => nowhere,
  removeTagged: async () => ({ removed: 0, reached: nowhere }),
  sites: async () => [],
  fallback: undefined,
  leases: undefined,
  writeLast: async () => undefined,
}

export const createCopies = (category: CategorySettings, home: string, parts: CopiesParts): Copies => {
  const { landscape, outages, now } = parts
  const standIns = createStandIns(home, landscape, outages)
  const store = landscape.lastResort
  const { lastResortFrom: from, doubtLastResort } = outages.trace(home)
  const fallback = store && createFallback({ store, home: landscape.idOf(home), category: category.name, from, now })

  const endOf = (endsAt: number): number =>
    category.standInTtl === undefined ? endsAt : Math.min(endsAt, now() + category.standInTtl)

  /** Undefined: the last resort couldn't, and has no say any more about what it held. */
  const atLast = async <T>(use: (fallback: Fallback) => Promise<T>): Promise<{ readonly value: T } | undefined> => {
    if (fallback === undefined) return undefined
    try {
      return { value: await use(fallback) }
    } catch (error) {
      if (!(error instanceof StoreError) || isOwn(error)) throw error
      if (error.applied === 'unknown') doubtLastResort()
      return undefined
    }
  }

  const removeAt = async (
    standIn: Instance,
    keys: readonly string[],
    time: TimeLeft,
  ): Promise<Changed<boolean[]> | undefined> => {
    const done = await standIns.change(standIn, time, 'change', (target) => [removeCall(target, keys)])
    return done && { value: (done.value[0] as number[]).map((gone) => gone === 1), id: done.id }
  }

  /** What a change at `done` replaces goes everywhere else. */
  const replaced = async (keys: readonly string[], time: TimeLeft, done: string, id: string): Promise<Reached> => {
    const others = standIns.joined().filter(({ name }) => name !== done)
    const [removed, last] = await Promise.all([
      Promise.all(others.map((standIn) => removeAt(standIn, keys, time))),
      atLast((it) => it.remove(keys, { timeout: time.left() })),
    ])
    return { ids: [id, ...removed.flatMap((each) => each?.id ?? [])], lastResort: last !== undefined }
  }

  /** At the first place that takes it. */
  const change = async <T>(
    keys: readonly string[],
    time: TimeLeft,
    onStandIn: (target: CopyTarget) => readonly ScriptCall[],
    answer: (replies: readonly unknown[]) => T,
    inFallback: (fallback: Fallback, options: CallOptions) => Promise<T>,
  ): Promise<{ value: T; reached: Reached } | undefined> => {
    for (const standIn of standIns.candidates()) {
      const done = await standIns.change(standIn, time, 'write', onStandIn)
      if (done === undefined) continue
      return { value: answer(done.value), reached: await replaced(keys, time, standIn.name, done.id) }
    }
    const done = await atLast((it) => inFallback(it, { timeout: time.left() }))
    if (done === undefined) return undefined
    const removed = await Promise.all(standIns.joined().map((standIn) => removeAt(standIn, keys, time)))
    return { value: done.value, reached: { ids: removed.flatMap((each) => each?.id ?? []), lastResort: true } }
  }

  /** Where something has to go: where this process reads, or would. */
  const toTell = (join: boolean): readonly Instance[] => {
    const able = standIns.joined()
    return able.length > 0 || !join ? able : standIns.candidates().slice(0, 1)
  }

  const leases = createCopyLeases({ standIns, keyPrefix: category.keyPrefix, replaced, endOf, now })

  const findAt = async ({ standIn, site }: StandInSite, keys: readonly string[], time: TimeLeft) => {
    const lying = keys.map((key) => site.prefix + key)
    const [only] = lying
    // Under its own limit reads of one tick travel together, where there is time enough.
    const options = time.left() >= (standIn.deadline('read') * 2) / 3 ? undefined : { timeout: time.left() }
    if (lying.length > 1 || only === undefined) return orMiss(standIn.readMany(lying, options))
    return [await orMiss(standIn.read(only, options))]
  }

  return {
    fallback,
    leases,
    sites: standIns.sites,

    find: async (keys, time) => {
      const found = new Array<Located | undefined>(keys.length).fill(undefined)
      const fill = async (
        look: (keys: readonly string[]) => Promise<readonly (string | undefined)[] | undefined>,
        source: string,
      ): Promise<void> => {
        const missing = keys.flatMap((key, i) => (found[i] === undefined ? [{ key, i }] : []))
        if (missing.length === 0) return
        const texts = await look(missing.map(({ key }) => key))
        missing.forEach(({ i }, n) => {
          const text = texts?.[n]
          if (text !== undefined) found[i] = { text, source, degraded: true }
        })
      }
      for (const site of await standIns.sites(time)) {
        await fill((missing) => findAt(site, missing, time), site.standIn.name)
      }
      await fill(async (missing) => (await atLast((it) => it.readMany(missing)))?.value, 'embedded')
      return found
    },

    write: async (entries, time) => {
      const ending = entries.map(({ key, text, endsAt }) => ({ key, text, endsAt: endOf(endsAt) }))
      const done = await change(
        entries.map(({ key }) => key),
        time,
        (target) => ending.map(({ key, text, endsAt }) => writeCall(target, key, text, endsAt - now())),
        () => undefined,
        (it, options) => it.write(ending, options),
      )
      return done?.reached
    },

    remove: async (keys, time, join) => {
      const [removed, last] = await Promise.all([
        Promise.all(toTell(join).map((standIn) => removeAt(standIn, keys, time))),
        atLast((it) => it.remove(keys, { timeout: time.left() })),
      ])
      return {
        found: keys.map((_, i) => last?.value[i] === true || removed.some((each) => each?.value[i] === true)),
        reached: { ids: removed.flatMap((each) => each?.id ?? []), lastResort: last !== undefined },
      }
    },

    swap: async (key, expected, next, time) => {
      const ending = { text: next.text, endsAt: endOf(next.endsAt) }
      for (const { standIn, site } of await standIns.sites(time)) {
        const options = { timeout: time.share() }
        if (await orMiss(standIn.swap(site.prefix + key, expected, ending, options))) return true
      }
      return (await atLast((it) => it.swap(key, expected, ending, { timeout: time.left() })))?.value === true
    },

    life: async (key, time) => {
      for (const { standIn, site } of await standIns.sites(time)) {
        const life = await orMiss(standIn.life(site.prefix + key, { timeout: time.left() }))
        if (life !== undefined) return life
      }
      return (await atLast((it) => it.life(key)))?.value
    },

    increment: async (key, by, endsAt, time) => {
      const end = endOf(endsAt)
      const done = await change(
        [key],
        time,
        (target) => [countCall(target, key, by, end - now(), now())],
        ([total]) => Number(total),
        (it, options) => it.increment(key, by, end, options),
      )
      return done && { total: done.value, reached: done.reached }
    },

    clear: async (prefix, time) => {
      const [cleared, last] = await Promise.all([
        Promise.all(toTell(true).map((it) => standIns.clear(it, time, prefix))),
        atLast((it) => it.clear(prefix)),
      ])
      return { ids: cleared.flatMap((each) => each?.id ?? []), lastResort: last !== undefined }
    },

    writeLast: async (entry, time) => {
      if (standIns.candidates().length > 0) return undefined
      const { key, text, endsAt } = entry
      const done = await atLast((it) => it.write([{ key, text, endsAt: endOf(endsAt) }], { timeout: time.left() }))
      return done && { ids: [], lastResort: true }
    },

    removeTagged: async (prefix, tags, time) => {
      await leases.break(toTell(true), prefix, time)
      const [removed, last] = await Promise.all([
        Promise.all(toTell(true).map((it) => standIns.removeTagged(it, time, prefix, tags))),
        atLast((it) => it.removeTagged(prefix, tags)),
      ])
      return {
        removed: removed.reduce((sum, each) => sum + (each?.value ?? 0), last?.value ?? 0),
        reached: { ids: removed.flatMap((each) => each?.id ?? []), lastResort: last !== undefined },
      }
    },
  }
}

/** A place that can't answer has nothing: for cached data that is right, and it stays what it is. */
const orMiss = async <T>(asked: Promise<T>): Promise<T | undefined> => {
  try {
    return await asked
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    return undefined
  }
}
