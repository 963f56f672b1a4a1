import type { Redis } from 'ioredis'
import type { StoreHealth } from './store.js'

/** What a server says about itself; each part is undefined where an ACL or a managed service hides it. */
export interface ServerFacts {
  readonly memory?: NonNullable<StoreHealth['memory']>
  readonly server?: NonNullable<StoreHealth['server']>
}

export interface Learned {
  readonly facts: ServerFacts
  /** The largest value it accepts, in bytes, where it says so. */
  readonly maxBulk: number | undefined
}

/** Asks once, in one round trip. Never rejects: a server that hides its facts still serves. */
export const askFacts = async (redis: Redis): Promise<Learned> => {
  const [info, config] = await Promise.allSettled([redis.info(), redis.config('GET', 'proto-max-bulk-len')])
  const maxBulk = config.status === 'fulfilled' && Array.isArray(config.value) ? Number(config.value[1]) : Number.NaN
  return {
    facts: info.status === 'fulfilled' ? parseInfo(info.value) : {},
    maxBulk: maxBulk > 0 ? maxBulk : undefined,
  }
}

/** The parts of an INFO answer we use. */
export const parseInfo = (info: string): ServerFacts => {
  const field = (name: string): string | undefined => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1]
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
