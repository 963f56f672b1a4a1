import { describe, expect, it } from 'vitest'
import { readSettings } from '../../../src/settings/read-settings.ts'
import { type AdviceFacts, adviceOn } from '../../../src/sight/advice.ts'
import type { InstanceView } from '../../../src/sight/contract.ts'
import type { RedisTiersOptions } from '../../../types/index.ts'

const MB = 1024 * 1024
const urls = { REDIS_PRIMARY_URL: 'redis://127.0.0.1:1', REDIS_SECONDARY_URL: 'redis://127.0.0.1:2' }
const settingsOf = (env: Record<string, string> = urls, options: RedisTiersOptions<Record<string, unknown>> = {}) =>
  readSettings(options, { env, baseDir: '/', production: false })

const view = (name: string, more: Partial<InstanceView> = {}): InstanceView => ({
  ...{ name, kind: 'redis', state: 'up', since: 0, reason: undefined, readable: true, writable: true },
  ...{ latencies: [1], latency: 1, serverVersion: '7.4.2', role: 'master' },
  memory: { used: 10 * MB, max: 30 * MB, policy: 'volatile-lru' },
  ...{ live: undefined, tracking: 'on', categories: [], standsInFor: [], holdsState: name === 'primary' },
  ...{ journal: { entries: 0, bytes: 0, oldest: undefined, aside: 0 }, recovery: undefined },
  ...more,
})

const facts = (more: Partial<AdviceFacts> = {}): AdviceFacts => ({
  settings: settingsOf(),
  production: false,
  instances: [view('primary'), view('secondary')],
  serverOf: () => undefined,
  otherRouting: [],
  growing: new Set(),
  journal: true,
  ...more,
})

const secondary = (more: Partial<InstanceView>, rest: Partial<AdviceFacts> = {}) =>
  adviceOn(facts({ instances: [view('primary'), view('secondary', more)], ...rest }))

const down: Partial<InstanceView> = { state: 'down', readable: false, writable: false }

