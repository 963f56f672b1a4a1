import type { Redis } from 'ioredis'
import { faultOf } from './redis-errors.js'
import type { StoreHealth } from './store.js'

/** What a server says about itself; each part is undefined where an ACL or a managed service hides it. */
export interface ServerFacts {
  readonly memory?: NonNullable<StoreHealth['memory']>
  readonly server?: NonNullable<StoreHealth['server']>
}

export interface Learned {
  readonly facts: ServerFacts
  /** Its answer to INFO; '' where that is hidden. Undefined: it didn't come, because the connection was lost. */
  readonly info: string | undefined
  /** The largest value it accepts, in bytes, where it says so. */
  readonly maxBulk: number | undefined
  /** ms of this round trip; undefined if the connection was lost on the way. */
  readonly trip: number | undefined
  /** Its user may not ask for INFO. */
  readonly hidden: boolean
}

/** Asks once, in one round trip. Never rejects: a server that hides its facts still serves. */
export const askFacts = async (redis: Redis): Promise<Learned> => {
  const asked = performance.now()
  const [info, config] = await Promise.allSettled([redis.info(), redis.config('GET', 'proto-max-bulk-len')])
  const trip = performance.now() - asked
  const refusal = info.status === 'rejected' ? faultOf(info.reason).code : undefined
  const maxBulk = config.status === 'fulfilled' && Array.isArray(config.value) ? Number(config.value[1]) : Number.NaN
  return {
    facts: info.status === 'fulfilled' ? parseInfo(info.value) : {},
    info: info.status === 'fulfilled' ? info.value : refusal === undefined ? undefined : '',
    maxBulk: maxBulk > 0 ? maxBulk : undefined,
    trip: info.status === 'fulfilled' || refusal !== undefined ? trip : undefined,
    hidden: refusal === 'NOPERM',
  }
}

export const infoField = (info: string, name: string): string | undefined =>
  new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1]

/** The parts of an INFO answer we use. */
export const parseInfo = (info: string): ServerFacts => {
  const field = (name: string): string | undefined => infoField(info, name)
  const version = field('valkey_version') ?? field('redis_version')
  const runId = field('run_id')
  const role = field('role')
  const used = Number(field('used_memory') ?? Number.NaN)
  const max = Number(field('maxmemory') ?? Number.NaN)
  const policy = field('maxmemory_policy')
  return {
    ...(version !== undefined && runId !== undefined && role !== undefined ? { server: { version, runId, role } } : {}),
    ...(used >= 0 && max >= 0 && policy !== undefined ? { memory: { used, max, policy } } : {}),
  }
}
