import type { Redis } from 'ioredis'
import type { Connection } from './connection.js'
import type { Answer, Memory } from './health-rules.js'
import { watchOwnDelay } from './own-delay.js'
import type { ProbePlan } from './probe-plan.js'
import { type Fault, faultOf } from './redis-errors.js'
import { parseInfo } from './server-facts.js'

/** One round trip of the prober. What wasn't answered in time may still be. */
export interface Question {
  /** The connection it went by. */
  readonly line: Connection
  readonly askedAt: number
  readonly asksWrite: boolean
  /** Undefined: no answer yet. Never 'silent' or 'late': that is for the asker to say. */
  ping: Answer | undefined
  write: Answer | undefined
  memory: Memory | undefined
  /** Resolves when all is answered or the connection is lost. Never rejects. */
  readonly done: Promise<unknown>
}

/**
 * Asks. `tripped` hears how long the answer to PING took, however late it comes; `theirs`: without the time in which this process
 * stood still, for which no server can be called slow.
 */
export const ask = (
  redis: Redis,
  line: Connection,
  plan: ProbePlan,
  key: string,
  tripped: (ms: number, theirs: number) => void,
): Question => {
  const askedAt = performance.now()
  const own = watchOwnDelay()
  const ping = redis
    .ping()
    .then(
      () => {
        question.ping = 'ok'
        const trip = performance.now() - askedAt
        tripped(trip, trip - own.ms())
      },
      (error) => {
        question.ping = faultOf(error)
      },
    )
    .finally(own.end)
  const answers: Promise<void>[] = [ping]
  if (plan.write) {
    // XX on a key that isn't there: the server checks whatever it checks of a write, and stores nothing.
    const write = redis.set(key, '1', 'PX', 1_000, 'XX').then(
      () => {
        question.write = 'ok'
      },
      (error) => {
        question.write = faultOf(error)
      },
    )
    answers.push(write)
  }
  if (plan.memory) {
    const info = redis.info('memory').then(
      (text) => {
        question.memory = parseInfo(text).memory
      },
      () => undefined, // an ACL may hide it; what else may be wrong, PING says
    )
    answers.push(info)
  }
  const question: Question = {
    line,
    askedAt,
    asksWrite: plan.write,
    ping: undefined,
    write: undefined,
    memory: undefined,
    done: Promise.all(answers),
  }
  return question
}

/** Not the server's word, but the end of the connection: it says nothing yet about the instance. */
export const lostOf = ({ ping, write }: Question): Fault | undefined =>
  [ping, write].find((answer): answer is Fault => typeof answer === 'object' && answer.code === undefined)
