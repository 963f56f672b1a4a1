import { randomBytes } from 'node:crypto'
import type { HealthReport, InstanceHealth } from '../types/index.js'
import { createEngine } from './cache/create-engine.js'
import type { CacheEngine } from './cache/engine.js'
import { createEmbeddedStore } from './embedded/embedded-store.js'
import type { TiersEmitter } from './events.js'
import { createRedisStore, type RedisStore } from './instances/redis-store.js'
import type { Store, StoreHealth } from './instances/store.js'
import type { Report } from './report.js'
import { createRouter } from './routing/router.js'
import type { InstanceSettings, Settings } from './settings/settings.js'
import { homedOn, startLines } from './start-lines.js'
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

export const openTiers = (
  settings: Settings,
  { report, events }: { report: Report; events: TiersEmitter },
): OpenTiers => {
  const processId = randomBytes(4).toString('hex')
  let started = false
  const stores = new Map<string, { readonly store: Store; readonly connect: () => Promise<void> }>()
  for (const instance of settings.instances) {
    stores.set(instance.name, openInstance(instance))
  }

  function openInstance(instance: InstanceSettings) {
    const { name, url } = instance
    const { namespace, deadlines, dir } = settings
    if (url === undefined) {
      return { store: createEmbeddedStore({ name, dir, namespace }), connect: async () => {} }
    }
    let last: StoreHealth['state'] = 'probing'
    const store: RedisStore = createRedisStore({
      name,
      url,
      namespace,
      deadlines,
      processId,
      onState: (health) => {
        const previous = last
        last = health.state
        // Until then the start lines say it.
        if (started) say(name, health)
        events.emit('instance:state', describe(instance, health), previous)
      },
    })
    return { store, connect: store.connect }
  }

  const say = (name: string, { state, writable, reason }: StoreHealth): void => {
    if (state === 'up' && writable) report.info(`${name}  up again`)
    else report.warn(`${name}  ${state === 'up' ? 'refuses writes' : 'DOWN'}  ${reason ?? 'no answer'}`)
  }

  const at = (name: string): Store => {
    const found = stores.get(name)
    if (found === undefined) throw new Error(`no instance '${name}' is configured`)
    return found.store
  }
  const describe = (instance: InstanceSettings, health: StoreHealth): InstanceHealth => ({
    ...health,
    name: instance.name,
    categories: homedOn(settings, instance.name),
    standsInFor: [],
    tracking: 'off',
    journal: { entries: 0, bytes: 0 },
  })

  return {
    engine: createEngine({
      settings,
      router: createRouter(settings, report.warn),
      stores: at,
      report,
      now: Date.now,
      random: Math.random,
    }),
    hot: createHotStore(at(settings.state.instance), { ttl: settings.state.ttl, report }),
    health: () => {
      const healths = settings.instances.map((instance) => ({ instance, health: at(instance.name).health() }))
      const serving = healths.filter(({ health }) => health.readable).length
      return {
        status: serving === healths.length ? 'ok' : serving > 0 ? 'degraded' : 'outage',
        age: Date.now() - Math.min(...healths.map(({ health }) => health.checkedAt)),
        instances: healths.map(({ instance, health }) => describe(instance, health)),
      }
    },
    start: async () => {
      for (const warning of settings.warnings) report.warn(warning)
      await Promise.all([...stores.values()].map(({ connect }) => connect()))
      started = true
      const healthOf = (name: string): StoreHealth => at(name).health()
      for (const fault of sameServers(settings, healthOf)) report.error(fault)
      return startLines(settings, healthOf)
    },
    close: async () => {
      await Promise.all([...stores.values()].map(({ store }) => store.close()))
    },
  }
}

/** Two instances that are one server would fail together, and one would evict the other's data. */
const sameServers = (settings: Settings, healthOf: (name: string) => StoreHealth): string[] => {
  const names = new Map<string, string>()
  const faults: string[] = []
  for (const { name } of settings.instances) {
    const runId = healthOf(name).server?.runId
    if (runId === undefined) continue
    const other = names.get(runId)
    if (other === undefined) names.set(runId, name)
    else
      faults.push(
        `${other} and ${name} are the same Redis server: give REDIS_${name.toUpperCase()}_URL another one, or leave it out`,
      )
  }
  return faults
}
