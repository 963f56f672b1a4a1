import { writeFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { afterEach, describe, expect, it } from 'vitest'
import { createEmitter } from '../../src/events.ts'
import { openDurable } from '../../src/failover/journal/durable.ts'
import { openTiers } from '../../src/open.ts'
import type { Report } from '../../src/report.ts'
import { readSettings } from '../../src/settings/read-settings.ts'
import type { RedisTiersOptions } from '../../types/index.ts'
import { testFolder } from '../support/folder.ts'
import { startTestRedis } from '../support/redis-server.ts'
import { heard, openTestTiers } from '../support/tiers.ts'
import { until } from '../support/until.ts'

const cleanUps: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

const twoServers = () => Promise.all([startTestRedis(), startTestRedis()])

describe('health and events, without a plugin', () => {
  it('tells what is known before the first call, and after it', async () => {
    const [primary, secondary] = await twoServers()
    const { tiers, changes } = openTestTiers({ REDIS_PRIMARY_URL: primary.url, REDIS_SECONDARY_URL: secondary.url })
    expect(tiers.health()).toMatchObject({ status: 'ok', instances: [{ state: 'probing' }, { state: 'probing' }] })

    await tiers.cache.set('a', 1, { category: 'analytics' })
    // The other one may not have been asked yet: that speaks against nothing.
    const nothing = { standsInFor: [], journal: { entries: 0, bytes: 0 } }
    expect(tiers.health()).toMatchObject({
      status: 'ok',
      instances: [
        {
          ...nothing,
          name: 'primary',
          state: 'up',
          readable: true,
          writable: true,
          categories: ['auth', 'orders', 'notifications', 'analytics'],
        },
        { ...nothing, name: 'secondary', categories: ['user', 'menu', 'ml', 'cache'] },
      ],
    })
    await tiers.cache.set('a', 1, { category: 'menu' })
    expect(tiers.health()).toMatchObject({ status: 'ok', instances: [{ state: 'up' }, { state: 'up' }] })
    expect([...changes].sort()).toEqual(['primary probing -> up', 'secondary probing -> up'])
  })

  it('an instance that refuses writes is degraded, and its categories move until it takes them again', async () => {
    const lines = heard()
    const [primary, secondary] = await twoServers()
    const { tiers, failovers, failbacks } = openTestTiers({
      ...{ REDIS_PRIMARY_URL: primary.url, REDIS_SECONDARY_URL: secondary.url },
    })
    await tiers.cache.set('a', 1)
    await tiers.cache.set('b', 1)
    const admin = new Redis(secondary.url)
    cleanUps.push(() => admin.disconnect())
    await admin.config('SET', 'maxmemory', '1')
    await tiers.cache.set('a', 2)
    expect(await tiers.cache.getEntry('a')).toMatchObject({ value: 2, source: 'primary', degraded: true })
    expect(await tiers.cache.getEntry('b')).toMatchObject({ value: 1, source: 'secondary' })
    expect(tiers.health()).toMatchObject({
      status: 'degraded',
      instances: [{ standsInFor: ['user', 'menu', 'cache'] }, { readable: true, writable: false }],
    })
    expect(failovers.map(({ category }) => category)).toEqual(['user', 'menu', 'cache'])
    await admin.config('SET', 'maxmemory', '0')
    await until('it takes writes again', () => tiers.health().status === 'ok')
    await until('it has got what it missed', () => failbacks.length === 3)
    expect(failbacks).toMatchObject([
      { category: 'user', to: 'secondary', replayed: 1 },
      { category: 'menu' },
      { category: 'cache' },
    ])
    expect(tiers.health().instances[1]?.journal.entries).toBe(0)
    expect(await tiers.cache.get('a')).toBeUndefined()
    expect(await tiers.cache.get('b')).toBe(1)
    expect(lines).toEqual([
      expect.stringMatching(/secondary {2}refuses writes {2}out of memory.*; primary stands in for user menu cache/),
      'motia-redis  secondary  up again',
    ])
  })

  it('says a wrong password once, with the variable it is in and without the password', async () => {
    const lines = heard()
    const primary = await startTestRedis({ args: ['--requirepass', 'the-right-one'] })
    const url = primary.url.replace('redis://', 'redis://:the-wrong-one@')
    const { tiers } = openTestTiers({ REDIS_PRIMARY_URL: url })
    const text = 'wrong user or password in REDIS_PRIMARY_URL'
    expect(await tiers.cache.get('a')).toBeUndefined()
    const thrown: unknown = await tiers.state.get('g', 'k').catch((error) => error)
    await until('it is said', () => lines.some((line) => line.includes('DOWN')))
    expect(lines.join('\n')).toContain(text)
    expect(tiers.health().instances[0]?.reason).toBe(text)
    expect(`${lines.join('\n')}${JSON.stringify(tiers.health())}${thrown}`).not.toContain('the-wrong-one')
  })

  it('two instances on one server neither stand in for each other nor have copies of each other', async () => {
    const [redis, third] = await twoServers()
    const env = { REDIS_PRIMARY_URL: `${redis.url}/0`, REDIS_SECONDARY_URL: `${redis.url}/1` }
    const direct = [new Redis(`${redis.url}/1`), new Redis(third.url)]
    cleanUps.push(() => {
      for (const each of direct) each.disconnect()
    })
    const copies = () => Promise.all(direct.map((each) => each.keys('~mr:mirror:*')))
    const opened = async (more: Readonly<Record<string, string>> = {}) => {
      const { tiers } = openTestTiers({ ...env, ...more })
      // Shelves and connections are there before it is known.
      for (const category of ['orders', 'menu'] as const) await tiers.cache.get('none', { category })
      await tiers.state.get('g', 'none')
      return tiers
    }
    const alone = await opened()
    await alone.cache.set('a', 1, { category: 'orders' })
    await alone.state.set('g', 'a', 1)
    expect(await copies()).toEqual([[], []])
    expect(await direct[0]?.keys('~mr:state:*')).toEqual([])
    alone.drill('secondary', { seconds: 60 })
    await alone.cache.set('b', 2, { category: 'menu' })
    expect(await alone.cache.getEntry('b', { category: 'menu' })).toMatchObject({ source: 'embedded' })
    await alone.close()

    const tiers = await opened({ REDIS_THIRD_URL: third.url, REDIS_THIRD_TYPES: 'rooms' })
    await tiers.cache.set('c', 1, { category: 'orders' })
    expect(await copies()).toEqual([[], ['~mr:mirror:primary:orders:c']])
    tiers.drill('secondary', { seconds: 60 })
    await tiers.cache.set('d', 2, { category: 'menu' })
    expect(await tiers.cache.getEntry('d', { category: 'menu' })).toMatchObject({ source: 'third' })
  })

  it('without any URL the loud line comes with the first call', async () => {
    const lines = heard()
    const { tiers } = openTestTiers({})
    expect(lines).toEqual([])
    await tiers.cache.set('a', 1)
    expect(lines.join('\n')).toMatch(/files/)
  })
})

describe('close', () => {
  it('of tiers that were never used opens nothing, and later calls say so', async () => {
    const { tiers } = openTestTiers({ REDIS_PRIMARY_URL: 'redis://127.0.0.1:1' })
    await tiers.close()
    await expect(tiers.cache.get('a')).rejects.toMatchObject({ code: 'CACHE_CLOSED' })
    await expect(tiers.cache.set('a', 1, { category: 'menu' })).rejects.toMatchObject({
      code: 'CACHE_CLOSED',
      operation: 'set',
      category: 'menu',
    })
    await expect(tiers.cache.category('orders').getOrSet('a', () => 1)).rejects.toMatchObject({
      code: 'CACHE_CLOSED',
      operation: 'getOrSet',
      category: 'orders',
    })
    await expect(tiers.cache.clear({ category: 'menu' })).rejects.toMatchObject({
      operation: 'clear',
      category: 'menu',
    })
    await expect(tiers.state.get('g', 'k')).rejects.toThrow(/^STATE_UNAVAILABLE/)
  })

  it('of tiers that could not be opened ends well: who called heard why', async () => {
    heard()
    const { tiers } = openTestTiers({ MOTIA_REDIS_DIR: '/dev/null/none' })
    const call = expect(tiers.cache.get('a')).rejects.toThrow()
    const closing = tiers.close()
    await call
    await closing
  })

  it('ends also when a server is frozen', async () => {
    heard()
    const primary = await startTestRedis()
    const { tiers } = openTestTiers({ REDIS_PRIMARY_URL: primary.url, MOTIA_REDIS_DEADLINE_WRITE: '3s' })
    await tiers.cache.set('a', 1)
    primary.freeze()
    cleanUps.push(() => primary.thaw())
    await tiers.close()
    await expect(tiers.cache.get('a')).rejects.toMatchObject({ code: 'CACHE_CLOSED' })
  })
})

describe('after close', () => {
  it('calls say so, also while an instance is away and a miss would be right', async () => {
    heard()
    const [primary, secondary] = await twoServers()
    const { tiers } = openTestTiers({ REDIS_PRIMARY_URL: primary.url, REDIS_SECONDARY_URL: secondary.url })
    await tiers.cache.set('a', 1)
    await secondary.crash()
    expect(await tiers.cache.get('a')).toBeUndefined()
    await tiers.close()
    await expect(tiers.cache.get('a')).rejects.toMatchObject({ code: 'CACHE_CLOSED' })
  })
})

describe('events', () => {
  it('an unknown event is refused by name', () => {
    const { tiers } = openTestTiers({ REDIS_PRIMARY_URL: 'redis://127.0.0.1:1' })
    expect(() => tiers.on('failovre' as 'failover', () => undefined)).toThrow(/no event 'failovre'.*instance:state/)
  })

  it('a listener that throws is reported and stops nothing', async () => {
    const lines: string[] = []
    const report: Report = { info: () => undefined, warn: () => undefined, error: (line) => void lines.push(line) }
    const events = createEmitter(report)
    const seen: string[] = []
    events.on('failback', () => {
      throw new Error('mine')
    })
    const stop = events.on('failback', ({ category }) => void seen.push(category))
    events.emit('failback', { category: 'menu', to: 'secondary', replayed: 0, ms: 1 })
    stop()
    events.emit('failback', { category: 'user', to: 'secondary', replayed: 0, ms: 1 })
    await setImmediate()
    expect(seen).toEqual(['menu'])
    expect(lines).toEqual(["a listener for 'failback' threw: mine", "a listener for 'failback' threw: mine"])
  })
})

describe('start', () => {
  const start = async (env: Readonly<Record<string, string>>, options: RedisTiersOptions = {}) => {
    const said: string[] = []
    const report: Report = {
      info: (l) => void said.push(l),
      warn: (l) => void said.push(l),
      error: (l) => void said.push(l),
    }
    const all = { MOTIA_REDIS_DIR: testFolder(), ...env }
    const settings = readSettings(options, { env: all, baseDir: testFolder(), production: false })
    const tiers = openTiers(settings, { report, events: createEmitter(report) })
    cleanUps.push(() => tiers.close())
    return { lines: await tiers.start(), said, tiers }
  }

  it('one line per instance, with what its server says', async () => {
    const [primary, secondary] = await twoServers()
    await secondary.stop()
    const { lines, said } = await start({ REDIS_PRIMARY_URL: primary.url, REDIS_SECONDARY_URL: secondary.url })
    expect(lines).toEqual([
      expect.stringMatching(
        /^primary {4}up {4}\d+ ms {2}Redis \d+\.\d+\.\d+ {2}[\d.]+ MB {2}auth orders notifications analytics, state$/,
      ),
      'secondary  DOWN  connection refused at the address in REDIS_SECONDARY_URL; ' +
        'primary stands in for user menu cache; not kept until it is back: ml',
    ])
    expect(said).toEqual([])
  })

  it('says that two instances are one server, and warns of settings that lose or hoard state', async () => {
    const redis = await startTestRedis({ args: ['--maxmemory', '30mb', '--maxmemory-policy', 'allkeys-lru'] })
    const env = { REDIS_PRIMARY_URL: `${redis.url}/0`, REDIS_SECONDARY_URL: `${redis.url}/1` }
    const { said } = await start(env, { state: { ttl: false } })
    expect(said).toEqual([
      expect.stringMatching(/^primary and secondary are the same Redis server.*neither stands in.*REDIS_SECONDARY_URL/),
      expect.stringMatching(/^primary may evict workflow state .*allkeys-lru/),
      expect.stringMatching(/^state never expires/),
    ])
  })

  it('names the writes of earlier outages that never reached their home', async () => {
    const [primary, secondary] = await twoServers()
    const env = {
      REDIS_PRIMARY_URL: primary.url,
      REDIS_SECONDARY_URL: secondary.url,
      MOTIA_REDIS_DIR: testFolder(),
    }
    const before = openDurable(readSettings({}, { env, baseDir: '/', production: false }), 'aaaaaaaa', {
      report: { info: () => undefined, warn: () => undefined, error: () => undefined },
      onFull: () => undefined,
    })
    const kept = (scope: string) => ({ kind: 'tombstone' as const, scope, key: 'a', version: before.clock.next() })
    await before.journal?.append('primary', [kept('c:orders'), kept('c:auth'), kept('g:flow')])
    for await (const batch of before.journal?.batches('primary', 10) ?? []) {
      await before.journal?.setAside('primary', batch, 'older than 24 h')
    }
    await before.journal?.close()
    const { said, tiers } = await start(env)
    expect(said).toEqual([
      expect.stringMatching(
        /^primary {2}3 writes that never reached it lie apart \(orders 1, auth 1, state 1\), the first since \d{4}-.*Z: older than 24 h$/,
      ),
    ])
    expect(tiers.health().instances.map(({ journal }) => journal.aside)).toEqual([3, undefined])
  })

  it('says nothing of a server that fits', async () => {
    const redis = await startTestRedis({ args: ['--maxmemory', '30mb', '--maxmemory-policy', 'volatile-lru'] })
    const { said } = await start({ REDIS_PRIMARY_URL: redis.url })
    expect(said).toEqual([
      'one Redis only: primary is home of every category and of state; files of this machine stand in for it',
    ])
  })
})

describe('embedded instances', () => {
  it('a folder that cannot be written is said at start', async () => {
    const { dir } = await startTestRedis()
    writeFileSync(`${dir}/file`, '')
    const report: Report = { info: () => undefined, warn: () => undefined, error: () => undefined }
    const settings = readSettings({}, { env: { MOTIA_REDIS_DIR: `${dir}/file` }, baseDir: dir, production: false })
    const tiers = openTiers(settings, { report, events: createEmitter(report) })
    cleanUps.push(() => tiers.close())
    const lines = await tiers.start()
    expect(lines).toEqual([
      expect.stringMatching(/^primary {4}DOWN {2}.*unavailable/),
      expect.stringMatching(/^secondary {2}DOWN {2}.*unavailable/),
    ])
    expect(tiers.health().status).toBe('outage')
  })
})
