import { isOutage } from '../../instances/instance.js'
import { StoreError } from '../../instances/store.js'
import type { Journal } from '../journal/journal.js'
import { isGroup, type JournalEntry, type KeptEntry, type Scope } from '../journal/journal-entries.js'
import { journalFailure } from '../journal/journal-failure.js'
import type { Landscape } from '../landscape.js'
import type { Version } from '../versions/clock.js'
import type { PutAnswer } from '../versions/kept-calls.js'
import { type CallTime, callTime, type KeptPlace, type KeptPlaces } from './kept-places.js'

/** One write, as it goes to each place and, where that fails, into the journal. */
export interface KeptTask<T> {
  readonly scope: Scope
  /** Undefined: it is about the whole scope. */
  readonly key: string | undefined
  /** 'change': it passes where the memory is full. */
  readonly intent: 'write' | 'change'
  /** Sent once more with a later version where an earlier write stood in the way of the first. */
  send(place: KeptPlace, version: Version, timeout: number | undefined): Promise<PutAnswer<T>>
  entry(version: Version): KeptEntry
}

export interface Written<T> {
  /** With which it was written in the end. */
  readonly version: Version
  readonly landed: Landed<T>
}
/** What each place made of it, in the order of the places. */
export type Landed<T> = readonly Landing<T>[]
export type Landing<T> = { readonly done: T } | { readonly failed: unknown }

type Outcome<T> = Landing<T> | { readonly refused: Version }

export interface KeptWriter {
  /**
   * Resolves when every place has it or, where a place was away, the journal. Rejects with a StoreError: what the call
   * itself met; of kind 'journal' where that was needed in vain. `version`: what was decided by it already.
   */
  write<T>(task: KeptTask<T>, version?: Version): Promise<Written<T>>
  /** Into the journal, for `place`, within the time. `error`: what the place said, if it was asked. */
  remember(place: KeptPlace, entry: JournalEntry, time: CallTime, error: unknown): Promise<void>
}

export interface KeptWriterOptions {
  readonly landscape: Landscape
  /** ms that all attempts share; undefined: the instance's rule. */
  readonly deadline?: number | undefined
  /** Fails where home doesn't confirm. */
  readonly failClosed?: boolean
}

/** Versions that meet a later one, again and again: somebody's clock runs wild. */
const MOST_TRIES = 8

