import type { StateAdapter } from 'motia'
import type { Report } from '../../report.js'
import { createFailures, type HotPlace } from '../../state/failures.js'
import type { HotStore } from '../../state/hot-store.js'

/** The same symbol in every copy of the package and every evaluation of the config. */
const BRAND = Symbol.for('motia-redis.tiers')

export interface StateAdapterOptions {
  /** Whatever the plugin needs to recognise its own adapter by (see brandOf). */
  readonly brand: object
  readonly report: Report
}

/**
 * Motia's StateAdapter over the hot store. Nothing is opened before the first call, so a config that is evaluated
 * twice is harmless. `open` is called once for all calls; when it rejects, these calls reject with STATE_UNAVAILABLE
 * and the next one asks it again.
 */
export const createStateAdapter = (
  openHot: () => Promise<HotStore>,
  { brand, report }: StateAdapterOptions,
): StateAdapter => {
  const failures = createFailures(report, Date.now)
  let opening: Promise<HotStore> | undefined
  let opened: HotStore | undefined

  const open = async (place: HotPlace): Promise<HotStore> => {
    const current = opening ?? openHot()
    opening = current
    try {
      opened = await current
      return opened
    } catch (error) {
      if (opening === current) opening = undefined
      const reason = error instanceof Error ? error.message : String(error)
      throw failures.refused(place, 'STATE_UNAVAILABLE', `state couldn't be opened: ${reason}`)
    }
  }
  // Once open, no promise comes between Motia and the store.
  const on = <T>(place: HotPlace, use: (hot: HotStore) => Promise<T>): Promise<T> =>
    opened === undefined ? open(place).then(use) : use(opened)

  const adapter: StateAdapter = {
    // T is what the caller says it stored there: Motia's contract, which no adapter can check.
    get: <T>(group: string, key: string) =>
      on({ operation: 'get', group, key }, (hot) => hot.get(group, key) as Promise<T | null>),
    set: (group, key, value) => on({ operation: 'set', group, key }, (hot) => hot.set(group, key, value)),
    delete: <T>(group: string, key: string) =>
      on({ operation: 'delete', group, key }, (hot) => hot.delete(group, key) as Promise<T | null>),
    getGroup: <T>(group: string) =>
      on({ operation: 'getGroup', group }, (hot) => hot.getGroup(group) as Promise<unknown[]> as Promise<T[]>),
    clear: (group) => on({ operation: 'clear', group }, (hot) => hot.clear(group)),
    keys: (group) => on({ operation: 'keys', group }, (hot) => hot.keys(group)),
    traceIds: () => on({ operation: 'traceIds' }, (hot) => hot.traceIds()),
    items: (input) => on({ operation: 'items' }, (hot) => hot.items(input)),
    // Motia never calls it, and the connections aren't the adapter's: the tiers' close() ends them.
    cleanup: async () => {},
  }
  return Object.defineProperty(adapter, BRAND, { value: brand, enumerable: false })
}

/** The brand that createStateAdapter was given, or undefined for anybody else's adapter. */
export const brandOf = (adapter: unknown): unknown =>
  typeof adapter === 'object' && adapter !== null ? (adapter as { [BRAND]?: unknown })[BRAND] : undefined
