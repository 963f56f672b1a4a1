import type { ChainableCommander, Redis } from 'ioredis'
import type { Caller } from './caller.js'
import type { Connection } from './connection.js'
import { gather } from './gather.js'
import { outcomesOf, pipelined } from './pipeline.js'
import { type Fault, faultOf } from './redis-errors.js'
import type { StoreError } from './store.js'

/** More values in one command gain nothing and make the server's other clients wait. */
const MOST = 128
const LEAST = 8
/** Characters that one answer should hold: while the first of several is read here, the server makes the next. */
const WANTED = 192 * 1024

/** What one read of several came to. */
type Got = string | null | Fault

/** How texts are asked for. Another type of data reads as nothing. */
export interface Reads<A> {
  /** By the plainest command there is. */
  one(redis: Redis, ask: A): Promise<string | null>
  /** All by one command; in the order asked. */
  many(redis: Redis, asks: readonly A[]): Promise<readonly (string | null)[]>
  add(pipeline: ChainableCommander, ask: A): unknown
  /** Hears of every text, so that large ones can be read elsewhere from then on. */
  seen(ask: A, text: string): void
}

interface Waiting<A> {
  readonly ask: A
  readonly resolve: (text: string | undefined) => void
  readonly reject: (error: StoreError) => void
}

/** Single reads asked for in one tick of the event loop travel as one command with one deadline. */
export const createBatchReader = <A>(
  caller: Caller,
  connection: Connection,
  reads: Reads<A>,
): ((ask: A) => Promise<string | undefined>) => {
  let most = MOST
  let apart = false // the command itself is refused: by a cluster, by a proxy before one, or by the user's rights

  const getMany = (redis: Redis, asks: readonly A[]): Promise<readonly Got[]> => {
    if (apart) return getApart(redis, asks, reads)
    return reads.many(redis, asks).catch(async (error) => {
      const { code } = faultOf(error)
      if (code === 'WRONGTYPE') return getApart(redis, asks, reads)
      if (code !== 'CROSSSLOT' && code !== 'NOPERM') throw error
      // One key that the user has no right to must not cost the other reads of its tick their answers.
      const got = await getApart(redis, asks, reads)
      apart = !got.some(isRefused)
      return got
    })
  }

  const answer = ({ ask, resolve, reject }: Waiting<A>, got: Got | undefined): number => {
    if (got === null || got === undefined) {
      resolve(undefined)
      return 0
    }
    if (typeof got === 'object') {
      reject(caller.refuse('refused', got.text))
      return 0
    }
    reads.seen(ask, got)
    resolve(got)
    return got.length
  }

  const readOne = (only: Waiting<A>): void =>
    caller.run(
      connection,
      'read',
      undefined,
      (redis) => reads.one(redis, only.ask),
      (text) => answer(only, text),
      (error) => {
        if (error.fault.code === 'WRONGTYPE') only.resolve(undefined)
        else only.reject(error)
      },
    )

  const readMany = (waiting: readonly Waiting<A>[]): void =>
    caller.run(
      connection,
      'read',
      undefined,
      (redis) =>
        getMany(
          redis,
          waiting.map(({ ask }) => ask),
        ),
      (got) => {
        let length = 0
        for (let i = 0; i < waiting.length; i++) length += answer(waiting[i] as Waiting<A>, got[i])
        most = Math.max(LEAST, Math.min(MOST, Math.ceil((WANTED * waiting.length) / Math.max(1, length))))
      },
      (error) => {
        for (const { reject } of waiting) reject(error)
      },
    )

  const gathering = gather<Waiting<A>>(
    () => most,
    (waiting) => {
      const only = waiting[0]
      if (waiting.length === 1 && only !== undefined) readOne(only)
      else readMany(waiting)
    },
  )
  return (ask) => new Promise((resolve, reject) => gathering.add({ ask, resolve, reject }))
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
const getApart = async <A>(redis: Redis, asks: readonly A[], reads: Reads<A>): Promise<readonly Got[]> => {
  const outcomes = await outcomesOf(redis, asks, reads.add)
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