/** Every write of kept data goes this way. */
export const createKeptWriter = (places: KeptPlaces, options: KeptWriterOptions): KeptWriter => {
  const { landscape, deadline, failClosed = false } = options
  const { clock, journal } = landscape
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

  const durably = async (
    place: KeptPlace,
    write: (journal: Journal) => Promise<void>,
    time: CallTime,
    error: unknown,
  ): Promise<void> => {
    if (journal === undefined) throw noJournal(place, error)
    try {
      await inTime(write(journal), time)
    } catch (fault) {
      if (!(fault instanceof StoreError)) throw fault
      throw journalFailure(place.name, fault, 'unknown')
    }
  }

  const remember: KeptWriter['remember'] = (place, entry, time, error) =>
    durably(place, (open) => open.append(place.name, [entry]), time, error)

  /**
   * What waits about the same is of the time before: it must not be what is read where both places go away, and an
   * increment must not be added to what came after it.
   */
  const isBehind = <T>(task: KeptTask<T>, place: KeptPlace): boolean => {
    if (journal?.holds(place.name) !== true) return false
    if (task.key !== undefined) {
      const waiting = journal.find(place.name, task.scope, task.key)
      if (waiting === undefined) return false
      return waiting.own !== undefined || waiting.cleared !== undefined || waiting.counted
    }
    // Of a category increments may wait, which a clear must not be followed by.
    if (!isGroup(task.scope)) return true
    const found = journal.findAll(place.name, task.scope)
    return found !== undefined && (found.own.size > 0 || found.cleared !== undefined)
  }

  const finish = async <T>(
    task: KeptTask<T>,
    version: Version,
    landed: readonly Landing<T>[],
    time: CallTime,
  ): Promise<Written<T>> => {
    const failures = landed.flatMap((landing) => ('failed' in landing ? [landing.failed] : []))
    const own = failures.find((error) => !(error instanceof StoreError && isOutage(error)))
    if (own !== undefined) throw landed.length > failures.length ? unsure(own) : worst(own, failures)
    const first = landed[0]
    if (failClosed && first !== undefined && 'failed' in first) {
      throw landed.length > failures.length ? unsure(first.failed) : worst(first.failed, failures)
    }
    const entry = task.entry(version)
    await Promise.all(
      all.map((place, i) => {
        const landing = landed[i]
        if (landing !== undefined && 'failed' in landing) return remember(place, entry, time, landing.failed)
        if (!isBehind(task, place)) return undefined
        // A clear waits for other keys too, so behind one this waits as well.
        if (task.key !== undefined && journal?.find(place.name, task.scope, task.key)?.cleared !== undefined) {
          return remember(place, entry, time, undefined)
        }
        return durably(place, (open) => open.settle(place.name, entry), time, undefined)
      }),
    )
    return { version, landed }
  }

  const settle = async <T>(task: KeptTask<T>, version: Version, first: readonly Outcome<T>[], time: CallTime) => {
    const outcomes = first.map((outcome) => overtaken(task, outcome, version))
    if (!outcomes.some(isRefused)) return finish(task, version, outcomes as readonly Landing<T>[], time)
    const later = await retry(task, outcomes, time)
    return finish(task, later.version, later.landed, time)
  }

  const takes = ({ instance }: KeptPlace, intent: 'write' | 'change'): boolean =>
    instance.writable() || (intent === 'change' && instance.readable())

  return {
    remember,

    write: <T>(task: KeptTask<T>, version = clock.next()) => {
      if (journal === undefined) {
        const away = all.find((place) => !takes(place, task.intent))
        if (away !== undefined) return Promise.reject(noJournal(away, undefined))
      }
      const time = callTime(home.instance, 'write', deadline)
      // Both leave before anything else happens.
      const timeout = time.attempt(false)
      const sent = all.map((place) => attempt(task, place, version, timeout))
      return Promise.all(sent).then((outcomes) => {
        for (const [i, outcome] of outcomes.entries()) {
          const place = all[i]
          if (place === undefined || !('done' in outcome) || journal?.holds(place.name) === true) {
            return settle(task, version, outcomes, time)
          }
        }
        return { version, landed: outcomes as Landed<T> }
      })
    },
  }
}

const isRefused = <T>(outcome: Outcome<T>): boolean => 'refused' in outcome

const noJournal = ({ name }: KeptPlace, error: unknown): StoreError =>
  new StoreError(
    'journal',
    name,
    `${name} is away, and without a journal nothing would remember this write for it: set MOTIA_REDIS_DIR to a folder that can be written`,
    error === undefined ? 'no' : 'unknown',
  )

/** ms that the disk gets at least, at the end of a call that needs it. */
const DISK = 100

const inTime = (work: Promise<void>, time: CallTime): Promise<void> =>
  new Promise((resolve, reject) => {
    const late = (): void =>
      reject(new StoreError('timeout', 'journal', 'journal: the disk took longer than the call may', 'unknown'))
    // Where the event loop stood still the outcome may lie there already: it comes first.
    const timer = setTimeout(() => setImmediate(late), Math.max(DISK, time.left()))
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })

/** Another place has it, or may have it. */
export const unsure = (error: unknown): unknown =>
  error instanceof StoreError && error.applied === 'no'
    ? new StoreError(error.kind, error.store, error.message, 'unknown', error.instanceFault)
    : error

const worst = (error: unknown, all: readonly unknown[]): unknown =>
  all.some((each) => !(each instanceof StoreError) || each.applied === 'unknown') ? unsure(error) : error
