import type { HealthReport, InstanceHealth } from '../types/index.js'
import type { Landscape } from './failover/landscape.js'
import type { Recovery } from './failover/recovery/recovery.js'
import type { StoreHealth } from './instances/store.js'
import type { Invalidation } from './invalidation/invalidation.js'
import type { Settings } from './settings/settings.js'
import { homedOn, standInOf } from './start-lines.js'

export interface HealthParts {
  readonly settings: Settings
  readonly landscape: Landscape
  readonly healthOf: (instance: string) => StoreHealth
  readonly progress: Recovery['progress']
  readonly tracking: Invalidation['tracking']
  readonly otherRouting: () => readonly string[]
  readonly now?: () => number
}

/** What is known now, without any I/O. */
export const healthReport = (parts: HealthParts): HealthReport => {
  const { settings, healthOf, now = Date.now } = parts
  const otherRouting = parts.otherRouting()
  const healths = settings.instances.map(({ name }) => ({ name, health: healthOf(name) }))
  return {
    status: statusOf(healths.map(({ health }) => health)),
    age: now() - Math.min(...healths.map(({ health }) => health.checkedAt)),
    instances: healths.map(({ name, health }) => describe(name, health, parts)),
    ...(otherRouting.length > 0 && { otherRouting }),
  }
}

const describe = (
  name: string,
  { checkedAt: _, slow: __, untried: ___, ...health }: StoreHealth,
  { settings, landscape, progress, tracking }: HealthParts,
): InstanceHealth => {
  const { entries, bytes, oldest, aside } = landscape.journal?.stats(name) ?? { entries: 0, bytes: 0, aside: 0 }
  const reason = goingOn(progress(name), health.state) ?? health.reason ?? lacking(name, landscape)
  return {
    ...health,
    ...(reason === undefined ? {} : { reason }),
    name,
    categories: homedOn(settings, name),
    standsInFor: standsInFor(name, settings, landscape),
    tracking: tracking(name),
    journal: { entries, bytes, ...(oldest !== undefined && { oldest }), ...(aside > 0 && { aside }) },
  }
}

/** Recovery, or repair of one that serves meanwhile. */
const goingOn = (progress: ReturnType<Recovery['progress']>, state: StoreHealth['state']): string | undefined => {
  if (progress === undefined) return undefined
  const { step, done, total } = progress
  const what = `${state === 'catching-up' ? 'catching up: ' : 'in the background: '}${step}`
  if (total > 0) return `${what}, ${done} of ${total}`
  return done > 0 ? `${what}, ${done} entries compared` : what
}

const lacking = (name: string, { behind }: Landscape): string | undefined =>
  behind(name) ? 'it came back without all of its kept data, which is read elsewhere until it is repaired' : undefined

/** Categories of instances that can't serve them now, which this one serves. */
const standsInFor = (name: string, settings: Settings, landscape: Landscape): string[] =>
  settings.instances.flatMap(({ name: home }) => {
    const instance = landscape.instances.get(home)
    if (instance === undefined || home === name || (instance.readable() && instance.writable())) return []
    return homedOn(settings, home).filter((each) => {
      const category = settings.categories.get(each)
      return category?.onOutage === 'failover' && standInOf(landscape, home, category.mirror) === name
    })
  })

/** An instance that was not asked yet speaks against nothing. */
const statusOf = (healths: readonly StoreHealth[]): HealthReport['status'] => {
  const tried = healths.filter(({ untried }) => untried !== true)
  const down = tried.filter(({ readable }) => !readable).length
  if (down === healths.length) return 'outage'
  return down > 0 || tried.some(({ writable }) => !writable) ? 'degraded' : 'ok'
}
