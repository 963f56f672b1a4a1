import { isIP } from 'node:net'
import type { RedisUrl } from '../settings/redis-url.js'

/** ms until a connection must stand, and until the server must have taken what begins it. */
const LIMIT = 2_000

export interface LineOptions {
  readonly url: RedisUrl
  /** As it appears in CLIENT LIST. */
  readonly clientName: string
  /** Has the server tell of every change at keys that begin with one of these. */
  readonly track?: {
    readonly prefixes: readonly string[]
    /** Undefined: at any of them. */
    readonly heard: (redisKey: string | undefined) => void
  }
  /** The connection is gone, once. Not called after `end`. */
  readonly lost: () => void
}

/** One life of one connection. It doesn't come back by itself, so that nobody takes the next one for this one. */
export interface Line {
  send(command: readonly string[]): Promise<unknown>
  end(): void
}

/** The server won't have it: no such command, no right to it. */
export class Refused extends Error {}

/**
 * Opens a line with node-redis, because ioredis 6 drops what a server pushes about tracked keys. It keeps no process
 * alive. Rejects with Refused, or with whatever else went wrong, which may hold anything and is to be shown to nobody.
 */
export const openLine = async ({ url, clientName, track, lost }: LineOptions): Promise<Line> => {
  const { BasicClientSideCache, createClient, ErrorReply } = await import('redis')

  /** node-redis issues what it answers as `trackingOn` and hands it what is pushed; its own cache stays unused. */
  class Tracked extends BasicClientSideCache {
    override trackingOn(): string[] {
      const prefixes = track?.prefixes ?? []
      return ['CLIENT', 'TRACKING', 'ON', 'BCAST', ...prefixes.flatMap((prefix) => ['PREFIX', prefix])]
    }
    override invalidate(key: string | Buffer | null): void {
      if (!over) track?.heard(key === null ? undefined : key.toString())
    }
  }

  const refusal = (error: unknown): unknown =>
    error instanceof ErrorReply && !PASSING.test(error.message) ? new Refused() : error
  let over = false
  let ready = false
  let connected = false
  const client = createClient({
    ...(track === undefined ? { RESP: 2 } : { RESP: 3, clientSideCache: new Tracked() }),
    ...(url.username === undefined ? {} : { username: url.username }),
    ...(url.password === undefined ? {} : { password: url.password.reveal() }),
    database: url.db,
    name: clientName,
    socket: {
      host: url.host,
      port: url.port,
      connectTimeout: LIMIT,
      reconnectStrategy: false,
      ...(url.tls ? { tls: true, ...(isIP(url.host) === 0 ? { servername: url.host } : {}) } : {}),
    },
    disableOfflineQueue: true,
    disableClientInfo: true,
    maintNotifications: 'disabled',
  })
  const destroy = (): void => {
    // It throws where it is closed already, and knows no socket to close as long as that is being opened.
    if (client.isOpen && connected) client.destroy()
  }
  const end = (): void => {
    over = true
    destroy()
  }
  client.unref()
  client.on('connect', () => {
    connected = true
    if (over) destroy()
  })
  client.on('error', () => {
    if (!ready || over) return
    end()
    lost()
  })

  // A server that is frozen takes the connection and says nothing.
  const timer = setTimeout(end, LIMIT).unref()
  try {
    await client.connect()
  } catch (error) {
    end()
    throw refusal(error)
  } finally {
    clearTimeout(timer)
  }
  if (over) throw new Error('it took too long')
  ready = true
  return {
    send: (command) =>
      client.sendCommand([...command]).catch((error) => {
        throw refusal(error)
      }),
    end,
  }
}

/** What a server says that can't be asked now, or not by these credentials. */
const PASSING = /^(?:LOADING|BUSY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|NOAUTH|WRONGPASS)|max(?:imum)? number of clients/i
