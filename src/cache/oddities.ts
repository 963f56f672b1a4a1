import type { Report } from '../report.js'
import type { CategorySettings } from '../settings/settings.js'

/** Stored data that can't be used. It counts as a miss and stays where it is; here it is said, seldom. */
export interface Oddities {
  /** Not an entry of any known shape. Said once per category and hour, with the number so far. */
  unreadable(category: CategorySettings, why: string): void
  /** Readable, but not what the schema allows. Said once per category. */
  mismatch(category: CategorySettings, path: string): void
  /** A ttl that was probably meant in seconds. Said once per category. */
  shortTtl(category: CategorySettings, ttl: number): void
}

const HOUR = 3_600_000

export const createOddities = (report: Report, now: () => number): Oddities => {
  const unreadable = new Map<string, { count: number; said: number }>()
  const mismatched = new Set<string>()
  const short = new Set<string>()

  return {
    unreadable: ({ name, instance, keyPrefix }, why) => {
      const seen = unreadable.get(name) ?? { count: 0, said: Number.NEGATIVE_INFINITY }
      unreadable.set(name, seen)
      seen.count++
      if (now() - seen.said < HOUR) return
      seen.said = now()
      report.warn(
        `category ${name}: unreadable data under '${keyPrefix}' on ${instance} (${why}), ${seen.count} so far; ` +
          'it counts as a miss and is left in place',
      )
    },
    mismatch: ({ name }, path) => {
      if (mismatched.has(name)) return
      mismatched.add(name)
      report.warn(
        `category ${name}: a stored entry doesn't match the schema: ${path}; such entries count as misses (said once)`,
      )
    },
    shortTtl: ({ name }, ttl) => {
      if (short.has(name)) return
      short.add(name)
      report.warn(`category ${name}: a ttl of ${ttl} is ${ttl} milliseconds; for seconds write '${ttl}s' (said once)`)
    },
  }
}
