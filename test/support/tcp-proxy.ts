import { once } from 'node:events'
import { createConnection, createServer, type Socket } from 'node:net'

/**
 * pass: as it comes. delay: requests and replies 80 ms late. drop: replies vanish, which TCP never does. hold: replies
 * are held back until another mode, as where one direction loses its packets. cut: requests, replies and ends of
 * connections are, as in a partition. drip: replies byte by byte. garbage: replies are replaced by noise. truncate: half
 * a reply, then the end. reset: connections end with RST at the first request, new ones too.
 */
export type ProxyMode = 'pass' | 'delay' | 'drop' | 'hold' | 'cut' | 'drip' | 'garbage' | 'truncate' | 'reset'

export interface TcpProxy {
  readonly url: string
  readonly port: number
  /** For open connections too, from the next bytes on. */
  mode(mode: ProxyMode): void
  /** Ends all open connections with RST. */
  resetAll(): void
  /** Where new connections lead. */
  retarget(port: number): void
  /**
   * The clients of now vanish, as when their host loses power: the server hears nothing of it, and still gets what
   * they had sent.
   */
  orphan(): void
  /**
   * What the connections of now have sent, and still send, to the server is under way until `arrive`, whatever becomes of
   * others. `arrive` resolves when it has arrived, or the server has ended them all; answers how many it has ended.
   */
  strand(): { arrive(): Promise<number> }
  connections(): number
  close(): Promise<void>
}

/** ms between two bytes of a wire that drips. */
const DRIP = 5

/** Node 20 has no Promise.withResolvers. */
const withResolvers = (): { promise: Promise<void>; resolve: () => void } => {
  let resolve = (): void => undefined
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}

/** A wire to a Redis that can be damaged while it is used. */
export const startTcpProxy = async (port: number): Promise<TcpProxy> => {
  let target = port
  let current: ProxyMode = 'pass'
  const clients = new Set<Socket>()
  const upstreams = new Set<Socket>()
  const orphans = new WeakSet<Socket>()
  let released = withResolvers()
  /** Whoever holds something back. */
  const lookAgain = (): void => {
    released.resolve()
    released = withResolvers()
  }
  const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

  /** Of a connection whose requests are under way. */
  const stranded = new WeakMap<Socket, Promise<void>>()

  /** One direction of a connection. Whatever happens to the bytes, their order stays, as TCP's does. */
  const direction = (sink: Socket, holds: readonly ProxyMode[]) => {
    let last: Promise<void> = Promise.resolve()
    const next = (action: () => Promise<void> | void): void => {
      last = last.then(async () => {
        while (holds.includes(current) && !stranded.has(sink)) await released.promise
        await stranded.get(sink)
        await action()
      })
    }
    return {
      send: (bytes: Buffer) => {
        const delayed = current === 'delay' ? pause(80) : undefined
        next(async () => {
          await delayed
          sink.write(bytes)
        })
      },
      drip: (bytes: Buffer) =>
        next(async () => {
          let due = performance.now()
          for (const byte of bytes) {
            sink.write(Buffer.of(byte))
            due += DRIP
            const early = due - performance.now()
            // A wire outside of this process would go on while that stands still, and deliver what was due meanwhile.
            if (current === 'drip' && early > 0) await pause(early)
          }
        }),
      end: () => next(() => sink.destroySoon()),
    }
  }

  const server = createServer((client) => {
    const upstream = createConnection({ host: '127.0.0.1', port: target })
    clients.add(client)
    upstreams.add(upstream)
    const requests = direction(upstream, ['cut'])
    const replies = direction(client, ['hold', 'cut'])
    client.on('close', () => {
      clients.delete(client)
      if (!orphans.has(client)) requests.end()
    })
    upstream.on('close', () => {
      upstreams.delete(upstream)
      replies.end()
    })
    // A broken wire is what this is for.
    client.on('error', () => undefined)
    upstream.on('error', () => undefined)
    client.on('data', (request) => {
      if (current === 'reset') client.resetAndDestroy()
      else requests.send(request)
    })
    upstream.on('data', (reply) => {
      if (current === 'drop') return
      if (current === 'garbage') replies.send(Buffer.from('!!?\u0001 what\r\n{nonsense}\r\n'))
      else if (current === 'truncate') client.end(reply.subarray(0, reply.length >> 1))
      else if (current === 'drip') replies.drip(reply)
      else replies.send(reply)
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port')

  return {
    url: `redis://127.0.0.1:${address.port}`,
    port: address.port,
    mode: (mode) => {
      current = mode
      lookAgain()
    },
    resetAll: () => {
      for (const client of clients) client.resetAndDestroy()
    },
    retarget: (next) => {
      target = next
    },
    orphan: () => {
      for (const client of clients) {
        orphans.add(client)
        client.destroy()
      }
    },
    strand: () => {
      const { promise, resolve } = withResolvers()
      const all = [...upstreams]
      for (const upstream of all) stranded.set(upstream, promise)
      lookAgain()
      return {
        arrive: async () => {
          const ended = all.filter((upstream) => upstream.destroyed).length
          resolve()
          const closed = all.map((upstream) => upstream.destroyed || once(upstream, 'close'))
          // After all that is written before it, and read by the server.
          for (const upstream of all) void promise.then(() => setImmediate(() => upstream.end()))
          await Promise.all(closed)
          return ended
        },
      }
    },
    connections: () => clients.size,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of [...clients, ...upstreams]) socket.destroy()
      }),
  }
}
