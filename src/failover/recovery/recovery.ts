import { setTimeout } from 'node:timers/promises'
import { type Identity, type Instance, isOutage } from '../../instances/instance.js'
import type { Layout } from '../../instances/layout.js'
import { StoreError } from '../../instances/store.js'
import type { Report } from '../../report.js'
import type { Settings } from '../../settings/settings.js'
import type { Landscape } from '../landscape.js'
import type { OtherProcess, Outages } from '../stand-in/outages.js'
import { createDrainPace } from './drain-pace.js'
import { judge, lacks, stateIn } from './identity.js'
import { createFence } from './recovery-fence.js'
import { type Lost, restore } from './recovery-restore.js'
import { createBringBack, type Lane, type Progress } from './recovery-return.js'
import { sweepEnded } from './recovery-sweep.js'
import { createThrottle, type Throttle, waitFor } from './recovery-throttle.js'
import { createRepair } from './repair.js'
import { createMarks } from './repair-marks.js'
import { createDataPlaces } from './repair-places.js'
import { createRounds } from './replay-rounds.js'
import { createTrust, type Trust } from './trust.js'

export interface Recovery extends Pick<Trust, 'meet' | 'doubtful' | 'stale' | 'behind' | 'unsure' | 'mendable'> {
  /**
   * It came back (catching-up): brings it up to date and readmits it. While that runs, another call does nothing. Never
   * rejects: a failure relapses the instance with the reason, reported once.
   */
  recover(instance: string): Promise<void>
  /**
   * Entries wait for an instance that is up: replays them in the background; then leaves the outage, if nothing waits.
   * Never rejects; called again while it runs waits for that, and while it recovers does nothing.
   */
  drain(instance: string): Promise<void>
  /** Whether `drain` may do anything by now: what couldn't be replayed the last times is tried more seldom. */
  drainable(instance: string): boolean
  /**
   * At the start and every few seconds, for an instance that is up: whether it still is what it was. One that was emptied
   * behind our back, or started again while nobody looked, is repaired in the background. Costs one GET. Never rejects.
   */
  check(instance: string): Promise<void>
  /** Its standing has changed, and what came back isn't there yet: if another run has no sentinel, that one lost data. */
  met(instance: string): void
  /** Removes what has no TTL and has ended there. Once an hour. Never rejects. */
  sweep(instance: string): Promise<void>
  /** What is going on, for health(). `total`: as far as known, 0 where nothing tells. */
  progress(instance: string): Progress | undefined
  /** Ends what runs, as soon as possible. */
  close(): Promise<void>
}

export interface RecoveryOptions {
  readonly landscape: Landscape
  readonly outages: Pick<Outages, 'enter' | 'others' | 'discard'>
  /** Leaves the outage; own copies of what was written for the instance go. */
  readonly removeCopies: (instance: string) => Promise<void>
  readonly layout: Layout
  readonly settings: Pick<Settings, 'categories' | 'state'>
  readonly processId: string
  readonly report: Report
  /** Epoch ms. */
  readonly now: () => number
  /** It has what it missed; `ms` since it could be reached again, or since entries were found. */
  readonly onFailback: (instance: string, done: { readonly replayed: number; readonly ms: number }) => void
  /** For tests, to see that it is what helps. */
  readonly weakened?: {
    /** Earlier connections are left alone. */
    readonly fence?: false
    /** What came back is read at once; what it lost is made good in the background, as soon as somebody looks. */
    readonly repair?: false
  }
}

/** ms that `close` waits for calls that are on their way. */
const CLOSE_LIMIT = 500
/** Entries a second that work in the background may cost an instance. */
const BACKGROUND = 20_000

/** An instance went away, which says so itself. */
const isGone = (error: unknown): error is StoreError =>
  error instanceof StoreError && (isOutage(error) || error.kind === 'closed')

