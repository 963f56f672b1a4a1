import { rmSync } from 'node:fs'
import { Redis } from 'ioredis'
import { openRedis, type TestRedis } from '../support/redis-process.ts'
import { type FarWire, startFarWire } from './far-wire.ts'
import { quickFolder } from './folder.ts'

type Removable = TestRedis & { remove(): Promise<void> }

/** Two fresh servers, of which one gets a fault, and a folder for the journal. */
export interface Arena {
  /** The home of most things: what breaks. */
  readonly primary: TestRedis
  readonly secondary: TestRedis
  /** Between us and the primary, where the fault is one of the wire. */
  readonly wire: FarWire | undefined
  readonly urls: { readonly primary: string; readonly secondary: string }
  readonly dir: string
  /** A command by the primary's administrator, on a connection made before anything was broken. */
  command(...args: (string | number)[]): Promise<unknown>
  /** The same; its answer may take for ever. */
  background(...args: (string | number)[]): void
  /** What else must go when it is over. */
  readonly ends: (() => Promise<unknown> | undefined)[]
  remove(): Promise<void>
}

export interface ArenaOptions {
  /** Of the primary. */
  readonly args?: readonly string[]
  /** The primary is reached through `wire`. */
  readonly wire?: boolean
  readonly open?: () => Promise<Removable>
  /** ':password' or 'user:password'. */
  readonly login?: string
}

const administrator = async (url: string, password?: string): Promise<Redis> => {
  const client = new Redis(url, { connectionName: 'administrator', ...(password === undefined ? {} : { password }) })
  client.on('error', () => undefined) // servers are broken on purpose here
  await client.ping()
  return client
}

export const openArena = async ({ args = [], wire: wired, open, login }: ArenaOptions = {}): Promise<Arena> => {
  const [primary, secondary] = await Promise.all([open?.() ?? openRedis({ args }), openRedis()])
  const wire = wired === true ? await startFarWire(primary.port) : undefined
  const password = args[args.indexOf('--requirepass') + 1]
  const admin = (): Promise<Redis> => administrator(primary.url, args.includes('--requirepass') ? password : undefined)
  const [first, second] = await Promise.all([admin(), admin()])
  const dir = quickFolder('chaos')
  const direct = wire?.url ?? primary.url
  const ends: Arena['ends'] = []
  return {
    primary,
    secondary,
    wire,
    dir,
    urls: {
      primary: login === undefined ? direct : direct.replace('redis://', `redis://${login}@`),
      secondary: secondary.url,
    },
    command: (name, ...rest) => first.call(String(name), rest),
    background: (name, ...rest) => void second.call(String(name), rest).catch(() => undefined),
    ends,
    remove: async () => {
      first.disconnect()
      second.disconnect()
      await Promise.all(ends.map((end) => end()))
      await wire?.close()
      await Promise.all([primary.remove(), secondary.remove()])
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
