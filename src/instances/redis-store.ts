import type { Redis } from 'ioredis'
import type { RedisUrl } from '../settings/redis-url.js'
import { createAppend } from './append.js'
import { getOne } from './batch-reader.js'
import { createCaller } from './caller.js'
import { createConnection } from './connection.js'
import { connectionName, type Role } from './connection-name.js'
import { createDeadlines, type Deadlines } from './deadlines.js'
import { createEntries, type Lines } from './entries.js'
import { createExpiry, type Expiry } from './expiry.js'
import { createGroups } from './groups.js'
import { createHealth } from './health.js'
import { createIdleConnection } from './idle-connection.js'
import type { Identity, Instance } from './instance.js'
import { createLargeKeys } from './large.js'
import { layoutOf } from './layout.js'
import { breakScope, createLeases } from './leases.js'
import { createLooks, type Looks } from './looks.js'
import { IDLE, probeLimit } from './probe-plan.js'
import { createProber } from './prober.js'
import { createReturn, identityIn } from './return.js'
import { createScriptCalls } from './script-calls.js'
import { askFacts } from './server-facts.js'
import type { StoreHealth } from './store.js'

export interface RedisStoreOptions {
  /** The instance's name, as in errors and CLIENT LIST. */
  readonly name: string
  readonly url: RedisUrl
  /** Literal prefix of every key of ours, '' for none. Callers put it before entry keys themselves. */
  readonly namespace: string
  /** ms; undefined: the built-in rule. */
  readonly deadlines: { readonly read?: number | undefined; readonly write?: number | undefined }
  /** Names this process in CLIENT LIST. */
  readonly processId: string
  /** ms between the prober's questions to an idle instance. @default 1000 */
  readonly probeEvery?: number | undefined
  /**
   * Somebody brings it what it missed: after it was down it comes back as catching-up, until `readmit`, and a call that
   * has no `timeout` leaves a third of its deadline for another place. @default false
   */
  readonly supervised?: boolean
  /** Hears once of each change of what it can serve, and of its pace. */
  readonly onState?: (health: StoreHealth) => void
  /** Hears what a supervised one is when this process meets it for the first time, before any call reaches it. */
  readonly onMet?: (identity: Identity) => void
  /** The clock of all deadlines. Tests bring one without the guard against stalls of the event loop. */
  readonly expiry?: Expiry
}

/** An instance, and what those see of it who only look. */
export type RedisStore = Instance & { readonly looks: Looks }

/** ms that each step of an instance's return may take, at least: nobody waits for it. */
const RETURN_LIMIT = 1_000

