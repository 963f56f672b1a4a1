import type { Redis } from 'ioredis'
import { getOne } from './batch-reader.js'
import { type Caller, InstanceError } from './caller.js'
import type { Connection } from './connection.js'
import { callingProcess } from './connection-name.js'
import type { Identity, Instance } from './instance.js'
import type { Layout } from './layout.js'
import { faultOf } from './redis-errors.js'
import { infoField } from './server-facts.js'

interface ReturnOptions {
  readonly caller: Caller
  readonly data: Connection
  /** The client of the connection for large values, if there is one. */
  readonly large: () => Redis | undefined
  readonly layout: Layout
  readonly processId: string
  readonly namespace: string
  /** Number of the database. */
  readonly db: number
  /** ms that each may take. */
  readonly limit: () => number
}

/** What has to be known and done when an instance returns, before anything is brought to it. */
export const createReturn = (options: ReturnOptions): Pick<Instance, 'identity' | 'plant' | 'fence'> => {
  const { caller, data, large, layout, processId, namespace, db, limit } = options

  /** Answered after everything that was sent there before. */
  const idOf = async (redis: Redis | undefined): Promise<string | undefined> =>
    redis?.status === 'ready' ? String(await redis.client('ID')) : undefined

  const endOthers = async (redis: Redis, isLive: (id: string) => boolean): Promise<void> => {
    const list = String(await redis.call('CLIENT', 'LIST', 'TYPE', 'normal'))
    // Asked afterwards: one that was replaced in between is an earlier one.
    const ours = await Promise.all([idOf(redis), idOf(large())])
    const doomed = dataConnections(list, namespace).filter((each) =>
      each.process === processId ? !ours.includes(each.id) : each.db === db && !isLive(each.process),
    )
    await Promise.all(doomed.map(({ id }) => redis.client('KILL', 'ID', id)))
  }

  return {
    identity: async () => {
      const [info, sentinel] = await caller.call(data, 'read', limit(), (redis) =>
        Promise.all([infoOf(redis), getOne(redis, layout.sentinel)]),
      )
      return identityIn(info, sentinel ?? undefined)
    },

    plant: async (sentinel) => {
      await caller.call(data, 'write', limit(), (redis) => redis.set(layout.sentinel, sentinel))
    },

    fence: async (isLive) => {
      try {
        await caller.call(data, 'read', limit(), (redis) => endOthers(redis, isLive))
        return 'fenced'
      } catch (error) {
        // By the rights of its user, or because a managed service doesn't have these commands.
        if (error instanceof InstanceError && error.kind === 'refused') return 'denied'
        throw error
      }
    },
  }
}

/** What INFO says, which is '' where it is hidden, and what lies at the sentinel's key. */
export const identityIn = (info: string, sentinel: string | undefined): Identity => {
  const field = (name: string): string | undefined => infoField(info, name)
  const former = field('master_replid2')
  const uptime = Number(field('uptime_in_seconds') ?? Number.NaN) * 1_000
  return {
    runId: field('run_id'),
    uptime: Number.isNaN(uptime) ? undefined : uptime,
    replication: field('master_replid'),
    formerReplication: former === undefined || /^0*$/.test(former) ? undefined : former,
    appendOnly: field('aof_enabled') === '1',
    sentinel,
  }
}

/** Nothing where it is hidden. */
const infoOf = (redis: Redis): Promise<string> =>
  redis.info().catch((error) => {
    if (faultOf(error).about === 'call') return ''
    throw error
  })

interface DataConnection {
  readonly id: string
  readonly process: string
  readonly db: number
}

/** Those of a CLIENT LIST that carry calls of motia-redis. */
const dataConnections = (list: string, namespace: string): DataConnection[] =>
  list.split('\n').flatMap((line) => {
    const field = (name: string): string => new RegExp(`(?:^| )${name}=(\\S*)`).exec(line)?.[1] ?? ''
    const process = callingProcess(field('name'), namespace)
    return process === undefined ? [] : [{ id: field('id'), process, db: Number(field('db')) }]
  })
