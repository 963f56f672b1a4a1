import { writeFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createEmitter } from '../../src/events.ts'
import { openTiers } from '../../src/open.ts'
import type { Report } from '../../src/report.ts'
import { readSettings } from '../../src/settings/read-settings.ts'
import { redisTiers } from '../../src/tiers.ts'
import type { InstanceHealth, InstanceState, RedisTiersOptions } from '../../types/index.ts'
import { startTestRedis } from '../support/redis-server.ts'
import { until } from '../support/until.ts'

const cleanUps: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
  vi.restoreAllMocks()
})

const twoServers = () => Promise.all([startTestRedis(), startTestRedis()])

const tiersOver = (env: Record<string, string>) => {
  const tiers = redisTiers({ env })
  const changes: string[] = []
  tiers.on('instance:state', ({ name, state, writable }: InstanceHealth, previous: InstanceState) => {
    changes.push(`${name} ${previous} -> ${state}${writable ? '' : ' (no writes)'}`)
  })
  cleanUps.push(() => tiers.close())
  return { tiers, changes }
}

const heard = () => {
  const lines: string[] = []
  for (const level of ['log', 'warn', 'error'] as const)
    vi.spyOn(console, level).mockImplementation((line) => void lines.push(String(line)))
  return lines
}

describe('health and events, without a plugin', () => {
  it('tells what is known: before, while and after an instance is away', async () => {
    const lines = heard()
    const [primary, secondary] = await twoServers()
    const { tiers, changes } = tiersOver({ REDIS_PRIMARY_URL: primary.url, REDIS_SECONDARY_URL: secondary.url })
    expect(tiers.health()).toMatchObject({ status: 'ok', instances: [{ state: 'probing' }, { state: 'probing' }] })

    await tiers.cache.set('a', 1, { category: 'orders' })
    // The other one was not asked yet: that speaks against nothing.
    expect(tiers.health()).toMatchObject({
      status: 'ok',
      instances: [
        {
          name: 'primary',
          state: 'up',
          readable: true,
          writable: true,
          categories: expect.arrayContaining(['orders']),
        },
        { name: 'secondary', state: 'probing' },
      ],
    })
    await tiers.cache.set('a', 1, { category: 'menu' })
    await secondary.crash()
    await until('its loss is noticed', () => tiers.health().status === 'degraded')
    for (let call = 0; call < 20; call++)
      await expect(tiers.cache.get('a', { category: 'menu' })).rejects.toMatchObject({ code: 'CACHE_UNAVAILABLE' })
    expect(await tiers.cache.get('a', { category: 'orders' })).toBe(1)

    await secondary.restart()
    await until('it is back', () => tiers.health().status === 'ok')
    // However many calls failed: one event and one line for each change.
    expect(changes.filter((change) => change.startsWith('secondary'))).toEqual([
      'secondary probing -> up',
      'secondary up -> down (no writes)',
      'secondary down -> up',
    ])
    expect(lines.filter((line) => line.includes('secondary'))).toEqual([
      expect.stringMatching(/^motia-redis {2}secondary {2}DOWN/),
      expect.stringMatching(/^motia-redis {2}secondary {2}up again/),
    ])
  })

  it('an instance that refuses writes is degraded, and says so', async () => {
    heard()
    const primary = await startTestRedis()
    const { tiers } = tiersOver({ REDIS_PRIMARY_URL: primary.url })
    await tiers.cache.set('a', 1)
    const admin = new Redis(primary.url)
    cleanUps.push(() => admin.disconnect())
    await admin.config('SET', 'maxmemory', '1')
    await expect(tiers.cache.set('a', 2)).rejects.toMatchObject({ code: 'CACHE_UNAVAILABLE', applied: 'no' })
    expect(tiers.health()).toMatchObject({ status: 'degraded', instances: [{ readable: true, writable: false }] })
    expect(await tiers.cache.get('a')).toBe(1)
  })

  it('says a wrong password once, with the variable it is in and without the password', async () => {
    const lines = heard()
    const primary = await startTestRedis({ args: ['--requirepass', 'the-right-one'] })
    const url = primary.url.replace('redis://', 'redis://:the-wrong-one@')
    const { tiers } = tiersOver({ REDIS_PRIMARY_URL: url })
    const text = 'wrong user or password in REDIS_PRIMARY_URL'
    const thrown: unknown = await tiers.cache.get('a').catch((error) => error)
    expect(thrown).toMatchObject({ code: 'CACHE_UNAVAILABLE', message: expect.stringContaining(text) })
    await expect(tiers.state.get('g', 'k')).rejects.toThrow(text)
    await until('it is said', () => lines.some((line) => line.includes('DOWN')))
    expect(lines.join('\n')).toContain(text)
    expect(tiers.health().instances[0]?.reason).toBe(text)
    expect(`${lines.join('\n')}${JSON.stringify(tiers.health())}${thrown}`).not.toContain('the-wrong-one')
  })

  it('without any URL the loud line comes with the first call', async () => {
    const lines = heard()
    const { tiers } = tiersOver({ MOTIA_REDIS_DIR: (await startTestRedis()).dir })
    expect(lines).toEqual([])
    await tiers.cache.set('a', 1)
    expect(lines.join('\n')).toMatch(/files/)
  })
})

