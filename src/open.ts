import { randomBytes } from 'node:crypto'
import type { HealthReport } from '../types/index.js'
import { createAnnouncements } from './announce.js'
import { createEngine } from './cache/create-engine.js'
import type { CacheEngine } from './cache/engine.js'
import { withL1 } from './cache/l1/l1.js'
import { createEmbeddedStore, type EmbeddedStore } from './embedded/embedded-store.js'
import type { TiersEmitter } from './events.js'
import { whenFree } from './failover/journal/directory.js'
import { openDurable } from './failover/journal/durable.js'
import { openFailover } from './failover/open-failover.js'
import type { OtherState } from './failover/stand-in/state-resort.js'
import { endedWithin } from './failover/time-left.js'
import { sameServers } from './findings.js'
import { healthReport } from './health-report.js'
import type { Instance } from './instances/instance.js'
import type { Looks } from './instances/looks.js'
import { createRedisStore } from './instances/redis-store.js'
import type { StoreHealth } from './instances/store.js'
import { createInvalidation } from './invalidation/invalidation.js'
import { createMeasures } from './metrics/measures.js'
import type { Exposition } from './metrics/prometheus.js'
import type { Caller } from './metrics/spans.js'
import type { Report } from './report.js'
import { createRouter } from './routing/router.js'
import { isProduction } from './settings/production.js'
import type { Settings } from './settings/settings.js'
import { createHotReads, watchReads } from './sight/hot-reads.js'
import { beatEvery, createHeartbeat } from './sight/process-heartbeat.js'
import { servedBy } from './sight/routing-now.js'
import type { Sight } from './sight/sight.js'
import { createTimeline } from './sight/timeline.js'
import { standInOf, startLines } from './start-lines.js'
import { startWarnings } from './start-warnings.js'
import { createHotStore, type HotStore } from './state/hot-store.js'

/** A state adapter that the app kept, in which cached data may be put while no instance is left. */
export interface KeptState {
  readonly state: OtherState
  /** What to say if it lies on one of our instances, or may do so; undefined: it lies elsewhere. */
  behind(healthOf: (instance: string) => StoreHealth): Promise<string | undefined>
}

/** The tiers once something needs them: stores, engine and hot store. */
export interface OpenTiers {
  readonly engine: CacheEngine
  /** The same, for one run of a step. */
  engineFor(caller: Caller): CacheEngine
  readonly hot: HotStore
  health(): HealthReport
  /** What a scrape gets; opened by the first one. */
  metrics(): Promise<Exposition>
  /** For those who look; loaded for the first one. */
  sight(): Promise<Sight>
  /** Connects to every instance and answers the start lines; an instance that is away doesn't fail it. */
  start(kept?: KeptState): Promise<string[]>
  /** Treats an instance as gone for so many ms. */
  drill(instance: string, ms: number): void
  close(): Promise<void>
}

/** What the tiers are a part of. */
export interface Front {
  readonly kind: 'motia' | 'app'
  /** State has our adapter. */
  readonly ownState: boolean
}
const alone = (): Front => ({ kind: 'app', ownState: true })

/** ms that `close` takes at most: what is still open then ends by itself. */
const CLOSE_LIMIT = 2_000

/** Resolves when MOTIA_REDIS_DIR can be used, as far as that is a matter of waiting for a dead container. */
export const folderFree = ({ dir, instances }: Settings, report: Report): Promise<void> =>
  instances.some(({ url }) => url !== undefined)
    ? whenFree(dir, () =>
        report.warn('MOTIA_REDIS_DIR was in use from another container a moment ago: waiting until that is gone'),
      )
    : Promise.resolve()

