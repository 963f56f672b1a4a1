import { randomBytes } from 'node:crypto'
import type { HealthReport, InstanceHealth } from '../types/index.js'
import { createEngine } from './cache/create-engine.js'
import type { CacheEngine } from './cache/engine.js'
import { createEmbeddedStore } from './embedded/embedded-store.js'
import type { TiersEmitter } from './events.js'
import { createStraightShelf } from './failover/straight-shelf.js'
import { createRedisStore } from './instances/redis-store.js'
import type { Store, StoreHealth } from './instances/store.js'
import type { Report } from './report.js'
import { createRouter } from './routing/router.js'
import { rawCategory } from './settings/categories.js'
import type { InstanceSettings, Settings } from './settings/settings.js'
import { homedOn, reasonFor, startLines } from './start-lines.js'
import { startWarnings } from './start-warnings.js'
import { createHotStore, type HotStore } from './state/hot-store.js'

/** The tiers once something needs them: stores, engine and hot store. */
export interface OpenTiers {
  readonly engine: CacheEngine
  readonly hot: HotStore
  health(): HealthReport
  /** Connects to every instance and answers the start lines; an instance that is away doesn't fail it. */
  start(): Promise<string[]>
  close(): Promise<void>
}

/** A store that can be opened before its first call. */
type OpenStore = Store & { connect(): Promise<void> }

/** ms that `close` waits for an instance to say goodbye. */
const CLOSE_LIMIT = 2_000

export const openTiers = (
  settings: Settings,
  { report, events }: { report: Report; events: TiersEmitter },
): OpenTiers => {
  const processId = randomBytes(4).toString('hex')
  // While it starts, the start lines say how each instance is.
  let starting = false
  for (const warning of settings.warnings) report.warn(warning)
  const openInstance = (instance: InstanceSettings): OpenStore => {
    const { name, url } = instance
    const { namespace, deadlines, probeEvery, dir } = settings
    let last: StoreHealth['state'] = 'probing'
    const onState = (health: StoreHealth): void => {
      const previous = last
      last = health.state
      if (!starting) say(name, health, previous)
      events.emit('instance:state', describe(instance, health), previous)
    }
    return url === undefined
      ? createEmbeddedStore({ name, dir, namespace, onState })
      : createRedisStore({ name, url, namespace, deadlines, probeEvery, processId, onState })
  }

  const say = (name: string, health: StoreHealth, previous: StoreHealth['state']): void => {
    const { readable, writable, slow, reason } = health
    const trouble = !readable ? 'DOWN' : !writable ? 'refuses writes' : slow === true ? 'slow' : undefined
    if (trouble !== undefined) report.warn(`${name}  ${trouble}  ${reasonFor(name, reason)}`)
    else if (previous !== 'probing') report.info(`${name}  up again`)
  }

  const at = (name: string): OpenStore => {
    const found = stores.get(name)
    if (found === undefined) throw new Error(`no instance '${name}' is configured`)
    return found
  }
  const describe = (
    instance: InstanceSettings,
    { checkedAt: _, slow: __, untried: ___, ...health }: StoreHealth,
  ): InstanceHealth => ({
    ...health,
    name: instance.name,
    categories: homedOn(settings, instance.name),
    standsInFor: [],
    tracking: 'off',
    journal: { entries: 0, bytes: 0 },
  })

  const stores = new Map(settings.instances.map((instance) => [instance.name, openInstance(instance)]))

  return {
    engine: createEngine({
      settings,
      router: createRouter(settings, report.warn),
      shelves: {
        of: (category) => createStraightShelf(category, at(category.instance)),
        older: (name) => createStraightShelf(rawCategory(name), at(name)),
      },
      report,
      now: Date.now,
      random: Math.random,
    }),
    hot: createHotStore(at(settings.state.instance), { ttl: settings.state.ttl, report }),
    health: () => {
      const healths = settings.instances.map((instance) => ({ instance, health: at(instance.name).health() }))
      return {
        status: statusOf(healths.map(({ health }) => health)),
        age: Date.now() - Math.min(...healths.map(({ health }) => health.checkedAt)),
        instances: healths.map(({ instance, health }) => describe(instance, health)),
      }
    },
    start: async () => {
      starting = true
      await Promise.all([...stores.values()].map((store) => store.connect()))
      starting = false
      const healthOf = (name: string): StoreHealth => at(name).health()
      for (const warning of startWarnings(settings, healthOf)) report.warn(warning)
      return startLines(settings, healthOf)
    },
    close: async () => {
      await Promise.all([...stores.values()].map((store) => within(CLOSE_LIMIT, store.close())))
    },
  }
}

/** An instance that was not asked yet speaks against nothing. */
const statusOf = (healths: readonly StoreHealth[]): HealthReport['status'] => {
  const tried = healths.filter(({ untried }) => untried !== true)
  const down = tried.filter(({ readable }) => !readable).length
  if (down === healths.length) return 'outage'
  return down > 0 || tried.some(({ writable }) => !writable) ? 'degraded' : 'ok'
}

const within = (ms: number, work: Promise<void>): Promise<void> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms)
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