describe('close', () => {
  it('of tiers that were never used opens nothing, and later calls say so', async () => {
    const { tiers } = tiersOver({ REDIS_PRIMARY_URL: 'redis://127.0.0.1:1' })
    await tiers.close()
    await expect(tiers.cache.get('a')).rejects.toMatchObject({ code: 'CACHE_CLOSED' })
    await expect(tiers.state.get('g', 'k')).rejects.toThrow(/^STATE_UNAVAILABLE/)
  })

  it('ends also when a server is frozen', async () => {
    heard()
    const primary = await startTestRedis()
    const { tiers } = tiersOver({ REDIS_PRIMARY_URL: primary.url, MOTIA_REDIS_DEADLINE_WRITE: '3s' })
    await tiers.cache.set('a', 1)
    primary.freeze()
    cleanUps.push(() => primary.thaw())
    await tiers.close()
    await expect(tiers.cache.get('a')).rejects.toMatchObject({ code: 'CACHE_CLOSED' })
  })
})

describe('events', () => {
  it('an unknown event is refused by name', () => {
    const { tiers } = tiersOver({ REDIS_PRIMARY_URL: 'redis://127.0.0.1:1' })
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
  const start = async (env: Record<string, string>, options: RedisTiersOptions = {}) => {
    const said: string[] = []
    const report: Report = {
      info: (l) => void said.push(l),
      warn: (l) => void said.push(l),
      error: (l) => void said.push(l),
    }
    const settings = readSettings(options, { env, baseDir: process.cwd(), production: false })
    const tiers = openTiers(settings, { report, events: createEmitter(report) })
    cleanUps.push(() => tiers.close())
    return { lines: await tiers.start(), said }
  }

  it('one line per instance, with what its server says', async () => {
    const [primary, secondary] = await twoServers()
    await secondary.stop()
    const { lines, said } = await start({ REDIS_PRIMARY_URL: primary.url, REDIS_SECONDARY_URL: secondary.url })
    expect(lines).toEqual([
      expect.stringMatching(
        /^primary {4}up {4}\d+ ms {2}Redis \d+\.\d+\.\d+ {2}[\d.]+ MB {2}auth orders notifications analytics, state$/,
      ),
      expect.stringMatching(
        /^secondary {2}DOWN {2}connection refused at the address in REDIS_SECONDARY_URL; .*user menu ml cache/,
      ),
    ])
    expect(said).toEqual([])
  })

  it('warns of two instances on one server, and of settings that lose or hoard state', async () => {
    const redis = await startTestRedis({ args: ['--maxmemory', '30mb', '--maxmemory-policy', 'allkeys-lru'] })
    const env = { REDIS_PRIMARY_URL: `${redis.url}/0`, REDIS_SECONDARY_URL: `${redis.url}/1` }
    const { said } = await start(env, { state: { ttl: false } })
    expect(said).toEqual([
      expect.stringMatching(/^primary and secondary are the same Redis server.*REDIS_SECONDARY_URL/),
      expect.stringMatching(/^primary may evict workflow state .*allkeys-lru/),
      expect.stringMatching(/^state never expires/),
    ])
  })

  it('says nothing of a server that fits', async () => {
    const redis = await startTestRedis({ args: ['--maxmemory', '30mb', '--maxmemory-policy', 'volatile-lru'] })
    const { said } = await start({ REDIS_PRIMARY_URL: redis.url })
    expect(said).toEqual(['one Redis only: primary is home of every category and of state'])
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
