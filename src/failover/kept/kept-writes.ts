import { isOutage } from '../../instances/instance.js'
import { StoreError } from '../../instances/store.js'
import type { KeptEntry, Scope } from '../journal/journal-entries.js'
import type { Landscape } from '../landscape.js'
import type { Version } from '../versions/clock.js'
import type { PutAnswer } from '../versions/kept-call.js'
import { createKeptMemory, type KeptMemory, noJournal } from './kept-memory.js'
import { awayError, type CallTime, callTime, type KeptPlace, type KeptPlaces } from './kept-places.js'

/** One write, as it goes to each place and, where that fails, into the journal. */
export interface KeptTask<T> {
  readonly scope: Scope
  /** Undefined: it is about the whole scope. */
  readonly key: string | undefined
  /** 'change': it passes where the memory is full. */
  readonly intent: 'write' | 'change'
  /** A place may refuse it for its size. */
  readonly large?: boolean
  /** Sent once more with a later version where an earlier write stood in the way of the first. */
  send(place: KeptPlace, version: Version, timeout: number | undefined): Promise<PutAnswer<T>>
  entry(version: Version): KeptEntry
  /** What is left to do at a place that has taken it, when no place can miss it any more. Its answer is what counts. */
  finish?(place: KeptPlace, version: Version): Promise<T>
}

export interface Written<T> {
  /** With which it was written in the end. */
  readonly version: Version
  readonly landed: Landed<T>
}
/** What each place made of it, in the order of the places. */
export type Landed<T> = readonly Landing<T>[]
export type Landing<T> = { readonly done: T } | Failed
/** `remembered`: with which version the journal has it already. */
type Failed = { readonly failed: unknown; readonly remembered?: Version }

type Outcome<T> = Landing<T> | { readonly refused: Version }

export interface KeptWriter extends KeptMemory {
  /**
   * Resolves when every place has it or, where a place was away, the journal. Rejects with a StoreError: what the call
   * itself met, and then, too, the journal has it for each place that may lack what another has; of kind 'journal' where
   * that was needed in vain. `version`: what was decided by it already.
   */
  write<T>(task: KeptTask<T>, version?: Version): Promise<Written<T>>
}

export interface KeptWriterOptions {
  readonly landscape: Landscape
  /** ms that all attempts share; undefined: the instance's rule. */
  readonly deadline?: number | undefined
  /** Fails where home doesn't confirm. */
  readonly failClosed?: boolean
  /** Hears of what is acknowledged. */
  readonly note?: ((entry: KeptEntry) => void) | undefined
}

/** Versions that meet a later one, again and again: somebody's clock runs wild. */
const MOST_TRIES = 50

