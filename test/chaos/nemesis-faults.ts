import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import type { TestRedis } from '../support/redis-process.ts'
import type { TcpProxy } from '../support/tcp-proxy.ts'

/** An instance as the nemesis harms it. */
export interface Victim {
  readonly name: 'primary' | 'secondary'
  readonly server: TestRedis
  /** aof: a crash loses nothing. rdb: it leads back to the last snapshot. */
  readonly persistence: 'aof' | 'rdb'
  /** One wire per writer process, by its place. */
  readonly wires: readonly TcpProxy[]
}

/** One kind of harm. `inject` answers what heals it. */
export interface Harm {
  readonly name: string
  /** The server comes back with less: only while the other one is well and has everything. */
  readonly loses?: boolean
  readonly fits?: (victim: Victim) => boolean
  inject(victim: Victim, random: () => number): Promise<() => Promise<unknown> | undefined>
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** One command by the administrator, on a connection of its own. */
const command = async ({ server }: Victim, name: string, ...args: (string | number)[]): Promise<void> => {
  const client = new Redis(server.port)
  client.on('error', () => undefined)
  try {
    await client.call(name, args)
  } finally {
    client.disconnect()
  }
}
const wired = (name: string, mode: Parameters<TcpProxy['mode']>[0]): Harm => ({
  name,
  inject: async ({ wires }, random) => {
    // Of one process, or of all: some reach what others don't.
    const only = random() < 0.5 ? wires[Math.floor(random() * wires.length)] : undefined
    const hit = only === undefined ? wires : [only]
    for (const wire of hit) wire.mode(mode)
    return async () => {
      for (const wire of hit) wire.mode('pass')
    }
  },
})

export const harms: readonly Harm[] = [
  {
    name: 'freeze',
    inject: async ({ server }) => {
      server.freeze()
      return async () => server.thaw()
    },
  },
  {
    name: 'flapping',
    inject: async ({ server }) => {
      for (let i = 0; i < 3; i++) {
        server.freeze()
        await pause(300)
        server.thaw()
        await pause(300)
      }
      return async () => undefined
    },
  },
  {
    name: 'crash, data kept',
    fits: ({ persistence }) => persistence === 'aof',
    inject: async ({ server }) => {
      await server.crash()
      return () => server.restart()
    },
  },
  {
    name: 'crash, back to an older snapshot',
    loses: true,
    fits: ({ persistence }) => persistence === 'rdb',
    inject: async (victim, random) => {
      await command(victim, 'SAVE')
      await pause(200 + 500 * random())
      await victim.server.crash()
      return () => victim.server.restart()
    },
  },
  {
    name: 'crash, everything lost',
    loses: true,
    inject: async ({ server }) => {
      await server.crash()
      for (const name of ['dump.rdb', 'appendonlydir']) rmSync(join(server.dir, name), { recursive: true, force: true })
      return () => server.restart()
    },
  },
  wired('partition', 'cut'),
  wired('one-way loss', 'hold'),
  wired('resets', 'reset'),
  {
    name: 'out of memory',
    inject: async (victim) => {
      await command(victim, 'CONFIG', 'SET', 'maxmemory', '900kb')
      return () => command(victim, 'CONFIG', 'SET', 'maxmemory', 0)
    },
  },
]
