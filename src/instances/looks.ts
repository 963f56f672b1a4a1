import type { Redis } from 'ioredis'
import { type Beats, MOST_BEATS, readBeats, sendBeat } from './beats.js'
import { PartlyDone } from './caller.js'
import type { Connection } from './connection.js'
import type { Health } from './health.js'
import { chunks, outcomesOf, repliesOf } from './pipeline.js'
import { faultOf } from './redis-errors.js'
import { infoField, parseInfo, type ServerFacts } from './server-facts.js'

/**
 * What those ask who only look at an instance, on the connection of the calls. It takes no call's place, waits for no
 * connection, and speaks neither for nor against the instance. Undefined: it can't be asked now, doesn't answer in a
 * moment, or may not be asked that.
 */
export interface Looks {
  /** ms of the last round trips, oldest first: of probes, and while somebody looks of `figures`. */
  latencies(): readonly number[]
  figures(): Promise<Figures | undefined>
  /** So many keys, drawn at random; one may be drawn twice. Those of others aren't weighed where our user may not see them. */
  sample(count: number, isOurs: (key: string) => boolean): Promise<KeySample | undefined>
  /** What processes left here; of very many only some. */
  beats(): Promise<Beats | undefined>
  /**
   * A sign of life of this process, in place of the one before. It is a write, and one that hangs (`CLIENT PAUSE WRITE`)
   * holds up the reads behind it. So it goes right after another write was answered, or when that is long in coming.
   */
  leaveBeat(processId: string, text: string): void
  /** Also what was to be left and waits. Never rejects. */
  removeBeats(processIds: readonly string[]): Promise<void>
  /** To be told of every round trip of the prober, ms, and of every write that was answered. */
  tripped(ms: number): void
  wrote(): void
}

/** As the server itself counts. */
export interface Figures extends ServerFacts {
  readonly opsPerSecond: number
  readonly hits: number
  readonly misses: number
  readonly clients: number
  readonly evicted: number
  readonly expired: number
  /** In our database. */
  readonly keys: number
}

export interface KeySample {
  /** In our database. */
  readonly keys: number
  readonly drawn: readonly Drawn[]
}

export interface Drawn {
  readonly key: string
  /** Undefined: it may not be looked at, or is gone by now. */
  readonly type: string | undefined
  readonly bytes: number | undefined
}

/** ms */
const LIMIT = 300
const KEPT = 60
/** ms for which nothing is asked that was refused: a server notes each refusal. */
const REFUSED_FOR = 600_000

/** ms for which a sign of life waits for another write. */
const BEAT_WAITS = 15_000

type Question = 'info' | 'sample' | 'others' | 'beat' | 'beats'

