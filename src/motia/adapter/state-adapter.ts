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
  open: () => Promise<HotStore>,
  { brand, report }: StateAdapterOptions,
): StateAdapter => {
  const failures = createFailures(report, Date.now)
  let opening: Promise<HotStore> | undefined

  const hot = async (place: HotPlace): Promise<HotStore> => {
    const current = opening ?? open()
    opening = current
    try {
      return await current
    } catch (error) {
      if (opening === current) opening = undefined
      const reason = error instanceof Error ? error.message : String(error)
      throw failures.refused(place, 'STATE_UNAVAILABLE', `state couldn't be opened: ${reason}`)
    }
  }

  const adapter: StateAdapter = {
    // T is what the caller says it stored there: Motia's contract, which no adapter can check.
    async get<T>(group: string, key: string) {
      return (await (await hot({ operation: 'get', group, key })).get(group, key)) as T | null
    },
    async set<T>(group: string, key: string, value: T) {
      return (await hot({ operation: 'set', group, key })).set(group, key, value)
    },
    async delete<T>(group: string, key: string) {
      return (await (await hot({ operation: 'delete', group, key })).delete(group, key)) as T | null
    },
    async getGroup<T>(group: string) {
      return (await (await hot({ operation: 'getGroup', group })).getGroup(group)) as T[]
    },
    async clear(group) {
      return (await hot({ operation: 'clear', group })).clear(group)
    },
    async keys(group) {
      return (await hot({ operation: 'keys', group })).keys(group)
    },
    async traceIds() {
      return (await hot({ operation: 'traceIds' })).traceIds()
    },
    async items(input) {
      return (await hot({ operation: 'items' })).items(input)
    },
    // Motia never calls it, and the connections aren't the adapter's: the tiers' close() ends them.
    async cleanup() {},
  }
  return Object.defineProperty(adapter, BRAND, { value: brand, enumerable: false })
}

/** The brand that createStateAdapter was given, or undefined for anybody else's adapter. */
export const brandOf = (adapter: unknown): unknown =>
  typeof adapter === 'object' && adapter !== null ? (adapter as { [BRAND]?: unknown })[BRAND] : undefined
