import { isIP } from 'node:net'
import { Redis, type RedisOptions } from 'ioredis'
import type { RedisUrl } from '../settings/redis-url.js'
import type { Expiring, Expiry } from './expiry.js'
import { connectionLost, type Fault, FaultError, faultOf } from './redis-errors.js'

/** The first attempt may take this long: a laptop far from its server must not fail its first calls. */
const START_LIMIT = 3_000
/** A socket with commands outstanding that says nothing for this long is given up. Longer than any deadline of ours. */
const SILENCE_LIMIT = 4_000
/** Looks within that time; the first one may find what was sent just now. */
const SILENCE_LOOKS = 8
/** A connection in doubt must show by then that its answers come, and in order. */
const DOUBT_LIMIT = 2_000

export interface ConnectionOptions {
  readonly url: RedisUrl
  /** As it appears in CLIENT LIST. */
  readonly clientName: string
  readonly expiry: Expiry
  /** Asks with INFO whether the server has loaded its data. @default true */
  readonly readyCheck?: boolean
  /** ms that calls wait for a connection that was just lost. */
  reconnectLimit(): number
  /** What must be known before a call goes to a server that has just been connected to. Never rejects. */
  greet?(redis: Redis): Promise<void> | undefined
  onReady(redis: Redis, handshake: number): void
  /** It answered after it was doubted. */
  onAnswer(): void
  /** It can't be reached, or it can't serve yet. */
  onDown(fault: Fault): void
}

/** One named connection that looks after itself. It opens at the first use and comes back by itself. */
export interface Connection {
  /** The client, if it can be used at once. */
  ready(): Redis | undefined
  /** It never was connected, and nothing speaks against it so far. */
  opening(): boolean
  /**
   * Waits until it can be used, or hears why not. A connection in trouble says so at once; one that is being opened,
   * or was lost a moment ago, is waited for, so that a reset between two calls isn't noticed.
   */
  wait(ready: (redis: Redis) => void, failed: (fault: Fault) => void): void
  /** A command could not be sent, because the socket has ended and the event that says so is still to come. */
  missed(): void
  /**
   * A call on it was not answered in time. Answers carry no names, only their order tells whose they are: where some
   * got lost on the way, every later one would go to the wrong call, so that is checked, and such a connection replaced.
   */
  doubt(): void
  /** Begins it anew, because what is on its way hangs. */
  renew(): void
  /** Ends it at once; what is in flight fails. It comes back by itself. */
  cut(): void
  /** Ends it after what is in flight, or after `limit` ms. */
  close(limit: number): Promise<void>
}

type Phase = 'idle' | 'starting' | 'ready' | 'lost' | 'down' | 'closed'

const closedFault: Fault = { kind: 'closed', text: 'closed', about: 'call', harmless: true }
const silentFault: Fault = { ...connectionLost, text: 'connected, but it does not answer', harmless: true }
const stoppedFault: Fault = { ...connectionLost, text: 'it stopped answering' }
const loadingFault: Fault = { ...connectionLost, text: 'still loading its data', harmless: true }

