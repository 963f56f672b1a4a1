import { redisTiers } from '../../src/index.ts'
import type { RedisTiers } from '../../types/index.ts'
import { scopeOf } from './history.ts'

/** The instances of every chaos test, and what is homed on them. */
export type InstanceName = 'primary' | 'secondary'

/**
 * Where the keys of a scope lie. cached: may be absent. kept: mirrored. state: groups, mirrored. counter: increments of
 * a cached category; tally: of a mirrored one. fill: written by getOrSet only. fresh: of a cached category, written only
 * once all is well, from when on a miss would be wrong.
 */
export interface Place {
  readonly kind: 'cached' | 'kept' | 'state' | 'counter' | 'tally' | 'fill' | 'fresh'
  readonly home: InstanceName
  /** The category, or the group. */
  readonly name: string
}

export const places: Readonly<Record<string, Place>> = {
  analytics: { kind: 'cached', home: 'primary', name: 'analytics' },
  notifications: { kind: 'cached', home: 'primary', name: 'notifications' },
  menu: { kind: 'cached', home: 'secondary', name: 'menu' },
  orders: { kind: 'kept', home: 'primary', name: 'orders' },
  baskets: { kind: 'kept', home: 'secondary', name: 'baskets' },
  flow: { kind: 'state', home: 'primary', name: 'flow' },
  wiped: { kind: 'state', home: 'primary', name: 'wiped' },
  visits: { kind: 'counter', home: 'primary', name: 'analytics' },
  views: { kind: 'counter', home: 'secondary', name: 'menu' },
  sales: { kind: 'tally', home: 'primary', name: 'orders' },
  fillings: { kind: 'tally', home: 'secondary', name: 'baskets' },
  fills: { kind: 'fill', home: 'primary', name: 'analytics' },
  'fresh-analytics': { kind: 'fresh', home: 'primary', name: 'analytics' },
  'fresh-notifications': { kind: 'fresh', home: 'primary', name: 'notifications' },
  'fresh-menu': { kind: 'fresh', home: 'secondary', name: 'menu' },
  'fresh-orders': { kind: 'fresh', home: 'primary', name: 'orders' },
  'fresh-baskets': { kind: 'fresh', home: 'secondary', name: 'baskets' },
}

export const placeOf = (key: string): Place => {
  const place = places[scopeOf(key)]
  if (place === undefined) throw new Error(`no place for ${key}`)
  return place
}

export const isKept = (scope: string): boolean => {
  const kind = places[scope]?.kind
  return kind === 'kept' || kind === 'state' || kind === 'fresh'
}

/** Increments, of a mirrored category. */
export const isKeptCounter = (scope: string): boolean => places[scope]?.kind === 'tally'

/** Increments only. */
export const isCounter = (scope: string): boolean => {
  const kind = places[scope]?.kind
  return kind === 'counter' || kind === 'tally'
}

export const scopesOf = (...kinds: readonly Place['kind'][]): string[] =>
  Object.entries(places).flatMap(([scope, { kind }]) => (kinds.includes(kind) ? [scope] : []))

/** What the first keys of each scope bear, whoever writes them; the others travel without tags. */
export const tagOf = (key: string): string | undefined => {
  const scope = scopeOf(key)
  const tagged = ['cached', 'kept'].includes(places[scope]?.kind ?? '') && /\/k[01]$/.test(key)
  return tagged ? `of-${scope}` : undefined
}

/** Several scopes share a category, so the scope is part of the key. */
export const cacheKey = (key: string): string => key.replace('/', '.')
/** Groups hold one scope. */
export const itemKey = (key: string): string => key.slice(key.indexOf('/') + 1)

/** '<key>|<id>', perhaps with ballast behind: what tells which write a value came from. */
export const identity = (value: unknown): string =>
  typeof value === 'string' ? value.split('|', 2).join('|') : JSON.stringify(value)

export interface ChaosOptions {
  readonly primary: string
  readonly secondary: string
  readonly dir: string
  readonly env?: Readonly<Record<string, string>>
}

/** With the types of an app that declares no categories: here they are names. */
export const openTiers = ({ primary, secondary, dir, env }: ChaosOptions): RedisTiers => {
  // What lies at home in the end is read past our code: an entry that has expired lies there for its grace.
  const categories: object = { baskets: { mirror: true, instance: 'secondary' }, menu: { grace: false } }
  return redisTiers({
    env: { REDIS_PRIMARY_URL: primary, REDIS_SECONDARY_URL: secondary, MOTIA_REDIS_DIR: dir, ...env },
    categories,
  })
}
