import { createHash } from 'node:crypto'
import type { Identity, Instance } from '../instances/instance.js'
import { layoutOf } from '../instances/layout.js'
import { type GroupStore, type Store, StoreError, type StoreHealth } from '../instances/store.js'
import type { Report } from '../report.js'
import type { CategorySettings, Settings } from '../settings/settings.js'
import { createLandscape } from './create-landscape.js'
import type { Durable } from './journal/durable.js'
import { createKeptGroups } from './kept/kept-groups.js'
import { createOwnWrites } from './kept/own-writes.js'
import type { Landscape } from './landscape.js'
import { createFirstMeetings, held } from './recovery/first-meetings.js'
import { createRecovery, type Recovery } from './recovery/recovery.js'
import { createUnlistedNames } from './recovery/unlisted-names.js'
import type { Shelf, Shelves } from './shelf.js'
import { createShelves } from './shelves.js'
import { createBothResorts } from './stand-in/both-resorts.js'
import { createShownAs, withFallbackGroups } from './stand-in/fallback-groups.js'
import { openLastResort } from './stand-in/last-resort.js'
import { createOutages, type Outages } from './stand-in/outages.js'
import { createRemoveCopies } from './stand-in/remove-copies.js'
import { createStateResort, type OtherState, type StateResort } from './stand-in/state-resort.js'
import { type FilledCopy, type FilledCopyParts, openFilledCopy } from './state-copy/embedded-copy-filling.js'
import { createTwins } from './twins.js'

/** Failover of one process: what the cache and state work on, and what goes on beside them. */
export interface Failover {
  readonly landscape: Landscape
  readonly shelves: Shelves
  /** Workflow state, where its home is a Redis. */
  readonly groups: GroupStore
  /** An instance was connected to for the first time; before its standing changes, and before any call reaches it. */
  met(name: string, identity: Identity): void
  /** An instance's standing has changed. */
  changed(name: string, health: StoreHealth): void
  /** Cached data goes into the app's own state when no instance is left, as far as it fits there. */
  keepIn(state: OtherState): void
  progress: Recovery['progress']
  otherRouting: Outages['otherRouting']
  close(): Promise<void>
}

export interface FailoverParts {
  readonly settings: Settings
  readonly instances: ReadonlyMap<string, Instance>
  readonly embedded: ReadonlyMap<string, Store>
  readonly durable: Durable
  readonly processId: string
  readonly report: Report
  /** An instance has got what it missed. */
  readonly onFailback: (instance: string, done: { readonly replayed: number; readonly ms: number }) => void
}

/** ms between two looks for entries that wait for an instance that is up, or for what one lacks that is behind. */
const DRAIN_EVERY = 250
/** ms between two looks whether an instance that is up lost its data behind our back. */
const CHECK_EVERY = 5_000
/** ms after it became readable. */
const CHECK_SOON = 250
/** ms between two sweeps of markers and ids that have ended. */
const SWEEP_EVERY = 60 * 60_000
/** ms after the start until the first: apps that are started often are swept too. */
const SWEEP_FIRST = 60_000
/** ms that closing gives to what still waits for an instance that could take it. */
const LAST_REPLAY = 1_000

