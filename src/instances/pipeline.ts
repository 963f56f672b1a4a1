import type { ChainableCommander, Redis } from 'ioredis'
import { InstanceError, PartlyDone } from './caller.js'
import { faultOf } from './redis-errors.js'

/** One outcome per command of a pipeline, in order. */
export type Outcome = [error: Error | null, reply: unknown]

type Add<T> = (pipeline: ChainableCommander, item: T) => void

/** Many single-key commands in one round trip. */
export const outcomesOf = async <T>(redis: Redis, items: readonly T[], add: Add<T>): Promise<readonly Outcome[]> => {
  const pipeline = redis.pipeline()
  for (const item of items) add(pipeline, item)
  return (await pipeline.exec()) ?? []
}

/** The replies of many single-key commands. Rejects when any of them failed, unless `tolerate` takes the error. */
export const pipelined = async <T>(
  redis: Redis,
  items: readonly T[],
  add: Add<T>,
  tolerate?: (error: Error) => boolean,
): Promise<unknown[]> => repliesOf(await outcomesOf(redis, items, add), tolerate)

/** Throws where any of them failed. */
export const repliesOf = (
  outcomes: readonly Outcome[],
  tolerate: (error: Error) => boolean = () => false,
): unknown[] => {
  const errors: Error[] = []
  const replies = outcomes.map(([error, reply]) => {
    if (error === null) return reply
    if (!tolerate(error)) errors.push(error)
    return undefined
  })
  const first = errors[0]
  if (first === undefined) return replies
  const worst = errors.find((error) => !faultOf(error).harmless) ?? first
  throw errors.length < outcomes.length ? new PartlyDone(worst) : worst
}

/** Where the instance failed all of them, that is the outcome of the whole. */
export const told = (outcomes: readonly Outcome[]): readonly Outcome[] => {
  const errors = outcomes.flatMap(([error]) => (error === null || faultOf(error).about === 'call' ? [] : [error]))
  if (errors.length === outcomes.length) throw errors.find((error) => !faultOf(error).harmless) ?? errors[0]
  return outcomes
}

/** The error of a call of which another part worked, or may have: as a whole it may have been applied. */
export const unsure = (error: unknown): unknown =>
  error instanceof InstanceError && error.applied === 'no'
    ? new InstanceError(error.fault, error.store, 'unknown')
    : error

/** Changes piece by piece, each a round trip of its own. An error after the first of them leaves something applied. */
export const inTurn = async <T, R>(pieces: readonly T[], change: (piece: T) => Promise<R>): Promise<R[]> => {
  const results: R[] = []
  for (const piece of pieces) {
    try {
      results.push(await change(piece))
    } catch (error) {
      throw results.length === 0 ? error : unsure(error)
    }
  }
  return results
}

/** Pieces of at most `size`, so that each can have a deadline of its own. */
export const chunks = <T>(items: readonly T[], size: number): readonly (readonly T[])[] => {
  if (items.length <= size) return items.length === 0 ? [] : [items]
  const pieces: T[][] = []
  for (let from = 0; from < items.length; from += size) pieces.push(items.slice(from, from + size))
  return pieces
}