/** One Redis instance. Nothing is opened before `connect` or the first call; a server that goes away is waited for for ever. */
export const createRedisStore = (options: RedisStoreOptions): RedisStore => {
  const { name, url, processId, supervised = false } = options
  const expiry = options.expiry ?? createExpiry()
  const layout = layoutOf(options.namespace)
  const nameOf = (role: Role): string => connectionName(processId, role, options.namespace)
  const deadlines = createDeadlines(options.deadlines)
  const nothing = (): void => undefined
  const health = createHealth({
    name,
    onState: options.onState ?? nothing,
    supervised,
    onChange: (before) => prober.wake(before),
    onWrote: () => looks.wrote(),
    latency: deadlines.median,
    deadline: deadlines.limit,
  })
  const caller = createCaller(name, supervised ? shared(deadlines) : deadlines, health, expiry)
  let maxBulk: number | undefined
  /** The ready check asks for INFO, and ioredis writes to the console each time that it is refused. */
  let hidden = false
  let learning: Promise<void> | undefined
  let largeClient: Redis | undefined
  let drill: NodeJS.Timeout | undefined
  const isFirst = (): boolean => supervised && health.standing().phase === 'starting'

  const data = createConnection({
    url,
    clientName: nameOf('data'),
    expiry,
    reconnectLimit: () => deadlines.limit('read'),
    greet: (redis) => {
      // What can't be asked for, or was lost on the way, can't be judged.
      const sentinel = isFirst()
        ? getOne(redis, layout.sentinel).then(
            (text) => ({ text: text ?? undefined }),
            () => undefined,
          )
        : undefined
      learning = askFacts(redis).then(async (learned) => {
        maxBulk = learned.maxBulk
        hidden = learned.hidden
        if (hidden) redis.options.enableReadyCheck = false
        if (learned.trip !== undefined) deadlines.observe(learned.trip)
        health.learned(learned.facts)
        const found = await sentinel
        if (found !== undefined && learned.info !== undefined) options.onMet?.(identityIn(learned.info, found.text))
      })
      // Is it still the same one? Nobody may read from another before somebody has looked at what it holds.
      return supervised ? learning : undefined
    },
    onReady: (_, handshake) => {
      deadlines.guess(handshake)
      health.connected()
      prober.start()
      prober.ask()
    },
    onAnswer: () => health.worked('read'),
    onDown: (fault) => {
      health.failed(fault)
      prober.start()
    },
  })
  const large = createIdleConnection(data, (onDown) =>
    createConnection({
      url,
      clientName: nameOf('large'),
      expiry,
      readyCheck: !hidden,
      reconnectLimit: () => deadlines.limit('read'),
      onReady: (redis) => {
        largeClient = redis
      },
      onAnswer: nothing,
      onDown,
    }),
  )

  const probe = createConnection({
    url,
    clientName: nameOf('probe'),
    // PING says as well whether it is loading.
    readyCheck: false,
    expiry,
    reconnectLimit: () => probeLimit(health.latency()),
    onReady: () => prober.ask(),
    onAnswer: nothing,
    // The prober says what it means for the instance.
    onDown: nothing,
  })
  const prober = createProber({
    health,
    connection: probe,
    data,
    key: layout.probe(processId),
    expiry,
    every: options.probeEvery ?? IDLE,
    limit: () => probeLimit(health.latency()),
    abandon: () => {
      data.renew()
      large.renew()
    },
    patience: () => deadlines.limit('write'),
    tripped: (ms, theirs) => {
      health.tripped(ms, theirs)
      looks.tripped(ms)
    },
    wrote: () => looks.wrote(),
  })

  const looks = createLooks({ data, health, processes: layout.processes, db: url.db })

  const lines: Lines = { data, large, largeKeys: createLargeKeys() }
  const checkSize = (text: string): void => {
    if (maxBulk !== undefined && text.length * 3 > maxBulk && Buffer.byteLength(text) > maxBulk) {
      throw caller.refuse('too-large', 'the value is larger than this server accepts (proto-max-bulk-len)')
    }
  }

  const scriptCalls = createScriptCalls(caller, lines, checkSize)

  return {
    name,
    looks,
    ...createEntries(caller, lines, {
      checkSize,
      layout,
      breakLeases: breakScope(scriptCalls.script, layout),
    }),
    ...createGroups(caller, lines, layout, checkSize),
    ...createLeases(scriptCalls.script, lines, layout),
    ...scriptCalls,
    checkSize,
    ...createAppend(caller, data),
    ...createReturn({
      caller,
      data,
      large: () => largeClient,
      layout,
      processId,
      namespace: options.namespace,
      db: url.db,
      limit: () => Math.max(RETURN_LIMIT, deadlines.limit('write')),
    }),
    health: health.snapshot,
    readable: health.readable,
    writable: health.writable,
    catchingUp: () => health.standing().catchingUp,
    slow: health.slow,
    deadline: deadlines.limit,
    readmit: () => health.apply({ type: 'readmitted' }),
    relapse: (reason) => health.apply({ type: 'relapsed', reason }),
    drill: (ms) => {
      clearTimeout(drill)
      health.drill(ms)
      if (ms <= 0) {
        prober.ask()
        return
      }
      // Also one that was never used has to be found again afterwards.
      data.wait(nothing, nothing)
      prober.start()
      data.cut()
      large.cut()
      drill = setTimeout(prober.ask, ms).unref()
    },
    connect: () =>
      new Promise((resolve) =>
        data.wait(
          () => resolve(learning),
          () => resolve(),
        ),
      ),
    close: async () => {
      const limit = deadlines.limit('write')
      clearTimeout(drill)
      prober.stop()
      health.close()
      await Promise.all([data.close(limit), large.close(limit), probe.close(limit)])
    },
  }
}

/** What a supervised instance may use of a call's time. */
const SHARE = 2 / 3

const shared = (deadlines: Deadlines): Deadlines => ({
  ...deadlines,
  limit: (intent) => deadlines.limit(intent) * SHARE,
})