export const openFailover = (parts: FailoverParts): Failover => {
  const { settings, instances, embedded, durable, processId, report } = parts
  const { dir, namespace } = settings
  const { clock, journal, idOf } = durable
  const layout = layoutOf(namespace)
  const files = journal && openLastResort(dir)
  // Now, and not under the first call that needs it.
  void files?.connect()
  let shown: StateResort | undefined
  const lastResort = createBothResorts(files, () => shown)
  const behind = (name: string): boolean => recovery.behind(name)
  const unsure = (name: string): boolean => recovery.unsure(name)
  const stale = (name: string): boolean => recovery.stale(name)
  const twins = createTwins()
  const places = { idOf, behind, unsure, stale, twins: twins.are }
  const landscape = createLandscape({ settings, instances, clock, journal, ...places, lastResort })
  const onOtherRouting = (other: string): void =>
    report.warn(
      `another server process (${other}) sends some categories to other instances than this one, as in a deploy that moves one: what it writes of them isn't read here until all have the same configuration`,
    )
  const outages = createOutages({
    instances,
    layout,
    processId,
    routing: routingHash(settings),
    onOtherRouting,
    report,
  })
  /**
   * With those that are listed nowhere, from before something is first put there by this process: whoever repairs an
   * instance clears them, and under a name that was only read or looked at may lie what is somebody else's.
   */
  const categories = new Map(settings.categories)
  const recovery: Recovery = createRecovery({
    landscape,
    outages,
    removeCopies: createRemoveCopies({ landscape, outages }),
    layout,
    settings: { categories, state: settings.state },
    processId,
    report,
    now: Date.now,
    onFailback: parts.onFailback,
  })

  const { hold } = createFirstMeetings({ instances, doubtful: recovery.doubtful, check: recovery.check })

  const unlisted = createUnlistedNames(instances, layout)
  /** Others can't know of it from their configuration. */
  const named = (shelf: Shelf, category: CategorySettings): Shelf => {
    if (settings.categories.has(category.name)) return shelf
    const { write, swap, increment, lease } = shelf
    const changes = { write, swap, increment, lease }
    return {
      ...shelf,
      ...held(
        () => changes,
        () => {
          categories.set(category.name, category)
          return unlisted.hold(category)
        },
      ),
    }
  }

  const away = new Set<string>()
  const last = new Map<string, StoreHealth['state']>()
  const draining = setInterval(() => {
    void outages.tidy()
    for (const [name, instance] of instances) {
      if (!instance.readable() || !instance.writable()) continue
      // An outage may just begin: its first write has joined it, and isn't in the journal yet.
      if (instance.health().state === 'suspect') continue
      if (recovery.mendable(name)) void recovery.check(name)
      else if ((journal?.holds(name) === true || outages.entered(name)) && recovery.drainable(name))
        void recovery.drain(name)
    }
  }, DRAIN_EVERY).unref()
  const checking = setInterval(() => {
    for (const [name, instance] of instances) if (instance.readable()) void recovery.check(name)
  }, CHECK_EVERY).unref()
  const retire = async (): Promise<void> => {
    try {
      const { count, dropped } = (await journal?.inUse([...instances.keys()])) ?? { count: 0, dropped: 0 }
      if (count > 0)
        report.warn(`${count} writes were given up that waited for addresses which nobody has used for 24 h`)
      if (dropped > 0)
        report.error(`${dropped} of them, of data that is kept, were dropped: too many are set aside already`)
    } catch (error) {
      // A disk that fails shows where something needs it.
      if (!(error instanceof StoreError)) throw error
    }
  }
  const sweep = (): void => {
    void retire()
    for (const [name, instance] of instances) {
      if (!instance.readable()) continue
      void recovery.sweep(name)
      outages.review(name)
    }
  }
  const firstSweep = setTimeout(sweep, SWEEP_FIRST).unref()
  const sweeping = setInterval(sweep, SWEEP_EVERY).unref()
  const replayed = async (): Promise<void> => {
    const able = [...instances].filter(([name, each]) => each.readable() && each.writable() && journal?.holds(name))
    const late = new Promise((resolve) => setTimeout(resolve, LAST_REPLAY).unref())
    await Promise.race([Promise.all(able.map(([name]) => recovery.drain(name))), late])
  }

  const own = createOwnWrites({ aloneSince: () => copy?.aloneSince() ?? Number.POSITIVE_INFINITY, now: Date.now })
  const shelves = createShelves({ landscape, outages, layout, embedded, now: Date.now, own })
  const { state } = settings
  const home = instances.get(state.instance)
  const copy = home && journal && openCopy(settings, home, { landscape, layout, report, now: Date.now })
  const patient = (make: () => Shelf, instance: string, kept: boolean, limit?: number): Shelf =>
    held(twins.renewed(make), () => hold(instance, { kept, limit }))
  const lookAround = setInterval(() => void copy?.check(), CHECK_EVERY).unref()
  const groups =
    home === undefined
      ? storeOf(embedded, state.instance)
      : held(
          twins.renewed(() => createKeptGroups(home, { landscape, layout, ...state, copy, now: Date.now })),
          () => hold(home.name, { kept: true }),
        )
  return {
    landscape,
    shelves: {
      of: (category) => {
        const { instance, deadline, mirror } = category
        // One that has a deadline of its own keeps something of that for the call itself.
        const make = () => named(shelves.of(category), category)
        return patient(make, instance, mirror, deadline.read && deadline.read / 2)
      },
      older: (instance) => patient(() => shelves.older(instance), instance, false),
      invalidateEverywhere: shelves.invalidateEverywhere,
    },
    groups: files === undefined ? groups : withFallbackGroups(groups, { ...landscape, store: files, now: Date.now }),

    met: (name, identity) => {
      twins.met(name, identity.runId)
      recovery.meet(name, identity)
    },

    changed: (name, { readable, state, server }) => {
      twins.met(name, server?.runId)
      const before = last.get(name)
      last.set(name, state)
      if (state !== 'catching-up') recovery.met(name)
      if (!readable && !away.has(name)) {
        away.add(name)
        unlisted.forget(name)
        // What lies there for others is behind from now on.
        outages.discard(name)
        // Whatever this process will hold for it, others know before they read from it again.
        outages.enter(name, () => journal?.stats(name).entries ?? 0)
      }
      if (readable && (away.has(name) || before === undefined)) {
        away.delete(name)
        // Soon, so that there is something by which it is known again; not at once, when everybody calls.
        setTimeout(() => void recovery.check(name), CHECK_SOON).unref()
      }
      if (state === 'catching-up' && before !== state) void recovery.recover(name)
    },

    keepIn: (state) => {
      shown = createStateResort(state, createShownAs(landscape), Date.now)
      // While some are away, others may have just put something there.
      if ([...instances.values()].every((each) => each.readable())) void shown.sweep()
    },

    progress: recovery.progress,
    otherRouting: outages.otherRouting,

    close: async () => {
      clearInterval(draining)
      clearInterval(checking)
      clearTimeout(firstSweep)
      clearInterval(sweeping)
      clearInterval(lookAround)
      await replayed()
      await recovery.close()
      await outages.close()
      await copy?.close()
      await files?.close()
    },
  }
}

/** Undefined where its files can't be opened: then state is known only as long as an instance can be read. */
const openCopy = (settings: Settings, home: Instance, parts: FilledCopyParts): FilledCopy | undefined => {
  try {
    const copy = openFilledCopy(settings.dir, home, parts)
    void copy.check()
    return copy
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    parts.report.warn(`state has no copy in files: ${reason}`)
    return undefined
  }
}

const storeOf = (stores: ReadonlyMap<string, Store>, name: string): Store => {
  const store = stores.get(name)
  if (store === undefined) throw new Error(`no instance '${name}' is configured`)
  return store
}

/** Two processes with the same one send each category to the same places. */
const routingHash = ({ categories, instances, strategy }: Settings): string => {
  const homes = [...categories.values()]
    .map(({ name, instance, keyPrefix }) => `${name} ${instance} ${keyPrefix}`)
    .sort()
  const table = JSON.stringify([strategy, instances.map(({ name }) => name), homes])
  return createHash('sha1').update(table).digest('hex').slice(0, 12)
}
