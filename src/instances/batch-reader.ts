import type { Redis } from 'ioredis'
import type { Caller } from './caller.js'
import type { Connection } from './connection.js'
import { pipelined } from './pipeline.js'
import { faultOf } from './redis-errors.js'
import type { StoreError } from './store.js'

/** More keys in one MGET gain nothing and make the server's other clients wait. */
const MAX_BATCH = 128

interface Batch {
  readonly keys: string[]
  readonly resolves: ((text: string | undefined) => void)[]
  readonly rejects: ((error: StoreError) => void)[]
}

/**
 * Single reads asked for in one tick of the event loop travel as one MGET with one deadline. `seen` hears of every
 * value, so that large ones can be read elsewhere from then on.
 */
export const createBatchReader = (
  caller: Caller,
  connection: Connection,
  seen: (key: string, text: string) => void,
): ((key: string) => Promise<string | undefined>) => {
  let open: Batch | undefined
  let slots = false // it is a cluster or behind a proxy that refuses keys of several slots

  const send = (redis: Redis, keys: string[]): Promise<(string | null)[]> => {
    if (slots) return pipelinedGets(redis, keys)
    return redis.mget(keys).catch((error) => {
      if (faultOf(error).code !== 'CROSSSLOT') throw error
      slots = true
      return pipelinedGets(redis, keys)
    })
  }

  const flush = (batch: Batch): void => {
    if (open === batch) open = undefined
    const { keys, resolves, rejects } = batch
    const only = keys[0]
    if (keys.length === 1 && only !== undefined) {
      caller.run(
        connection,
        'read',
        undefined,
        (redis) => redis.get(only),
        (text) => {
          if (text !== null) seen(only, text)
          resolves[0]?.(text ?? undefined)
        },
        (error) => {
          if (error.fault.code === 'WRONGTYPE') resolves[0]?.(undefined)
          else rejects[0]?.(error)
        },
      )
      return
    }
    caller.run(
      connection,
      'read',
      undefined,
      (redis) => send(redis, keys),
      (texts) => {
        for (let i = 0; i < keys.length; i++) {
          const text = texts[i] ?? undefined
          if (text !== undefined) seen(keys[i] as string, text)
          resolves[i]?.(text)
        }
      },
      (error) => {
        for (const reject of rejects) reject(error)
      },
    )
  }

  return (key) =>
    new Promise((resolve, reject) => {
      let batch = open
      if (batch === undefined) {
        const fresh: Batch = { keys: [], resolves: [], rejects: [] }
        open = batch = fresh
        // After everything that is ready to run now, before any more I/O.
        process.nextTick(() => {
          if (fresh.keys.length < MAX_BATCH) flush(fresh)
        })
      }
      batch.resolves.push(resolve)
      batch.rejects.push(reject)
      if (batch.keys.push(key) === MAX_BATCH) flush(batch)
    })
}

/** Another type of data at the key reads as nothing. */
export const getOne = (redis: Redis, key: string): Promise<string | null> =>
  redis.get(key).catch((error) => {
    if (isForeign(error)) return null
    throw error
  })

const isForeign = (error: unknown): boolean => faultOf(error).code === 'WRONGTYPE'

export const pipelinedGets = async (redis: Redis, keys: readonly string[]): Promise<(string | null)[]> => {
  const replies = await pipelined(redis, keys, (pipeline, key) => pipeline.get(key), isForeign)
  return replies.map((reply) => (typeof reply === 'string' ? reply : null))
}
