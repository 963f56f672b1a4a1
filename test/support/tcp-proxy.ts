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
  connections(): number
  close(): Promise<void>
}

/** A wire to a Redis that can be damaged while it is used. */
export const startTcpProxy = async (port: number): Promise<TcpProxy> => {
  let target = port
  let current: ProxyMode = 'pass'
  const clients = new Set<Socket>()
  const upstreams = new Set<Socket>()
  const orphans = new WeakSet<Socket>()
  /** What waits for the end of hold or cut, in order. */
  const held: (() => void)[] = []
  const unlessHeld = (holds: readonly ProxyMode[], action: () => void): void => {
    if (holds.includes(current)) held.push(action)
    else action()
  }

  const server = createServer((client) => {
    const upstream = createConnection({ host: '127.0.0.1', port: target })
    clients.add(client)
    upstreams.add(upstream)
    client.on('close', () => {
      clients.delete(client)
      if (!orphans.has(client)) unlessHeld(['cut'], () => upstream.destroySoon())
    })
    upstream.on('close', () => {
      upstreams.delete(upstream)
      unlessHeld(['hold', 'cut'], () => client.destroySoon())
    })
    // A broken wire is what this is for.
    client.on('error', () => undefined)
    upstream.on('error', () => undefined)
    client.on('data', (request) => {
      if (current === 'reset') client.resetAndDestroy()
      else if (current === 'delay') setTimeout(() => upstream.write(request), 80)
      else unlessHeld(['cut'], () => upstream.write(request))
    })
    upstream.on('data', (reply) => {
      if (current === 'drop') return
      if (current === 'garbage') client.write(Buffer.from('!!?\u0001 what\r\n{nonsense}\r\n'))
      else if (current === 'truncate') client.end(reply.subarray(0, reply.length >> 1))
      else if (current === 'delay') setTimeout(() => client.write(reply), 80)
      else if (current === 'drip')
        for (const [i, byte] of reply.entries()) setTimeout(() => client.write(Buffer.of(byte)), i * 5)
      else unlessHeld(['hold', 'cut'], () => client.write(reply))
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
      if (mode !== 'hold' && mode !== 'cut') for (const action of held.splice(0)) action()
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
    connections: () => clients.size,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of [...clients, ...upstreams]) socket.destroy()
      }),
  }
}
