import type { Redis } from 'ioredis'
import type { Caller } from './caller.js'
import type { Connection } from './connection.js'
import { outcomesOf, pipelined } from './pipeline.js'
import { type Fault, faultOf } from './redis-errors.js'
import type { StoreError } from './store.js'

/** More keys in one MGET gain nothing and make the server's other clients wait. */
const MAX_BATCH = 128

/** What one read of several came to. */
type Got = string | null | Fault

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
  let apart = false // MGET itself is refused: by a cluster, by a proxy before one, or by the user's rights

  const send = (redis: Redis, keys: string[]): Promise<readonly Got[]> => {
    if (apart) return getApart(redis, keys)
    return redis.mget(keys).catch(async (error) => {
      const { code } = faultOf(error)
      if (code !== 'CROSSSLOT' && code !== 'NOPERM') throw error
      // One key that the user has no right to must not cost the other reads of its tick their answers.
      const got = await getApart(redis, keys)
      apart = !got.some(isRefused)
      return got
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
      (got) => {
        for (let i = 0; i < keys.length; i++) {
          const text = got[i] ?? undefined
          if (typeof text === 'object') {
            rejects[i]?.(caller.refuse('refused', text.text))
            continue
          }
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

const isRefused = (got: Got): boolean => typeof got === 'object' && got !== null

/** Each read with an outcome of its own. What says something about the instance is the outcome of all. */
const getApart = async (redis: Redis, keys: readonly string[]): Promise<readonly Got[]> => {
  const outcomes = await outcomesOf(redis, keys, (pipeline, key) => pipeline.get(key))
  return outcomes.map(([error, reply]) => {
    if (error === null) return typeof reply === 'string' ? reply : null
    if (isForeign(error)) return null
    const fault = faultOf(error)
    if (fault.about !== 'call') throw error
    return fault
  })
}

export const pipelinedGets = async (redis: Redis, keys: readonly string[]): Promise<(string | null)[]> => {
  const replies = await pipelined(redis, keys, (pipeline, key) => pipeline.get(key), isForeign)
  return replies.map((reply) => (typeof reply === 'string' ? reply : null))
}
