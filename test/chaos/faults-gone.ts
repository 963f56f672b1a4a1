import { Redis } from 'ioredis'
import { openRedis, type TestRedis } from '../support/redis-process.ts'
import { until } from '../support/until.ts'
import { isExplained } from './explained.ts'
import { durable, type Fault, pause } from './fault.ts'
import { type DistantRedis, noNamespaces, openDistantRedis } from './namespace.ts'

const distant = (server: TestRedis): DistantRedis => server as DistantRedis

/** ms in which a process that starts has read all of state into its own files. */
const COPIED = 11_000

/** With both places away nobody knows what a mirrored category holds. State has a copy in our own files. */
const isUnknowable: Fault['mayFail'] = (call) => isExplained(call, 2)

const eitherOne = ['primary', 'secondary, degraded']
/** It has just been thawed. */
const mayBeBack = { cached: eitherOne, kept: eitherOne }
const embedded = { cached: ['embedded, degraded'], kept: ['embedded, degraded'] }
const flap = async (server: TestRedis, ms: number, frozen = 300): Promise<void> => {
  for (const end = performance.now() + ms; performance.now() < end; ) {
    server.freeze()
    await pause(frozen)
    server.thaw()
    await pause(300)
  }
}

/** It can't be reached, or comes back as another one. */
export const gone: readonly Fault[] = [
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
    serves: mayBeBack,
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
      await wire?.retarget(replica.port)
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
    serves: embedded,
    fails: ['cache.get CACHE_UNAVAILABLE'],
    mayFail: isUnknowable,
    both: true,
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
    serves: embedded,
    fails: ['cache.get CACHE_UNAVAILABLE'],
    mayFail: isUnknowable,
    both: true,
    after: COPIED,
    inject: async ({ primary, secondary }) => [primary, secondary].map((server) => server.freeze()),
    heal: async ({ primary, secondary }) => [primary, secondary].map((server) => server.thaw()),
  },
  {
    name: 'flapping',
    // A stop of 300 ms may be ridden out: where nobody calls, two questions in a row must fall into it, and it is asked
    // once a second. What is demanded then is that nothing goes wrong, and four falls at most. Writers notice.
    must: { idle: 'nothing' },
    lasts: 0,
    inject: ({ primary }) => flap(primary, 3_000),
    heal: async () => undefined,
    serves: mayBeBack,
  },
  {
    // First of all, because it takes longest. A whole minute of it is in `npm run bench -- outage`.
    name: 'flapping on and on',
    idleOnly: true,
    writers: 2,
    lasts: 0,
    back: 80_000,
    inject: ({ primary }) => flap(primary, 25_000, 500), // long enough for a busy machine to notice
    heal: async () => undefined,
    serves: mayBeBack,
  },
]