/** Every write of kept data goes this way. */
export const createKeptWriter = (places: KeptPlaces, options: KeptWriterOptions): KeptWriter => {
  const { landscape, deadline, failClosed = false, note } = options
  const { clock, journal } = landscape
  const { remember, waits, taken } = createKeptMemory(landscape)
  const [home] = places
  const all = places as readonly KeptPlace[]

  const attempt = <T>(task: KeptTask<T>, place: KeptPlace, version: Version, timeout?: number): Promise<Outcome<T>> =>
    task.send(place, version, timeout).catch((failed: unknown) => ({ failed }))

  /**
   * What stands in its way is a later write of this very process, which was under way at the same time: this one was
   * there before it, as far as anybody can tell. A clear is about other keys, too, so it has to come after.
   */
  const overtaken = <T>(task: KeptTask<T>, outcome: Outcome<T>, version: Version): Outcome<T> =>
    task.key !== undefined &&
    'refused' in outcome &&
    outcome.refused > version &&
    outcome.refused.endsWith(clock.processId)
      ? { done: undefined as T }
      : outcome

  /** Above what stood in its way, everywhere again: the earlier version may have landed at one place only. */
  const retry = async <T>(task: KeptTask<T>, first: readonly Outcome<T>[], time: CallTime) => {
    let outcomes = first
    for (let tries = 1; ; tries++) {
      if (tries === MOST_TRIES || time.over()) {
        throw new StoreError(
          'timeout',
          home.name,
          `${home.name}: somebody wrote later versions all the time`,
          'unknown',
        )
      }
      for (const outcome of outcomes) if ('refused' in outcome) clock.witness(outcome.refused)
      const version = clock.next()
      const earlier = outcomes
      const timeout = time.attempt(false)
      outcomes = await Promise.all(
        all.map(async (place, i): Promise<Outcome<T>> => {
          const before = earlier[i]
          if (before !== undefined && 'failed' in before) return before
          const now = overtaken(task, await attempt(task, place, version, timeout), version)
          // What was there is what the first one found.
          return before !== undefined && 'done' in before && before.done && 'done' in now ? before : now
        }),
      )
      if (!outcomes.some(isRefused)) return { version, landed: outcomes as readonly Landing<T>[] }
    }
  }

  /** At a place that has taken it. What waits for it about the same is of before. */
  const done = async <T>(
    task: KeptTask<T>,
    place: KeptPlace,
    version: Version,
    landing: Landing<T>,
    time: CallTime,
  ): Promise<Landing<T>> => {
    const entry = task.entry(version)
    let finished = landing
    try {
      if (task.finish !== undefined) finished = { done: await task.finish(place, version) }
    } catch (failed) {
      if (journal === undefined) throw unsure(failed)
      await remember(place, entry, time, failed)
      if (!isAway(failed)) throw unsure(failed)
      return { failed, remembered: version }
    }
    await taken(place, entry, time)
    return finished
  }

  const finish = async <T>(
    task: KeptTask<T>,
    version: Version,
    landed: readonly Landing<T>[],
    time: CallTime,
  ): Promise<Written<T>> => {
    const failures = landed.filter((landing) => 'failed' in landing)
    const own = failures.find(({ failed, remembered }) => remembered === undefined && !isAway(failed))
    // Where nobody has it, and nobody can have it, there is nothing that others would have to know.
    if (own !== undefined && failures.length === landed.length && failures.every(isRefusal)) throw own.failed
    if (own !== undefined && journal === undefined) throw unsure(own.failed)
    const entry = task.entry(version)
    await allEnded(
      all.map((place, i) => {
        const landing = landed[i]
        if (landing === undefined || !('failed' in landing) || landing.remembered === version) return undefined
        return remember(place, entry, time, landing.failed)
      }),
    )
    const finished = await allEnded(
      landed.map((landing, i) => {
        const place = all[i]
        return place !== undefined && 'done' in landing ? done(task, place, version, landing, time) : landing
      }),
    )
    if (own !== undefined && !isBusy(own.failed)) throw unsure(own.failed)
    const first = landed[0]
    if (failClosed && first !== undefined && 'failed' in first) throw unsure(first.failed)
    note?.(entry)
    return { version, landed: finished }
  }

  const settle = async <T>(task: KeptTask<T>, version: Version, first: readonly Outcome<T>[], time: CallTime) => {
    const outcomes = first.map((outcome) => overtaken(task, outcome, version))
    if (!outcomes.some(isRefused)) return finish(task, version, outcomes as readonly Landing<T>[], time)
    const later = await retry(task, outcomes, time)
    return finish(task, later.version, later.landed, time)
  }

  /** What one place will never take must not be on the other: it would replace what both have. */
  const tooLarge = (entry: KeptEntry): unknown => {
    if (entry.kind !== 'value') return undefined
    try {
      for (const { instance } of all) instance.checkSize(entry.text)
      return undefined
    } catch (error) {
      return error
    }
  }

  const takes = ({ instance }: KeptPlace, intent: 'write' | 'change'): boolean =>
    instance.writable() || (intent === 'change' && instance.readable())

  /** What a place that is known to be away will need is written down while the others are asked. */
  const writeBeside = async <T>(task: KeptTask<T>, version: Version, away: readonly KeptPlace[]) => {
    if (journal === undefined) throw noJournal(away[0] ?? home, undefined)
    const time = callTime(home.instance, 'write', deadline)
    const timeout = time.attempt(false)
    const sent = (place: KeptPlace): Promise<Outcome<T>> =>
      away.includes(place) && task.large !== true
        ? remember(place, task.entry(version), time, undefined).then(() => ({ failed: undefined, remembered: version }))
        : attempt(task, place, version, timeout)
    // Where home has to confirm and can't, the mirror needn't know either.
    if (failClosed && away.includes(home)) {
      const outcome = await attempt(task, home, version, timeout)
      throw 'failed' in outcome ? outcome.failed : awayError(home)
    }
    return settle(task, version, await allEnded(all.map(sent)), time)
  }

  return {
    remember,
    waits,
    taken,

    write: <T>(task: KeptTask<T>, version = clock.next()) => {
      const refused = task.large === true ? tooLarge(task.entry(version)) : undefined
      if (refused !== undefined) return Promise.reject(refused)
      const away = all.filter((place) => !takes(place, task.intent))
      if (away.length > 0) return writeBeside(task, version, away)
      const time = callTime(home.instance, 'write', deadline)
      // Both leave before anything else happens.
      const timeout = time.attempt(false)
      const sent = all.map((place) => attempt(task, place, version, timeout))
      return Promise.all(sent).then((outcomes) => {
        for (const [i, outcome] of outcomes.entries()) {
          const place = all[i]
          if (place === undefined || !('done' in outcome) || waits(place)) {
            return settle(task, version, outcomes, time)
          }
        }
        if (task.finish !== undefined) return settle(task, version, outcomes, time)
        note?.(task.entry(version))
        return { version, landed: outcomes as Landed<T> }
      })
    },
  }
}

const isRefused = <T>(outcome: Outcome<T>): boolean => 'refused' in outcome

/** Another place has it, or may have it. */
export const unsure = (error: unknown): unknown =>
  error instanceof StoreError && error.applied === 'no'
    ? new StoreError(error.kind, error.store, error.message, 'unknown', error.instanceFault)
    : error

/** Another place may be asked instead. */
const isAway = (error: unknown): boolean => error instanceof StoreError && isOutage(error)

/** It was certainly not taken, and nothing remembers it. */
const isRefusal = ({ failed, remembered }: Failed): boolean =>
  remembered === undefined && failed instanceof StoreError && failed.applied === 'no'

/** The place only had too much to do. */
const isBusy = (error: unknown): boolean => error instanceof StoreError && error.kind === 'busy'

/** Like Promise.all, but nothing runs on after the first rejection. */
const allEnded = async <T>(work: readonly (Promise<T> | T)[]): Promise<T[]> => {
  const results: T[] = []
  for (const ended of await Promise.allSettled(work)) {
    if (ended.status === 'rejected') throw ended.reason
    results.push(ended.value)
  }
  return results
}