export const createLooks = (parts: {
  readonly data: Connection
  readonly health: Pick<Health, 'refusal' | 'latency'>
  /** The hash of the signs of life. */
  readonly processes: string
  readonly db: number
}): Looks => {
  const { data, health, processes, db } = parts
  const trips: number[] = []
  const refusedAt = new Map<Question, number>()

  let beat: readonly [processId: string, text: string] | undefined
  let beatAt = Number.NEGATIVE_INFINITY
  let left: Promise<unknown> = Promise.resolve()

  const tripped = (ms: number): void => {
    trips.push(ms)
    if (trips.length > KEPT) trips.shift()
  }

  const isRefused = (what: Question): boolean =>
    performance.now() - (refusedAt.get(what) ?? Number.NEGATIVE_INFINITY) < REFUSED_FOR
  const heed = (what: Question, error: unknown): void => {
    if (faultOf(error instanceof PartlyDone ? error.reason : error).code === 'NOPERM')
      refusedAt.set(what, performance.now())
  }

  /** Never rejects. */
  const look = async <T>(what: Question, intent: 'read' | 'write', ask: (redis: Redis) => Promise<T>) => {
    const redis = data.ready()
    if (redis === undefined || health.refusal(intent) !== undefined || isRefused(what)) return undefined
    // What it throws at once counts as well.
    const answer = (async () => ask(redis))().catch((error) => {
      heed(what, error)
      return undefined
    })
    return soon(Math.max(LIMIT, (health.latency() ?? 0) * 4), answer)
  }

  const leave = (): void => {
    const next = beat
    if (next === undefined || data.ready() === undefined || health.refusal('write') !== undefined) return
    beat = undefined
    beatAt = performance.now()
    left = look('beat', 'write', (redis) => sendBeat(redis, processes, ...next))
  }

  return {
    latencies: () => trips,
    tripped,
    figures: () =>
      look('info', 'read', async (redis) => {
        const asked = performance.now()
        const [, info] = await Promise.all([redis.ping().then(() => tripped(performance.now() - asked)), redis.info()])
        return figuresIn(info, db)
      }),
    sample: (count, isOurs) =>
      look('sample', 'read', async (redis) => {
        const { keys, names } = await draw(redis, count)
        const weighed = names.filter((name) => isOurs(name) || !isRefused('others'))
        const weights = await weigh(redis, weighed, (name, error) => heed(isOurs(name) ? 'sample' : 'others', error))
        return { keys, drawn: names.map((key) => ({ key, type: undefined, bytes: undefined, ...weights.get(key) })) }
      }),
    beats: () => look('beats', 'read', (redis) => readBeats(redis, processes)),
    leaveBeat: (processId, text) => {
      beat = [processId, text]
      if (performance.now() - beatAt >= BEAT_WAITS) leave()
    },
    wrote: () => {
      if (beat !== undefined) leave()
    },
    removeBeats: async (processIds) => {
      if (beat !== undefined && processIds.includes(beat[0])) beat = undefined
      // Where the server didn't know the script, it is still on its way.
      await left
      for (const some of chunks(processIds, MOST_BEATS)) {
        await look('beat', 'write', (redis) => redis.hdel(processes, ...some))
      }
    },
  }
}

/** Undefined where it isn't there in time. */
const soon = <T>(ms: number, answer: Promise<T>): Promise<T | undefined> =>
  new Promise((resolve) => {
    const timer = setTimeout(() => setImmediate(() => resolve(undefined)), ms)
    void answer.then((value) => {
      clearTimeout(timer)
      resolve(value)
    })
  })

const figuresIn = (info: string, db: number): Figures => {
  const count = (name: string): number => Number(infoField(info, name) ?? 0)
  return {
    ...parseInfo(info),
    opsPerSecond: count('instantaneous_ops_per_sec'),
    hits: count('keyspace_hits'),
    misses: count('keyspace_misses'),
    clients: count('connected_clients'),
    evicted: count('evicted_keys'),
    expired: count('expired_keys'),
    keys: Number(/^keys=(\d+)/.exec(infoField(info, `db${db}`) ?? '')?.[1] ?? 0),
  }
}

const draw = async (redis: Redis, count: number): Promise<{ keys: number; names: string[] }> => {
  const pipeline = redis.pipeline().dbsize()
  for (let n = 0; n < count; n++) pipeline.randomkey()
  const [size, ...keys] = repliesOf((await pipeline.exec()) ?? [])
  return { keys: Number(size), names: keys.filter((key): key is string => typeof key === 'string') }
}

/** What can be learned of each; `refused` hears why not. */
const weigh = async (
  redis: Redis,
  names: readonly string[],
  refused: (name: string, error: Error) => void,
): Promise<ReadonlyMap<string, Pick<Drawn, 'type' | 'bytes'>>> => {
  const outcomes = await outcomesOf(redis, names, (pipeline, name) => void pipeline.type(name).memory('USAGE', name))
  const weights = new Map<string, Pick<Drawn, 'type' | 'bytes'>>()
  for (const [at, name] of names.entries()) {
    const [type, bytes] = [outcomes[at * 2], outcomes[at * 2 + 1]]
    const error = type?.[0] ?? bytes?.[0]
    if (error != null) refused(name, error)
    else if (typeof bytes?.[1] === 'number') weights.set(name, { type: String(type?.[1]), bytes: bytes[1] })
  }
  return weights
}
