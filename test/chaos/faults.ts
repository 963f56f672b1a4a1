import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { openRedis, type TestRedis } from '../support/redis-process.ts'
import { until } from '../support/until.ts'
import type { Arena, ArenaOptions } from './arena.ts'
import type { Call } from './history.ts'
import { type DistantRedis, noNamespaces, openDistantRedis } from './namespace.ts'

/** A row of the fault matrix: what happens to the primary, and what of it may be seen. */
export interface Fault {
  readonly name: string
  /** What the primary must be to get it. */
  readonly arena?: ArenaOptions
  /** Why this machine can't have it. */
  readonly skip?: () => string | undefined
  inject(arena: Arena): Promise<unknown> | undefined
  heal(arena: Arena): Promise<unknown> | undefined
  /** ms that all goes well before. @default 300 */
  readonly after?: number
  /** ms that it lasts. @default 1200 */
  readonly lasts?: number
  /** What health must show of the primary while it lasts. @default 'down' */
  readonly shows?: 'down' | 'unwritable' | 'trouble' | 'whatever' | 'nothing'
  /** It stops this process, too. */
  readonly alone?: true
  /** The primary comes back with less than it had. */
  readonly loses?: boolean
  /** Nobody can notice before the next look; what was read until then isn't judged. */
  readonly blinds?: true
  /** Errors that are right, besides those of increments whose outcome isn't known. */
  readonly mayFail?: (call: Call) => boolean
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
/** Kept across a crash by the system's buffers: the server writes the file before it answers. */
const durable = ['--appendonly', 'yes', '--appendfsync', 'no']
const config = (name: string, value: string | number) => (arena: Arena) => arena.command('CONFIG', 'SET', name, value)
const mode = (name: Parameters<Arena['wire']['mode']>[0]) => async (arena: Arena) => arena.wire.mode(name)
const wired = (name: string, how: Parameters<Arena['wire']['mode']>[0], more: Partial<Fault> = {}): Fault => ({
  name,
  arena: { wire: true },
  inject: mode(how),
  heal: mode('pass'),
  ...more,
})
const spin = (ms: number): void => {
  for (const end = performance.now() + ms; performance.now() < end; );
}
const distant = (server: TestRedis): DistantRedis => server as DistantRedis

/** ms in which a process that starts has read all of state into its own files. */
const COPIED = 8_000

/** With both places away nobody knows what a mirrored category holds. State has a copy in our own files. */
const isUnknowable: Fault['mayFail'] = ({ op, code }) => op === 'cache.get' && code === 'CACHE_UNAVAILABLE'

const gone: Fault[] = [
  {
    name: 'crash',
    arena: { args: durable },
    inject: ({ primary }) => primary.crash(),
    heal: ({ primary }) => primary.restart(),
  },
  {
    name: 'graceful stop',
    arena: { args: durable },
    inject: ({ primary }) => primary.stop(),
    heal: ({ primary }) => primary.restart(),
  },
  {
    name: 'freeze',
    inject: async ({ primary }) => primary.freeze(),
    heal: async ({ primary }) => primary.thaw(),
  },
  {
    name: 'empty restart',
    loses: true,
    inject: ({ primary }) => primary.crash(),
    heal: ({ primary }) => primary.restart(),
  },
  {
    name: 'rollback',
    loses: true,
    inject: async ({ primary, command }) => {
      await command('SAVE')
      await pause(300) // writes and deletes that the snapshot doesn't know
      await primary.crash()
    },
    heal: ({ primary }) => primary.restart(),
  },
  {
    name: 'promotion',
    arena: { wire: true, args: ['--repl-diskless-sync', 'no'] },
    loses: true,
    inject: async ({ primary, wire, ends }) => {
      const replica = await openRedis({
        args: ['--replicaof', '127.0.0.1', `${primary.port}`, '--repl-diskless-sync', 'no'],
      })
      ends.push(replica.remove)
      const admin = new Redis(replica.port)
      ends.push(async () => admin.disconnect())
      await until('the replica follows', async () => /master_link_status:up/.test(await admin.info('replication')))
      await primary.crash()
      await admin.replicaof('NO', 'ONE')
      await pause(500)
      wire.retarget(replica.port)
    },
    heal: async () => undefined,
  },
  {
    name: 'loading',
    loses: true, // what it writes at its end is all there, but nothing says so
    arena: { args: ['--save', '3600 1', '--enable-debug-command', 'yes'] },
    inject: async ({ primary, command }) => {
      await command('DEBUG', 'POPULATE', 20_000, 'foreign')
      await primary.stop()
      const slowly = ['--key-load-delay', '70', '--loading-process-events-interval-bytes', '1024']
      await primary.restart(['--save', '3600 1', ...slowly])
    },
    heal: async () => undefined,
    shows: 'whatever',
  },
  {
    name: 'silent partition',
    skip: noNamespaces,
    arena: { open: openDistantRedis },
    inject: async ({ primary }) => distant(primary).cut(),
    heal: async ({ primary }) => distant(primary).heal(),
  },
  {
    name: 'both instances crash',
    mayFail: isUnknowable,
    after: COPIED,
    arena: { args: durable },
    inject: ({ primary, secondary }) => Promise.all([primary.crash(), secondary.crash()]),
    heal: async ({ primary, secondary }) => {
      await Promise.all([primary.restart(), secondary.restart()])
    },
    loses: true,
  },
  {
    name: 'both instances freeze',
    mayFail: isUnknowable,
    after: COPIED,
    inject: async ({ primary, secondary }) => [primary, secondary].map((server) => server.freeze()),
    heal: async ({ primary, secondary }) => [primary, secondary].map((server) => server.thaw()),
  },
  {
    name: 'flapping',
    lasts: 0,
    shows: 'whatever',
    inject: async ({ primary }) => {
      for (let i = 0; i < 5; i++) {
        primary.freeze()
        await pause(300)
        primary.thaw()
        await pause(300)
      }
    },
    heal: async () => undefined,
  },
]

const stalls: Fault[] = [
  {
    name: 'pause of 100 ms',
    shows: 'nothing',
    lasts: 300,
    inject: ({ command }) => command('CLIENT', 'PAUSE', 100, 'ALL'),
    heal: async () => undefined,
  },
  {
    name: 'pause of writes, 800 ms',
    shows: 'whatever',
    inject: ({ command }) => command('CLIENT', 'PAUSE', 800, 'WRITE'),
    heal: async () => undefined,
  },
  {
    name: 'stall of the event loop',
    alone: true,
    shows: 'nothing',
    lasts: 0,
    inject: async () => {
      for (const ms of [150, 300, 500]) {
        await pause(50) // calls are under way
        spin(ms)
      }
      await pause(300)
    },
    heal: async () => undefined,
  },
  {
    name: 'busy script',
    arena: { args: ['--busy-reply-threshold', '200'] },
    inject: async ({ background }) => background('EVAL', 'while true do end', 0),
    heal: ({ command }) => command('SCRIPT', 'KILL'),
  },
]

const wires: Fault[] = [
  wired('one-way loss', 'hold'),
  wired('partition of the wire', 'cut'),
  wired('reset', 'reset'),
  wired('gray slowness', 'delay', { shows: 'whatever', lasts: 2_500 }),
  wired('drip', 'drip', { shows: 'whatever' }),
  wired('garbage', 'garbage'),
  wired('truncated replies', 'truncate'),
  {
    name: 'connections killed',
    shows: 'whatever',
    lasts: 300,
    inject: ({ command }) => command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'),
    heal: async () => undefined,
  },
]

const refusals: Fault[] = [
  {
    name: 'out of memory',
    shows: 'unwritable',
    inject: config('maxmemory', '900kb'),
    heal: config('maxmemory', 0),
  },
  {
    name: 'read-only replica',
    shows: 'unwritable',
    inject: ({ command }) => command('REPLICAOF', '127.0.0.1', 1),
    heal: ({ command }) => command('REPLICAOF', 'NO', 'ONE'),
  },
  {
    name: 'replica without its master',
    arena: { args: ['--replica-serve-stale-data', 'no'] },
    inject: ({ command }) => command('REPLICAOF', '127.0.0.1', 1),
    heal: ({ command }) => command('REPLICAOF', 'NO', 'ONE'),
  },
  {
    name: 'no replicas',
    shows: 'unwritable',
    inject: config('min-replicas-to-write', 1),
    heal: config('min-replicas-to-write', 0),
  },
  {
    name: 'disk fault',
    shows: 'unwritable',
    arena: { args: ['--save', '3600 1'] },
    inject: async ({ primary, command }) => {
      mkdirSync(join(primary.dir, 'dump.rdb'))
      await command('SET', 'foreign', 1)
      await command('BGSAVE')
    },
    heal: async ({ primary, command }) => {
      rmSync(join(primary.dir, 'dump.rdb'), { recursive: true })
      await command('BGSAVE')
    },
  },
  {
    name: 'max clients',
    inject: async ({ command }) => {
      await command('CONFIG', 'SET', 'maxclients', 1)
      await command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    },
    heal: config('maxclients', 100),
  },
  {
    name: 'password changed',
    arena: { args: ['--requirepass', 'right'], login: ':right' },
    inject: async ({ command }) => {
      await command('CONFIG', 'SET', 'requirepass', 'other')
      await command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    },
    heal: config('requirepass', 'right'),
  },
]

/** Nothing is wrong with the instance: only calls on these keys are concerned. */
const keys: Fault[] = [
  {
    name: 'ACL denies a category',
    arena: { args: ['--user', 'app', 'on', '>pw', '~*', '&*', '+@all'], login: 'app:pw' },
    shows: 'nothing',
    inject: ({ command }) =>
      command('ACL', 'SETUSER', 'app', 'resetkeys', '~*mr:*', '~orders:*', '~menu:*', '~baskets:*'),
    heal: ({ command }) => command('ACL', 'SETUSER', 'app', 'allkeys'),
    mayFail: (call) => /^(analytics|notifications|visits|fills)/.test('key' in call ? call.key : call.scope),
  },
  {
    name: 'foreign type at our keys',
    shows: 'nothing',
    loses: true,
    inject: async ({ command }) => {
      for (const key of ['analytics.k0', 'analytics.k1', 'visits.k0']) {
        await command('DEL', `analytics:${key}`)
        await command('HSET', `analytics:${key}`, 'field', 'value')
      }
    },
    heal: async () => undefined,
    mayFail: ({ op, code }) => op === 'cache.increment' && code === 'CACHE_INVALID_VALUE',
  },
  {
    name: 'FLUSHALL',
    shows: 'nothing',
    loses: true,
    blinds: true,
    lasts: 8_000, // an instance that is up is looked at every 5 s
    inject: ({ command }) => command('FLUSHALL'),
    heal: async () => undefined,
  },
]

export const faults: readonly Fault[] = [...gone, ...stalls, ...wires, ...refusals, ...keys]
