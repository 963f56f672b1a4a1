import type { Identity, Instance } from '../../instances/instance.js'
import { StoreError } from '../../instances/store.js'
import type { Landscape } from '../landscape.js'
import type { OtherProcess, Outages } from '../stand-in/outages.js'
import { judge } from './identity.js'
import type { Lost } from './recovery-restore.js'
import type { Throttle } from './recovery-throttle.js'
import type { createRounds } from './replay-rounds.js'
import type { Trust } from './trust.js'

/** Every process that holds something for an instance says so within this time, ms. */
const HEARTBEAT = 500
/** ms between two looks at others. */
const LOOK_EVERY = 100
/** ms between two attempts where it takes no writes. */
const WRITABLE_EVERY = 250

/** `total`: as far as known, 0 where nothing tells. */
export interface Progress {
  readonly step: 'fencing' | 'repairing' | 'replaying' | 'waiting'
  readonly done: number
  readonly total: number
}

/** What one instance is going through. */
export interface Lane {
  /** How often it came back. What was learned of it before says nothing. */
  returns: number
  recovering?: Promise<void> | undefined
  background?: Promise<void> | undefined
  sweeping?: Promise<void> | undefined
  progress?: Progress | undefined
  failure?: string | undefined
}

/** Whether it is still there since it came back: not away, nor away and back again. */
export type Stay = () => boolean

/** Went away again while it was brought up to date: its prober says when it is back. */
class Gone extends Error {}

interface ReturnParts {
  readonly landscape: Landscape
  readonly outages: Pick<Outages, 'enter' | 'discard'>
  readonly removeCopies: (instance: string) => Promise<void>
  readonly onFailback: (instance: string, done: { readonly replayed: number; readonly ms: number }) => void
  readonly now: () => number
  readonly wait: (ms: number) => Promise<void>
  readonly pace: Throttle
  /** Other processes that have something for it. Undefined: not everybody who knows could be asked. */
  readonly holders: (instance: string) => Promise<readonly OtherProcess[] | undefined>
  readonly fence: (instance: Instance, othersToo: boolean) => Promise<void>
  readonly trust: Pick<Trust, 'note' | 'ran'>
  readonly mend: (instance: Instance, identity: Identity, found: Lost, pace: Throttle) => Promise<void>
  readonly round: ReturnType<typeof createRounds>['round']
}

/**
 * From catching-up to up: who came back, nothing of before may still run, what it lost, what it missed, nobody else who
 * has something for it. Rejects with Gone, or with what went wrong; everything may be done again.
 */
export const createBringBack = (parts: ReturnParts) => {
  const { landscape, outages, removeCopies, onFailback, now, wait, pace, holders, fence, trust, mend, round } = parts
  const { journal } = landscape
  const lives = (stay: Stay): void => {
    if (!stay()) throw new Gone()
  }

  /**
   * Until a heartbeat has passed since it is back, and nobody else holds anything for it. False: something waits here
   * meanwhile. It has to go first, because the others wait for that in their turn.
   */
  const othersGone = async (instance: Instance, lane: Lane, since: number, stay: Stay): Promise<boolean> => {
    const early = since + HEARTBEAT - performance.now()
    if (early > 0) await wait(early)
    for (;;) {
      const others = await holders(instance.name)
      lives(stay)
      if (others?.length === 0) return true
      lane.progress = { step: 'waiting', done: 0, total: (others ?? []).reduce((sum, { entries }) => sum + entries, 0) }
      await wait(LOOK_EVERY)
      lives(stay)
      if (journal?.holds(instance.name) === true) return false
    }
  }

  /** It may have come back full, or as a replica: then what it missed waits until it takes it. */
  const whenTaken = async <T>(lane: Lane, stay: Stay, work: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await work()
      } catch (error) {
        if (!(error instanceof StoreError) || (error.kind !== 'full' && error.kind !== 'read-only')) throw error
        lives(stay)
        lane.progress = { step: 'waiting', done: 0, total: lane.progress?.total ?? 0 }
        await wait(WRITABLE_EVERY)
        lives(stay)
      }
    }
  }

  /** Whether it was readmitted: nothing waits for it. Where the journal can't be asked, as far as is known. */
  const readmitted = async (instance: Instance, stay: Stay): Promise<boolean> => {
    // Inside the journal's transaction nothing may throw.
    const readmit = (): void => {
      if (stay()) instance.readmit()
    }
    if (journal !== undefined) {
      try {
        return await journal.whenEmpty(instance.name, readmit)
      } catch (error) {
        if (!(error instanceof StoreError) || journal.holds(instance.name)) throw error
      }
    }
    readmit()
    return true
  }

  return async (instance: Instance, lane: Lane, stay: Stay): Promise<void> => {
    const { name } = instance
    const since = performance.now()
    const waiting = (): number => journal?.stats(name).entries ?? 0
    outages.enter(name, waiting)
    // What it held for others while it was away is of the past.
    outages.discard(name)
    lane.progress = { step: 'fencing', done: 0, total: waiting() }
    const identity = await instance.identity()
    const found = judge(identity, now())
    await fence(instance, found.kind === 'intact' || found.known)
    lives(stay)
    let replayed = 0
    const replay = (only?: 'items'): Promise<number> => {
      const before = replayed
      lane.progress = { step: 'replaying', done: before, total: before + waiting() }
      const onProgress = (done: number): void => {
        lives(stay)
        lane.progress = { step: 'replaying', done: before + done, total: before + done + waiting() }
      }
      return whenTaken(lane, stay, () => round(instance, pace, onProgress, only))
    }
    if (found.kind === 'intact') trust.note(name, identity.sentinel)
    else {
      // What waits here needn't be brought from the mirror, nor does it lack because of what the instance went through.
      replayed += await replay('items')
      lives(stay)
      await whenTaken(lane, stay, () => mend(instance, identity, found, pace))
    }

    for (;;) {
      lives(stay)
      const count = await replay()
      replayed += count
      if (!(await othersGone(instance, lane, since, stay))) continue
      // A server that starts within a moment goes unnoticed as long as nobody reads from it.
      if ((await instance.identity()).runId !== identity.runId) {
        lane.returns += 1
        throw new Gone()
      }
      if (await readmitted(instance, stay)) {
        if (instance.readable()) break
        throw new Gone()
      }
      if (count === 0) await wait(LOOK_EVERY)
    }
    lane.failure = undefined
    trust.ran(name, identity.runId)
    onFailback(name, { replayed, ms: performance.now() - since })
    await removeCopies(name)
  }
}
