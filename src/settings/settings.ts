import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Loader } from '../../types/index.js'
import type { RedisUrl } from './redis-url.js'

/** One instance as configured. Without a URL it is embedded (LMDB). */
export interface InstanceSettings {
  readonly name: string
  readonly url: RedisUrl | undefined
  /** The categories listed for it (REDIS_<NAME>_TYPES), with those of a default instance that isn't configured. */
  readonly types: readonly string[]
}

/** One category with every default applied. Durations are ms; `false` turns a thing off. */
export interface CategorySettings {
  readonly name: string
  /** Its home, by instance name; under strategy `primary` always the first. */
  readonly instance: string
  readonly ttl: number
  /** The share of a ttl by which an entry's life may be shortened at random, 0 to 0.5. */
  readonly jitter: number
  readonly grace: number | false
  readonly negativeTtl: number | false
  readonly mirror: boolean
  readonly onOutage: 'failover' | 'fail-closed' | 'drop'
  readonly standInTtl: number | undefined
  readonly l1: number | false
  readonly softTimeout: number
  readonly hardTimeout: number
  readonly deadline: { readonly read?: number; readonly write?: number }
  readonly maxBytes: number
  readonly compressAbove: number | false
  readonly codec: 'keyv' | 'json'
  /** The literal text before <key> in the Redis key, namespace included. */
  readonly keyPrefix: string
  /** False where the key pattern is '<key>' alone: clear and keys would reach every key of that Redis. */
  readonly enumerable: boolean
  readonly sensitive: boolean
  readonly events: boolean
  readonly schema: StandardSchemaV1 | undefined
}

export type Strategy = 'smart' | 'category' | 'primary'

/** Everything that was configured, validated once, immutable. */
export interface Settings {
  /** Literal prefix of every key of ours; '' or ending in ':', '/' or '.'. */
  readonly namespace: string
  /** In order of configuration; the first is what strategy `primary` uses. Never empty. */
  readonly instances: readonly InstanceSettings[]
  readonly strategy: Strategy
  /** Every listed or declared category, and `cache`. An unlisted one is derived by `unlistedCategory`. */
  readonly categories: ReadonlyMap<string, CategorySettings>
  readonly loaders: ReadonlyMap<string, Loader<unknown>>
  readonly inferCategory: (key: string) => string | undefined
  readonly legacyKeys: boolean
  readonly state: {
    readonly instance: string
    readonly mirror: boolean
    readonly ttl: number | false
    readonly onUnknown: 'error' | 'null'
  }
  /** Absolute path of the embedded store and journal. */
  readonly dir: string
  readonly token: RedisSecret | undefined
  /** MOTIA_REDIS_METRICS=public: the metrics route is for everybody who reaches the server. */
  readonly publicMetrics: boolean
  /** MOTIA_REDIS_PANEL. off: neither the panel nor its routes. read-only: it changes nothing. */
  readonly panel: 'on' | 'off' | 'read-only'
  readonly inject: boolean
  /** Set by MOTIA_REDIS_DEADLINE_READ / _WRITE; undefined = the built-in rule. */
  readonly deadlines: { readonly read: number | undefined; readonly write: number | undefined }
  /** Set by MOTIA_REDIS_PROBE_MS: ms between questions to an idle instance; undefined = the built-in rule. */
  readonly probeEvery: number | undefined
  /** Things to say once at start, at warn level (never a secret). */
  readonly warnings: readonly string[]
}

/** A secret that can't be printed by accident. */
export interface RedisSecret {
  reveal(): string
  toString(): string
  toJSON(): string
}
