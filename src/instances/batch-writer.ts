import type { Redis } from 'ioredis'
import type { Caller } from './caller.js'
import { sendCommand } from './command.js'
import type { Connection } from './connection.js'
import { gather } from './gather.js'
import { lifeUntil } from './life.js'
import { type Outcome, outcomesOf, told } from './pipeline.js'
import { faultOf } from './redis-errors.js'
import type { StoreError } from './store.js'

/** More writes in one script would make the server's other clients wait. */
const MOST = 64
/** Characters. A longer text costs more as a script's argument than a command of its own does. */
const MOST_TEXT = 512

export const isShort = (text: string): boolean => text.length <= MOST_TEXT

interface ShortWrite {
  readonly key: string
  readonly text: string
  readonly endsAt: number
  readonly timeout: number | undefined
  readonly resolve: () => void
  readonly reject: (error: StoreError) => void
}

/**
 * KEYS: entries. ARGV: text and life in ms of each. Sent as it is, which its shortness allows: a server that had to be
 * given it first would do what is asked for later before it.
 */
const WRITE = "for i = 1, #KEYS do redis.call('SET', KEYS[i], ARGV[i * 2 - 1], 'PX', ARGV[i * 2]) end return 1"

/**
 * Short texts written in one tick of the event loop travel as one script with one deadline: it happens as a whole or
 * not at all, and costs half of what as many commands do. A lone one is a plain SET.
 */
export const createBatchWriter = (caller: Caller, connection: Connection): ((write: ShortWrite) => void) => {
  let apart = false // scripts over several keys are refused: by a cluster, by a proxy before one, or by the user's rights
  let timeout: number | undefined

  const setApart = async (redis: Redis, writes: readonly ShortWrite[]): Promise<readonly Outcome[]> =>
    told(
      await outcomesOf(redis, writes, (pipeline, { key, text, endsAt }) =>
        pipeline.set(key, text, 'PX', lifeUntil(endsAt)),
      ),
    )

  /** Undefined: all are written. */
  const setMany = (redis: Redis, writes: readonly ShortWrite[]): Promise<readonly Outcome[] | undefined> => {
    if (apart) return setApart(redis, writes)
    const texts = [WRITE, String(writes.length)]
    for (const { key } of writes) texts.push(key)
    for (const { text, endsAt } of writes) texts.push(text, String(lifeUntil(endsAt)))
    return sendCommand(redis, 'eval', texts).then(
      () => undefined,
      async (error) => {
        const { code } = faultOf(error)
        if (code !== 'CROSSSLOT' && code !== 'NOPERM') throw error
        // One key that the user has no right to must not cost the other writes of its tick their way.
        const outcomes = await setApart(redis, writes)
        apart = outcomes.every(([failed]) => failed === null)
        return outcomes
      },
    )
  }

  const writeOne = ({ key, text, endsAt, resolve, reject }: ShortWrite): void =>
    caller.run<unknown>(
      connection,
      'write',
      timeout,
      (redis) => redis.set(key, text, 'PX', lifeUntil(endsAt)),
      resolve,
      reject,
    )

  const writeMany = (writes: readonly ShortWrite[]): void =>
    caller.run(
      connection,
      'write',
      timeout,
      (redis) => setMany(redis, writes),
      (outcomes) => {
        for (const [i, { resolve, reject }] of writes.entries()) {
          const error = outcomes?.[i]?.[0] ?? null
          if (error === null) resolve()
          else reject(caller.failure(error, 'write'))
        }
      },
      (error) => {
        for (const { reject } of writes) reject(error)
      },
    )

  const gathering = gather<ShortWrite>(
    () => MOST,
    (writes) => {
      const only = writes[0]
      if (writes.length === 1 && only !== undefined) writeOne(only)
      else writeMany(writes)
    },
  )

  return (write) => {
    // Each goes with those that have the same deadline.
    if (write.timeout !== timeout) {
      gathering.flush()
      timeout = write.timeout
    }
    gathering.add(write)
    caller.ahead(gathering.flush)
  }
}