export const createConnection = (options: ConnectionOptions): Connection => {
  let phase: Phase = 'idle'
  let fault: Fault = connectionLost
  let attemptFault: Fault | undefined
  let connectedAt = 0
  let up = false // ioredis has seen it ready, and not closed since
  let checking = false
  let questions = 0
  let waiting: { ready: (redis: Redis) => void; failed: (fault: Fault) => void }[] = []

  const redis = new Redis({
    ...redisOptions(options),
    retryStrategy: (times) => (attemptFault?.slow === true ? slowDelay() : fastDelay(times)),
  })

  const patience: Expiring = { endsAt: 0, expire: () => outOfPatience() }
  const waitFor = (limit: number): void => {
    patience.endsAt = performance.now() + limit
    options.expiry.add(patience)
  }
  const enter = (next: Phase, limit?: number): void => {
    phase = next
    options.expiry.remove(patience)
    if (limit !== undefined) waitFor(limit)
  }
  const settle = (each: (waiter: (typeof waiting)[number]) => void): void => {
    const settled = waiting
    waiting = []
    settled.forEach(each)
  }
  const goDown = (why: Fault): void => {
    fault = why
    enter('down')
    settle((waiter) => waiter.failed(why))
    options.onDown(why)
  }
  const lose = (why: Fault): void => {
    fault = why
    enter('lost', options.reconnectLimit())
  }
  /** The handshake hangs: a frozen server, or one that loads, which INFO tells apart. */
  const outOfPatience = (): void => {
    goDown(silentFault)
    if (redis.status !== 'connect') return
    redis.info('persistence').then(
      (info) => {
        if (phase === 'down' && /^loading:1/m.test(info)) goDown(loadingFault)
      },
      () => undefined, // the connection closes, which is reported on its own
    )
  }

  redis.on('connect', () => {
    connectedAt = performance.now()
    endSilence(redis)
    // Something is there again, and may take its time: say what it is rather than what the last attempt met.
    if (phase === 'down') waitFor(options.reconnectLimit())
  })
  redis.on('error', (error) => {
    hearAll(redis.stream)
    // What needs a change of configuration is the cause; what follows from it is noise.
    if (attemptFault?.slow !== true) attemptFault = faultOf(error)
    // ioredis would go on with database 0, which is somebody else's data.
    if (commandOf(error) === 'select') redis.disconnect(true)
  })
  redis.on('ready', () => {
    attemptFault = undefined
    // HELLO and INFO: two round trips.
    const handshake = (performance.now() - connectedAt) / 2
    const { stream } = redis
    const use = (): void => {
      if (phase === 'closed' || redis.stream !== stream || redis.status !== 'ready') return
      up = true
      enter('ready')
      options.onReady(redis, handshake)
      settle((waiter) => waiter.ready(redis))
    }
    const greeted = options.greet?.(redis)
    if (greeted === undefined) use()
    else void greeted.then(use)
  })
  redis.on('close', () => {
    const why = attemptFault ?? connectionLost
    attemptFault = undefined
    if (phase === 'closed') return
    const wasUp = up
    up = false
    if (!wasUp || why.slow === true) goDown(why)
    else if (phase === 'ready') lose(why)
  })
  redis.on('end', () => {
    if (phase !== 'closed') goDown(fault)
  })

  const checkOrder = (): void => {
    if (checking || phase !== 'ready') return
    checking = true
    const asked = `motia-redis:${++questions}`
    const over = (): void => {
      checking = false
      clearTimeout(timer)
    }
    const timer = setTimeout(() => redis.disconnect(true), DOUBT_LIMIT)
    redis.ping(asked).then((answer) => {
      over()
      if (answer === asked) options.onAnswer()
      else redis.disconnect(true)
    }, over) // the connection is gone, and with it the doubt
  }

  const open = (): void => {
    enter('starting', START_LIMIT)
    // Its outcome arrives by the events above.
    redis.connect().catch(() => undefined)
  }

  return {
    ready: () => (phase === 'ready' ? redis : undefined),
    opening: () => phase === 'idle' || phase === 'starting',
    wait: (ready, failed) => {
      if (phase === 'idle') open()
      if (phase === 'ready') ready(redis)
      else if (phase === 'closed') failed(closedFault)
      else if (phase === 'down') failed(fault)
      else waiting.push({ ready, failed })
    },
    missed: () => {
      if (phase === 'ready') lose(connectionLost)
    },
    doubt: checkOrder,
    renew: () => {
      if (phase === 'ready') redis.disconnect(true)
    },
    cut: () => {
      if (phase === 'ready') redis.stream.destroy()
    },
    close: async (limit) => {
      if (phase === 'closed') return
      const wasReady = phase === 'ready'
      const unused = phase === 'idle'
      enter('closed')
      settle((waiter) => waiter.failed(closedFault))
      if (unused) return
      if (wasReady) await quit(redis, limit)
      hearAll(redis.stream)
      redis.disconnect()
    },
  }
}

/** ioredis hears a socket's first error only. With TLS there may be a second, and one that nobody hears ends the process. */
const hearAll = (stream: Redis['stream'] | undefined): void => {
  if (stream?.listeners('error').includes(ignore) === false) stream.on('error', ignore)
}
const ignore = (): void => undefined

/** QUIT is answered after everything before it; a server that doesn't answer is left without. */
const quit = (redis: Redis, limit: number): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, limit)
    const done = (): void => {
      clearTimeout(timer)
      resolve()
    }
    redis.quit().then(done, done)
  })

/**
 * Gives a socket up on which commands wait and nothing arrives. Looked at from time to time: a socket's own timeout is
 * set anew with everything that is read or written, and ioredis's makes a timer and a listener for each command that is
 * alone in flight, which both cost more than our part of the call.
 */
const endSilence = (redis: Redis): void => {
  const { stream } = redis
  let heard = stream.bytesRead
  let silent = 0
  const isSilent = (): boolean => redis.commandQueue.length > 0 && stream.bytesRead === heard
  const look = setInterval(() => {
    silent = isSilent() ? silent + 1 : 0
    heard = stream.bytesRead
    if (silent <= SILENCE_LOOKS) return
    // An answer may lie unread, where the event loop stood still.
    setImmediate(() => {
      if (isSilent()) stream.destroy(new FaultError(stoppedFault))
    })
  }, SILENCE_LIMIT / SILENCE_LOOKS).unref()
  stream.once('close', () => clearInterval(look))
}

/** Full jitter keeps the clients of a server that comes back from arriving together. */
const fastDelay = (times: number): number => Math.round(Math.min(250, 15 * 2 ** times) * (0.5 + Math.random() / 2))
const slowDelay = (): number => Math.round(4_000 + Math.random() * 2_000)

const commandOf = (error: unknown): unknown =>
  error instanceof Error && 'command' in error && typeof error.command === 'object' && error.command !== null
    ? Reflect.get(error.command, 'name')
    : undefined

const redisOptions = ({ url, clientName, readyCheck = true }: ConnectionOptions) =>
  ({
    host: url.host,
    port: url.port,
    db: url.db,
    ...(url.username === undefined ? {} : { username: url.username }),
    ...(url.password === undefined ? {} : { password: url.password.reveal() }),
    // Verification is never turned off. Node takes no server name from an address.
    ...(url.tls ? { tls: isIP(url.host) === 0 ? { servername: url.host } : {} } : {}),
    connectionName: clientName,
    lazyConnect: true,
    connectTimeout: 2_000,
    disconnectTimeout: 100,
    keepAlive: 30_000,
    // A command is sent once, now, or not at all: what becomes of it is decided by our deadlines, not by a queue.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    reconnectOnError: null,
    maxRetriesPerRequest: 0,
    enableReadyCheck: readyCheck,
    maxLoadingRetryTime: 250,
    enableAutoPipelining: false,
  }) satisfies RedisOptions
