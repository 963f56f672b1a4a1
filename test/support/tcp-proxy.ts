import { createConnection, createServer, type Socket } from 'node:net'

/**
 * pass: as it comes. delay: replies 80 ms late. drop: replies vanish. drip: replies byte by byte.
 * garbage: replies are replaced by noise. reset: connections end with RST at the first request, new ones too.
 */
export type ProxyMode = 'pass' | 'delay' | 'drop' | 'drip' | 'garbage' | 'reset'

export interface TcpProxy {
  readonly url: string
  readonly port: number
  /** For open connections too, from the next bytes on. */
  mode(mode: ProxyMode): void
  /** Ends all open connections with RST. */
  resetAll(): void
  connections(): number
  close(): Promise<void>
}

/** A wire to a Redis that can be damaged while it is used. */
export const startTcpProxy = async (target: number): Promise<TcpProxy> => {
  let current: ProxyMode = 'pass'
  const clients = new Set<Socket>()

  const server = createServer((client) => {
    const upstream = createConnection({ host: '127.0.0.1', port: target })
    clients.add(client)
    client.on('close', () => {
      clients.delete(client)
      upstream.destroy()
    })
    upstream.on('close', () => client.destroy())
    // A broken wire is what this is for.
    client.on('error', () => undefined)
    upstream.on('error', () => undefined)
    client.on('data', (request) => {
      if (current === 'reset') client.resetAndDestroy()
      else upstream.write(request)
    })
    upstream.on('data', (reply) => {
      if (current === 'drop') return
      if (current === 'garbage') client.write(Buffer.from('!!?\u0001 what\r\n{nonsense}\r\n'))
      else if (current === 'delay') setTimeout(() => client.write(reply), 80)
      else if (current === 'drip')
        for (const [i, byte] of reply.entries()) setTimeout(() => client.write(Buffer.of(byte)), i * 5)
      else client.write(reply)
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
    },
    resetAll: () => {
      for (const client of clients) client.resetAndDestroy()
    },
    connections: () => clients.size,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const client of clients) client.destroy()
      }),
  }
}