export const createRecovery = (options: RecoveryOptions): Recovery => {
  const { landscape, outages, removeCopies, layout, settings, report, now, onFailback, weakened } = options
  const { clock, journal } = landscape
  const ending = new AbortController()
  const { signal } = ending
  const lanes = new Map<string, Lane>()
  const laneOf = (name: string): Lane => {
    const lane: Lane = lanes.get(name) ?? { returns: 0 }
    lanes.set(name, lane)
    return lane
  }
  const places = createDataPlaces(landscape, layout, settings)
  const trust = createTrust(landscape, places, now)
  const marks = createMarks(places, layout, clock)
  const { round } = createRounds({ landscape, layout, places, marks, report, now })
  const wait = (ms: number): Promise<void> => waitFor(ms, signal)
  const background = createThrottle(BACKGROUND, signal)
  const unhurried = createThrottle(Number.POSITIVE_INFINITY, signal)
  const drains = createDrainPace(() => performance.now())
  const endEarlier = createFence(options, wait)
  const fence = async (instance: Instance, othersToo: boolean): Promise<void> => {
    if (weakened?.fence !== false) await endEarlier(instance, othersToo)
  }

  const fail = (lane: Lane, instance: Instance, what: string, error: unknown): void => {
    const reason = error instanceof Error ? error.message : String(error)
    if (lane.failure !== reason) report.warn(`${instance.name}  ${what}: ${reason}`)
    lane.failure = reason
  }

  /** Others that have something for it, as in `others`. Those that only wait as well would wait for each other. */
  const holders = async (name: string): Promise<readonly OtherProcess[] | undefined> =>
    (await outages.others(name))?.filter(({ entries }) => entries > 0)

  /** Entries for it are replayed before anybody judges what it hasn't got. */
  const settle = async (instance: Instance): Promise<boolean> => {
    if (instance.writable() && journal?.holds(instance.name) === true) await round(instance, background)
    return landscape.calm(instance.name) && (await holders(instance.name))?.length === 0
  }

  const mend = async (instance: Instance, identity: Identity, found: Lost, pace: Throttle): Promise<void> => {
    const { name } = instance
    const lane = laneOf(name)
    const state = trust.apart(name, identity, found, lane.recovering !== undefined)
    // Should the other one go meanwhile, nobody would know what is missing here.
    if (lacks(state) || (found.kind === 'empty' && trust.knowBetter(name))) trust.lost(name)
    let compared = 0
    const repair = createRepair({
      ...{ landscape, layout, places, marks, now, settle, wait },
      pace: (entries) => {
        compared += entries
        lane.progress = { step: 'repairing', done: compared, total: 0 }
        return pace(entries)
      },
    })
    const seen = trust.sentinel(name) !== undefined
    const parts = { places, report, now, onCleared: () => trust.cleared(name) }
    trust.note(name, await restore(instance, identity, { ...found, state, seen }, repair, parts))
  }

  const heedless = weakened?.repair === false
  const bringBack = createBringBack({
    ...{ landscape, outages, removeCopies, onFailback, now, wait, pace: unhurried, holders, fence, trust, round },
    mend: heedless ? () => Promise.resolve() : mend,
  })

  const inBackground = (
    name: string,
    slot: 'background' | 'sweeping',
    work: (instance: Instance, lane: Lane) => Promise<void>,
  ): Promise<void> => {
    const instance = landscape.instances.get(name)
    const lane = laneOf(name)
    if (instance === undefined || signal.aborted || lane.recovering !== undefined) return Promise.resolve()
    lane[slot] ??= work(instance, lane)
      .then(
        () => {
          lane.failure = undefined
        },
        (error) => {
          if (!signal.aborted && !isGone(error)) {
            fail(lane, instance, 'work in the background failed and is tried again', error)
          }
        },
      )
      .finally(() => {
        lane[slot] = undefined
        if (lane.recovering === undefined) lane.progress = undefined
      })
    return lane[slot]
  }

  /** Each time that it comes back anew, until it stays or is gone. */
  const recovering = async (instance: Instance, lane: Lane): Promise<void> => {
    try {
      await lane.background
      for (;;) {
        const { returns } = lane
        const stay = (): boolean => !signal.aborted && lane.returns === returns && instance.catchingUp()
        try {
          if (stay()) await bringBack(instance, lane, stay)
        } catch (error) {
          if (stay()) {
            const ofAnother = isGone(error) && error.store !== instance.name
            if (!ofAnother) fail(lane, instance, 'could not be brought up to date', error)
            instance.relapse(error instanceof Error ? error.message : String(error))
          }
        }
        if (signal.aborted || lane.returns === returns) return
      }
    } finally {
      // In the turn in which nobody came any more: who comes in the next one must not wait for this.
      lane.recovering = undefined
      lane.progress = undefined
    }
  }

  return {
    recover: (name) => {
      const instance = landscape.instances.get(name)
      const lane = laneOf(name)
      if (instance === undefined || signal.aborted) return Promise.resolve()
      lane.returns += 1
      lane.recovering ??= recovering(instance, lane)
      return lane.recovering
    },

    drain: (name) =>
      inBackground(name, 'background', async (instance, lane) => {
        const since = performance.now()
        let replayed = 0
        const onProgress = (count: number): void => {
          const done = replayed + count
          lane.progress = { step: 'replaying', done, total: done + (journal?.stats(name).entries ?? 0) }
        }
        while (!signal.aborted && instance.readable() && instance.writable() && journal?.holds(name) === true) {
          const waiting = journal.stats(name).entries
          let count = 0
          try {
            await fence(instance, false)
            count = await round(instance, background, onProgress)
          } finally {
            // Of a round that failed some may be done.
            drains.tried(name, count > 0 || journal.stats(name).entries < waiting)
          }
          if (count === 0) return
          replayed += count
        }
        if (!landscape.calm(name)) return
        // Before the copies go, which takes a while: it may be away again then.
        onFailback(name, { replayed, ms: performance.now() - since })
        await removeCopies(name)
      }),

    check: (name) =>
      inBackground(name, 'background', async (instance, lane) => {
        if (!instance.readable() || !instance.writable()) return
        const sentinel = await instance.read(layout.sentinel)
        const same = sentinel !== undefined && sentinel === trust.sentinel(name)
        if (same && (stateIn(sentinel) === 'whole' || !trust.canMend(name))) return
        const identity = await instance.identity()
        const found = judge(identity, now())
        trust.ran(name, identity.runId)
        if (found.kind === 'intact') trust.note(name, identity.sentinel)
        else if (!found.known || trust.canMend(name)) await mend(instance, identity, found, background)
        else if (lacks(trust.apart(name, identity, found, lane.recovering !== undefined))) trust.lost(name)
      }),

    drainable: drains.due,

    met: (name) => {
      drains.forget(name)
      trust.ranAtFirst(name, landscape.instances.get(name)?.health().server?.runId)
    },
    meet: trust.meet,
    doubtful: trust.doubtful,
    stale: trust.stale,
    behind: heedless ? () => false : trust.behind,
    unsure: trust.unsure,
    mendable: trust.mendable,

    sweep: (name) =>
      inBackground(name, 'sweeping', async (instance) => {
        if (!instance.readable() || !instance.writable()) return
        await sweepEnded(instance, { layout, clock, now: now() }, background)
      }),

    progress: (name) => lanes.get(name)?.progress,

    close: async () => {
      ending.abort()
      const running = [...lanes.values()].flatMap((lane) => [lane.recovering, lane.background, lane.sweeping])
      // A call that is on its way to a frozen server ends by itself, and nothing follows it.
      await Promise.race([Promise.all(running), setTimeout(CLOSE_LIMIT, undefined, { ref: false })])
    },
  }
}
