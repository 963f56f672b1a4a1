import { LRUCache } from 'lru-cache'
import { isCacheError } from '../errors.js'
import type { Corruption } from '../metrics/category-meter.js'
import type { Report } from '../report.js'
import type { CategorySettings } from '../settings/settings.js'

/** What is wrong with stored data, options or loaders but fails no call of its own, or only one of many: said, seldom. */
export interface Oddities {
  /** Not an entry of any known shape. Said once per category and hour, with the number so far. */
  unreadable(category: CategorySettings, why: string): void
  /** Readable, but not what the schema allows. Said once per category. */
  mismatch(category: CategorySettings, path: string): void
  /** A ttl that was probably meant in seconds. Said once per category. */
  shortTtl(category: CategorySettings, ttl: number): void
  /** A stale value is answered, because renewing it failed. Said once per category and minute, in the same words. */
  renewalFailed(category: CategorySettings, cause: unknown): void
  /** A lease was not released: it ends by itself. Said once per category and minute. */
  releaseFailed(category: CategorySettings, cause: unknown): void
  /**
   * A loader failed, or what it made is refused. Said once until it works again: what kind of error and where, not its
   * text, which may hold anything.
   */
  loaderFailed(category: CategorySettings, cause: unknown): void
  loaderWorked(category: CategorySettings): void
}

const MINUTE = 60_000
const HOUR = 60 * MINUTE

/** A loader that worked for so long without failing works again. */
const CALM = 10_000

/** Names come from callers, so of the categories that were said something of only the latest are remembered. */
const MOST_REMEMBERED = 1_000

const remembering = <T extends object | true>() => new LRUCache<string, T>({ max: MOST_REMEMBERED })

interface Seen {
  count: number
  said: number
}

/** `corrupt`: told of each, however seldom it is said. */
export const createOddities = (
  report: Report,
  now: () => number,
  corrupt: (category: string, why: Corruption) => void = () => undefined,
): Oddities => {
  const unreadable = remembering<Seen>()
  const failedRenewals = remembering<Seen>()
  const failedReleases = remembering<Seen>()
  const failing = remembering<{ count: number; last: number }>()
  const mismatched = remembering<true>()
  const short = remembering<true>()

  /** Counts; the number so far where it is time to say it again. */
  const countIn = (all: LRUCache<string, Seen>, name: string, every: number): number | undefined => {
    const seen = all.get(name) ?? { count: 0, said: Number.NEGATIVE_INFINITY }
    all.set(name, seen)
    seen.count++
    if (now() - seen.said < every) return undefined
    seen.said = now()
    return seen.count
  }

  return {
    unreadable: ({ name, instance, keyPrefix }, why) => {
      corrupt(name, 'unreadable')
      const count = countIn(unreadable, name, HOUR)
      if (count === undefined) return
      report.warn(
        `category ${name}: unreadable data under '${keyPrefix}' on ${instance} (${why}), ${count} so far; ` +
          'it counts as a miss and is left in place',
      )
    },
    loaderFailed: ({ name }, cause) => {
      const known = failing.get(name)
      if (known === undefined) report.error(`category ${name}: its loader fails (${describe(cause)}); see error.cause`)
      failing.set(name, { count: (known?.count ?? 0) + 1, last: now() })
    },
    loaderWorked: ({ name }) => {
      const known = failing.get(name)
      // One key that can't be loaded, among others that can, is not to be said again and again.
      if (known === undefined || now() - known.last < CALM) return
      failing.delete(name)
      report.info(`category ${name}: its loader works again, after ${known.count} failures`)
    },
    renewalFailed: ({ name }, cause) => {
      const count = countIn(failedRenewals, name, MINUTE)
      if (count !== undefined)
        report.warn(
          `category ${name}: renewing a stale value failed (${describe(cause)}), ${count} so far; it is answered meanwhile`,
        )
    },
    releaseFailed: ({ name }, cause) => {
      const count = countIn(failedReleases, name, MINUTE)
      if (count !== undefined)
        report.warn(
          `category ${name}: a lease was not released (${describe(cause)}), ${count} so far; it ends by itself`,
        )
    },
    mismatch: ({ name }, path) => {
      corrupt(name, 'schema')
      if (mismatched.has(name)) return
      mismatched.set(name, true)
      report.warn(
        `category ${name}: a stored entry doesn't match the schema: ${path}; such entries count as misses (said once)`,
      )
    },
    shortTtl: ({ name }, ttl) => {
      if (short.has(name)) return
      short.set(name, true)
      report.warn(`category ${name}: a ttl of ${ttl} is ${ttl} milliseconds; for seconds write '${ttl}s' (said once)`)
    },
  }
}

const describe = (cause: unknown): string => {
  // Our own errors hold no value, and say more than where they were made.
  if (isCacheError(cause)) return `${cause.code}: ${cause.message}`
  if (!(cause instanceof Error)) return `it threw a value of type ${typeof cause}`
  const frame = /\n\s+(at .+)/.exec(cause.stack ?? '')?.[1]
  return frame === undefined ? cause.name : `${cause.name} ${frame}`
}
