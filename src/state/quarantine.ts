import type { Report } from '../report.js'
import { quoted } from './failures.js'

/** Members that can't be read are skipped, never fatal: said once per group and hour, and counted. */
export interface Quarantine {
  note(group: string, key: string): void
  /** How many unreadable members were met since the start. */
  count(): number
}

const QUIET_MS = 3_600_000
/** So many groups are remembered; beyond that the one noted longest ago may be said again. */
const MAX_GROUPS = 1_000

export const createQuarantine = (report: Report, now: () => number): Quarantine => {
  const saidAt = new Map<string, number>()
  let met = 0
  return {
    note(group, key) {
      met += 1
      const last = saidAt.get(group)
      if (last !== undefined && now() - last < QUIET_MS) return
      saidAt.delete(group)
      saidAt.set(group, now())
      const [oldest] = saidAt.keys()
      if (saidAt.size > MAX_GROUPS && oldest !== undefined) saidAt.delete(oldest)
      report.error(
        `state group ${quoted(group)} key ${quoted(key)} isn't JSON: skipped (${met} so far); set or delete it`,
      )
    },
    count: () => met,
  }
}