describe('advice', () => {
  it('there is none while all is well', () => {
    expect(adviceOn(facts())).toEqual([])
  })

  it.each<[name: string, given: AdviceFacts, level: string, text: RegExp, doThis: RegExp]>([
    [
      'one server under two names',
      facts({ serverOf: () => ({ server: { runId: 'a', version: '7', role: 'master' } }) }),
      ...(['error', /^primary and secondary are the same Redis server/, /REDIS_SECONDARY_URL another server/] as const),
    ],
    [
      'eviction of state',
      facts({ serverOf: () => ({ memory: { used: 1, max: 2, policy: 'allkeys-lru' } }) }),
      ...(['warning', /^primary may evict workflow state.*allkeys-lru/, /volatile-lru or noeviction/] as const),
    ],
    [
      'state that never ends',
      facts({
        settings: settingsOf(urls, { state: { ttl: false } }),
        serverOf: () => ({ memory: { used: 1, max: 2, policy: 'noeviction' } }),
      }),
      ...(['warning', /^state never expires/, /set a state.ttl/] as const),
    ],
    [
      'a plain connection to elsewhere',
      facts({ settings: settingsOf({ ...urls, REDIS_SECONDARY_URL: 'redis://redis.example:6379' }) }),
      ...(['note', /^secondary: redis:\/\/ sends password and data unencrypted$/, /rediss:\/\//] as const),
    ],
    [
      'the same in production',
      facts({ settings: settingsOf({ ...urls, REDIS_SECONDARY_URL: 'redis://redis.example:6379' }), production: true }),
      ...(['warning', /^secondary: redis:\/\//, /rediss:\/\//] as const),
    ],
    [
      'a long way',
      facts({
        settings: settingsOf({ ...urls, REDIS_SECONDARY_URL: 'rediss://redis.example:6379' }),
        instances: [view('primary'), view('secondary', { latency: 55.4 })],
      }),
      ...(['note', /^secondary answers in 55 ms/, /nearer/] as const),
    ],
    [
      'no Redis',
      facts({ settings: settingsOf({}), instances: [view('primary', { kind: 'embedded', memory: undefined })] }),
      ...(['note', /^there is no Redis/, /REDIS_PRIMARY_URL/] as const),
    ],
    [
      'one instance only',
      facts({ settings: settingsOf({ REDIS_PRIMARY_URL: urls.REDIS_PRIMARY_URL }), instances: [view('primary')] }),
      ...(['note', /^there is one Redis only/, /REDIS_SECONDARY_URL/] as const),
    ],
    [
      'no folder for the journal',
      facts({ journal: false }),
      ...(['error', /^no folder can be used/, /MOTIA_REDIS_DIR/] as const),
    ],
    [
      'another routing',
      facts({ otherRouting: ['abcd0123'] }),
      ...(['warning', /other instances than this one \(abcd0123\)/, /the same configuration/] as const),
    ],
  ])('%s', (_, given, level, text, doThis) => {
    expect(adviceOn(given)).toEqual([
      { level, text: expect.stringMatching(text), doThis: expect.stringMatching(doThis) },
    ])
  })

  it.each<[name: string, given: Partial<InstanceView>, level: string, text: RegExp, doThis: RegExp]>([
    [
      'a replica',
      { role: 'slave', writable: false },
      ...(['error', /^secondary is a replica/, /REDIS_SECONDARY_URL at the primary/] as const),
    ],
    [
      'one that is down',
      { state: 'down', readable: false, writable: false, reason: 'connection refused' },
      ...(['error', /^secondary is down: connection refused$/, /correct REDIS_SECONDARY_URL/] as const),
    ],
    [
      'a drill',
      { state: 'down', readable: false, writable: false, reason: 'drill: treated as gone until then' },
      ...(['note', /^a drill is going on at secondary$/, /wait/] as const),
    ],
    [
      'one that takes no writes',
      { writable: false, reason: 'out of memory' },
      ...(['error', /^secondary takes no writes: out of memory$/, /make room/] as const),
    ],
    [
      'a stand-in',
      { standsInFor: ['auth', 'orders', 'user'] },
      ...(['note', /^secondary stands in for auth, orders and user$/, /memory/] as const),
    ],
    [
      'little room',
      { memory: { used: 26 * MB, max: 30 * MB, policy: 'volatile-lru' } },
      ...(['warning', /^secondary is 87 % full$/, /maxmemory.*REDIS_SECONDARY_TYPES/] as const),
    ],
    [
      'hardly any room',
      { memory: { used: 29 * MB, max: 30 * MB, policy: 'volatile-lru' } },
      ...(['error', /^secondary is 97 % full$/, /maxmemory/] as const),
    ],
    [
      'eviction of copies of kept data',
      { memory: { used: 1 * MB, max: 30 * MB, policy: 'allkeys-lfu' } },
      ...(['warning', /^secondary may evict copies of kept data.*allkeys-lfu/, /volatile-lru or noeviction/] as const),
    ],
    [
      'refused tracking',
      { tracking: 'refused' },
      ...(['warning', /^secondary doesn't tell what changes/, /\+client\|tracking/] as const),
    ],
    [
      'writes set aside',
      { journal: { entries: 0, bytes: 0, oldest: undefined, aside: 2 } },
      ...(['warning', /^2 writes of earlier outages never reached secondary and lie apart$/, /Runbook/] as const),
    ],
  ])('%s', (_, given, level, text, doThis) => {
    expect(secondary(given)).toEqual([
      { level, text: expect.stringMatching(text), doThis: expect.stringMatching(doThis) },
    ])
  })

  it('a journal that grows, by whether its instance could take it', () => {
    const journal = { entries: 7, bytes: 700, oldest: 1, aside: 0 }
    const growing = new Set(['secondary'])
    expect(secondary({ journal }, { growing })).toMatchObject([
      {
        level: 'error',
        text: expect.stringMatching(/^7 writes wait for secondary/),
        doThis: expect.stringContaining('log'),
      },
    ])
    expect(secondary({ journal, writable: false }, { growing }).map(({ text }) => text)).toContainEqual(
      expect.stringMatching(/^7 writes wait/),
    )
    // While it becomes less, or nobody knows yet, nothing has to be done.
    expect(secondary({ journal })).toEqual([])
  })

  it('a server of this very machine is never far away, however slow', () => {
    expect(secondary({ latency: 55.4 })).toEqual([])
  })

  it('a memory without a limit is never full', () => {
    expect(secondary({ memory: { used: 1e12, max: 0, policy: 'allkeys-lru' } })).toEqual([])
  })

  it('what is urgent comes first, and who serves meanwhile is named', () => {
    const all = adviceOn(
      facts({
        settings: settingsOf({ ...urls, REDIS_PRIMARY_URL: 'rediss://redis.example:6379' }),
        instances: [
          view('primary', { standsInFor: ['menu'], latency: 80 }),
          view('secondary', { ...down, categories: ['menu', 'user'], tracking: 'refused' }),
          view('third', { standsInFor: ['ml'] }),
        ],
      }),
    )
    expect(all.map(({ level }) => level)).toEqual(['error', 'warning', 'note', 'note', 'note'])
    expect(all[0]?.doThis).toMatch(/; primary serves meanwhile$/)
  })

  it('whoever stands in for another instance is not said to serve for this one', () => {
    const instances = [
      view('primary', { standsInFor: ['menu'] }),
      view('secondary', { ...down, categories: ['menu'] }),
      view('third', { ...down, categories: ['ml'] }),
    ]
    const [, about] = adviceOn(facts({ instances })).filter(({ level }) => level === 'error')
    expect(about?.text).toBe('third is down')
    expect(about?.doThis).not.toContain('serves meanwhile')
  })
})