export const openTiers = (
  settings: Settings,
  { report, events, front = alone }: { report: Report; events: TiersEmitter; front?: () => Front },
): OpenTiers => {
  const processId = randomBytes(4).toString('hex')
  const durable = openDurable(settings, processId, {
    report,
    onFull: (instance, scope) => announcements.journalFull(instance, scope),
  })
  for (const warning of [...settings.warnings, ...durable.warnings]) report.warn(warning)

  const startedAt = Date.now()
  const timeline = createTimeline(events, Date.now)
  const measures = createMeasures(settings, {
    ...{ report, events },
    servedBy: (category) => servedBy({ settings, landscape, lastPlace: () => lastPlace }, category),
  })
  const instances = new Map<string, Instance>()
  const looks = new Map<string, Looks>()
  const embedded = new Map<string, EmbeddedStore>()
  const { namespace, deadlines, probeEvery, dir } = settings
  for (const { name, url } of settings.instances) {
    const last = { state: 'probing' as StoreHealth['state'] }
    const onState = (health: StoreHealth): void => {
      const previous = last.state
      last.state = health.state
      failover.changed(name, health)
      if (!health.readable || !health.writable) invalidation.doubt(name)
      announcements.changed(name, health)
      const described = healthNow().instances.find((each) => each.name === name)
      if (described !== undefined) events.emit('instance:state', described, previous)
    }
    if (url === undefined) embedded.set(name, createEmbeddedStore({ name, dir, namespace, onState }))
    else {
      const store = createRedisStore({
        ...{ name, url, namespace, deadlines, probeEvery, processId, supervised: true, onState },
        onMet: (identity) => failover.met(name, identity),
      })
      instances.set(name, store)
      looks.set(name, store.looks)
    }
  }
  const invalidation = createInvalidation({ settings, instances, processId, report })
  const stores = new Map<string, Instance | EmbeddedStore>([...instances, ...embedded])
  const healthOf = (name: string): StoreHealth => {
    const store = stores.get(name)
    if (store === undefined) throw new Error(`no instance '${name}' is configured`)
    return store.health()
  }
  const failover = openFailover({
    settings,
    instances,
    embedded,
    durable,
    processId,
    report,
    onFailback: (name, { replayed }) => {
      measures.replayed(name, replayed)
      announcements.caughtUp(name, replayed)
    },
  })
  const { landscape } = failover
  const announcements = createAnnouncements({ settings, landscape, report, events, now: Date.now })
  const healthNow = (): HealthReport =>
    healthReport({ ...failover, settings, healthOf, tracking: invalidation.tracking })

  const { copies, ...shelves } = withL1(measures.shelves(failover.shelves), { settings, landscape, invalidation })
  const reads = createHotReads(settings, Date.now)
  const engine = createEngine({
    settings,
    router: createRouter(settings, report.warn),
    shelves,
    report,
    now: Date.now,
    random: Math.random,
    ...measures.watch,
  })
  const { engine: measured, engineFor } = measures.engine(watchReads(engine, reads))
  const hot = measures.state(createHotStore(failover.groups, { ttl: settings.state.ttl, report }))
  const heartbeat = createHeartbeat({
    ...{ processId, looks, startedAt, meters: measures.meters, report },
    kind: () => front().kind,
    every: beatEvery(probeEvery),
  })
  let exposition: Promise<Exposition> | undefined
  let sight: Promise<Sight> | undefined
  let lastPlace: 'embedded' | 'motia-state' = 'embedded'

  const drill = (name: string, ms: number): void => {
    const instance = instances.get(name)
    if (instance === undefined) {
      throw new Error(
        `drill: there is no Redis instance '${name}'; there is ${[...instances.keys()].join(', ') || 'none'}`,
      )
    }
    timeline.drill(name, ms)
    instance.drill(ms)
  }

  return {
    engine: measured,
    engineFor,
    metrics: () => {
      exposition ??= measures.exposition({ health: healthNow, copies })
      return exposition
    },
    sight: () => {
      sight ??= import('./sight/sight.js').then(({ createSight }) =>
        createSight({
          ...{ settings, processId, startedAt, failover, looks, copies, timeline, hot, reads, heartbeat, drill },
          production: isProduction(process.env, process.argv),
          ...{ health: healthNow, engine: measured, meters: measures.meters },
          ours: () => front().ownState,
          lastPlace: () => lastPlace,
        }),
      )
      return sight
    },
    hot,
    health: healthNow,
    start: async (kept) => {
      announcements.starting(true)
      invalidation.open()
      await Promise.all([...stores.values()].map((store) => store.connect()))
      announcements.starting(false)
      for (const { text, doThis } of sameServers(settings, healthOf)) report.error(`${text}; ${doThis}`)
      for (const warning of startWarnings(settings, healthOf, durable.journal)) report.warn(warning)
      const lines = startLines(settings, healthOf, (name) => (mirrored) => standInOf(landscape, name, mirrored))
      if (kept === undefined || instances.size === 0) return lines
      const same = await kept.behind(healthOf)
      if (same === undefined) {
        failover.keepIn(kept.state)
        lastPlace = 'motia-state'
      }
      return same === undefined ? lines : [...lines, same]
    },
    drill,
    close: async () => {
      const begun = performance.now()
      const signedOff = heartbeat.close()
      if (exposition !== undefined) (await exposition).close()
      await endedWithin(CLOSE_LIMIT / 2, invalidation.close())
      await endedWithin(CLOSE_LIMIT / 2, failover.close())
      await endedWithin(CLOSE_LIMIT / 4, signedOff)
      const left = CLOSE_LIMIT - (performance.now() - begun)
      await Promise.all([...stores.values()].map((store) => endedWithin(left, store.close())))
      await durable.journal?.close()
    },
  }
}
