import { largestValue } from './category-policy.js'
import type { CategorySettings } from './settings.js'

type Defaults = Omit<CategorySettings, 'name' | 'instance' | 'keyPrefix' | 'enumerable'>

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

const common = {
  jitter: 0,
  negativeTtl: false,
  standInTtl: undefined,
  softTimeout: 0,
  hardTimeout: 10 * second,
  deadline: Object.freeze({}),
  maxBytes: largestValue,
  compressAbove: false,
  codec: 'keyv',
  events: false,
  schema: undefined,
} as const satisfies Partial<Defaults>

const cache: Defaults = {
  ...common,
  ttl: hour,
  grace: false,
  mirror: false,
  onOutage: 'failover',
  l1: 5 * second,
  sensitive: false,
}

const known: ReadonlyMap<string, Defaults> = new Map<string, Defaults>([
  ['auth', { ...cache, ttl: 15 * minute, mirror: true, l1: false, sensitive: true }],
  ['orders', { ...cache, mirror: true, l1: second }],
  ['notifications', { ...cache, ttl: day, sensitive: true }],
  ['analytics', { ...cache, ttl: 7 * day, l1: false }],
  ['user', { ...cache, ttl: 30 * minute, grace: 10 * minute, sensitive: true }],
  ['menu', { ...cache, ttl: 6 * hour, grace: hour, l1: 30 * second }],
  ['ml', { ...cache, ttl: day, grace: day, onOutage: 'drop', l1: minute }],
  ['cache', cache],
])

/** What a category has where its policy says nothing. A name of the app's own has what `cache` has. */
export const defaultsOf = (name: string): Defaults => known.get(name) ?? cache

/** The lists of REDIS_PRIMARY_TYPES and REDIS_SECONDARY_TYPES when unset, and so the known categories' homes. */
export const defaultTypes: ReadonlyMap<string, readonly string[]> = new Map([
  ['primary', ['auth', 'orders', 'notifications', 'analytics']],
  ['secondary', ['user', 'menu', 'ml', 'cache']],
])

/** Where a known category lives unless a list or a policy says otherwise. */
export const defaultHome = (name: string): string | undefined =>
  [...defaultTypes].find(([, types]) => types.includes(name))?.[0]
