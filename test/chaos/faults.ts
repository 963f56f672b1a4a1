import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { config, type Fault, pause, wired } from './fault.ts'
import { clocks } from './faults-clock.ts'
import { gone } from './faults-gone.ts'
import { cacheKey } from './places.ts'

const spin = (ms: number): void => {
  for (const end = performance.now() + ms; performance.now() < end; );
}

/** What can't be moved in the time of a call is done by the other one; what that hasn't got is a miss. */
const known = ['primary', 'primary, degraded', 'secondary, degraded', 'embedded, degraded']
const inTime = { cached: [...known, 'nobody'], kept: known }

const stalls: Fault[] = [
  {
    name: 'pause of 100 ms',
    shows: 'nothing',
    answers: true,
    lasts: 300,
    inject: ({ command }) => command('CLIENT', 'PAUSE', 100, 'ALL'),
    heal: async () => undefined,
  },
  {
    name: 'pause of writes, 800 ms',
    // Who writes nothing meanwhile doesn't notice. Afterwards it is as ever, at once or after two good answers.
    shows: 'unwritable at most',
    must: { idle: 'nothing', load: 'unwritable' },
    // What was written while it wasn't lies elsewhere, until it has been brought home.
    serves: { cached: ['primary', 'secondary, degraded'], kept: known },
    after: 0,
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
  wired('gray slowness', 'delay', { shows: 'nothing', lasts: 2_500, serves: inTime }),
  wired('drip', 'drip', { shows: 'unwritable at most', serves: inTime }),
  wired('garbage', 'garbage'),
  wired('truncated replies', 'truncate'),
  {
    name: 'connections killed',
    shows: 'nothing',
    // What was on its way just then may still wait in the journal.
    serves: { kept: ['primary', 'primary, degraded'] },
    lasts: 300,
    inject: ({ command }) => command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'),
    heal: async () => undefined,
  },
]

/** What waits for home is known from the journal. */
const fromJournal = { kept: ['embedded, degraded'] }

const refusals: Fault[] = [
  {
    name: 'out of memory',
    answers: true,
    serves: fromJournal,
    shows: 'unwritable',
    inject: config('maxmemory', '900kb'),
    heal: config('maxmemory', 0),
  },
  {
    name: 'read-only replica',
    answers: true,
    serves: fromJournal,
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
    answers: true,
    serves: fromJournal,
    shows: 'unwritable',
    inject: config('min-replicas-to-write', 1),
    heal: config('min-replicas-to-write', 0),
  },
  {
    name: 'disk fault',
    answers: true,
    serves: fromJournal,
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

const ofOthers = ['analytics/k0', 'analytics/k1', 'visits/k0']

/** Nothing is wrong with the instance: only calls on these keys are concerned. */
const keys: Fault[] = [
  {
    name: 'ACL denies a category',
    answers: true,
    serves: { cached: ['CACHE_UNAVAILABLE'] },
    fails: ['get', 'set', 'delete', 'getOrSet', 'increment'].map((call) => `cache.${call} CACHE_UNAVAILABLE`),
    arena: { args: ['--user', 'app', 'on', '>pw', '~*', '&*', '+@all'], login: 'app:pw' },
    shows: 'nothing',
    inject: ({ command }) =>
      command('ACL', 'SETUSER', 'app', 'resetkeys', '~*mr:*', '~orders:*', '~menu:*', '~baskets:*'),
    heal: ({ command }) => command('ACL', 'SETUSER', 'app', 'allkeys'),
    mayFail: (call) =>
      call.code === 'CACHE_UNAVAILABLE' &&
      /^(analytics|notifications|visits|fills)/.test('key' in call ? call.key : call.scope),
  },
  {
    name: 'foreign type at our keys',
    answers: true,
    fails: ['cache.increment CACHE_INVALID_VALUE'],
    shows: 'nothing',
    loses: true,
    foreign: ofOthers,
    inject: async ({ command }) => {
      // In one go: a write in between would make the second an error of its own.
      const replace = "redis.call('DEL', KEYS[1]) redis.call('HSET', KEYS[1], 'field', 'value')"
      for (const key of ofOthers.map(cacheKey)) await command('EVAL', replace, '1', `analytics:${key}`)
    },
    heal: async () => undefined,
    mayFail: ({ op, code }) => op === 'cache.increment' && code === 'CACHE_INVALID_VALUE',
  },
  {
    name: 'FLUSHALL',
    answers: true,
    shows: 'nothing',
    loses: true,
    blinds: true,
    lasts: 8_000, // an instance that is up is looked at every 5 s
    inject: ({ command }) => command('FLUSHALL'),
    heal: async () => undefined,
  },
]

/**
 * What isn't among them is no fault of a server that runs, or of one server: a host name, a password or a certificate that
 * is wrong from the start, and a value too large (from-the-start), clients that vanished (zombies), our own processes
 * killed (nemesis), a subscriber cut off (integration/l1/link), workflow state that may be evicted (integration/tiers).
 */
export const faults: readonly Fault[] = [...gone, ...clocks, ...stalls, ...wires, ...refusals, ...keys]
