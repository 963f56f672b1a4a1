import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { testFolder } from '../../support/folder.ts'
import { startTestRedis, type TestRedis } from '../../support/redis-server.ts'
import { CALLERS, createServers, SERVERS, type Servers } from './stampede-servers.ts'

/** Four servers, each with 250 callers of one missing key. */
const ALL = SERVERS * CALLERS

describe('two instances', () => {
  let primary: TestRedis
  let secondary: TestRedis
  let servers: Servers
  beforeAll(async () => {
    primary = await startTestRedis()
    secondary = await startTestRedis()
    const env = {
      REDIS_PRIMARY_URL: primary.url,
      REDIS_SECONDARY_URL: secondary.url,
      MOTIA_REDIS_DIR: testFolder(),
      // Reads of 1,000 callers at once on a busy machine.
      MOTIA_REDIS_DEADLINE_READ: '1s',
      MOTIA_REDIS_DEADLINE_WRITE: '1s',
    }
    servers = createServers(env)
  })
  afterAll(() => servers.close())
  const away = new Map<TestRedis, 'crash' | 'freeze'>()
  const lose = async (redis: TestRedis, how: 'crash' | 'freeze' = 'crash'): Promise<void> => {
    away.set(redis, how)
    if (how === 'crash') await redis.crash()
    else redis.freeze()
  }
  beforeEach(async () => {
    for (const [redis, how] of away) {
      if (how === 'crash') await redis.restart()
      else redis.thaw()
    }
    away.clear()
    await servers.find('ok')
  }, 60_000)

  it.each(['menu', 'orders'])('one computes, all have the value: %s', async (category) => {
    await servers.ask({ category })
    expect(Object.values(await servers.answered())).toEqual([ALL])
    expect(servers.computations()).toHaveLength(1)
  })

  it('one computes for as long as it takes, longer than a lease lasts', async () => {
    await servers.ask({ ms: 4_500 })
    expect(Object.values(await servers.answered())).toEqual([ALL])
    expect(servers.computations()).toHaveLength(1)
  })

  it('one computes, and all hear that it failed', async () => {
    await servers.ask({ how: 'throw' })
    const answers = await servers.answered()
    expect(servers.computations()).toHaveLength(1)
    expect(answers).toEqual({
      'Error: the source is away': CALLERS,
      CACHE_LOAD_FAILED: ALL - CALLERS,
    })
  })

  it.each(['menu', 'orders'])('one computes while home is away: %s', async (category) => {
    await lose(category === 'menu' ? secondary : primary)
    await servers.find('degraded')
    await servers.ask({ category })
    expect(Object.values(await servers.answered())).toEqual([ALL])
    expect(servers.computations()).toHaveLength(1)
  })

  it('another computes when the server that did was killed', async () => {
    await servers.ask({ ms: 1_500 })
    await servers.killHolder()
    const killedAt = Date.now()
    expect(Object.values(await servers.answered())).toEqual([ALL - CALLERS])
    const [lost, second, ...more] = servers.computations()
    expect(more).toEqual([])
    expect(lost?.ended).toBeUndefined()
    expect(second?.began).toBeGreaterThan(killedAt)
  })

  it.each(['crash', 'freeze'] as const)('another computes when the instance of the lease is lost: %s', async (how) => {
    await servers.ask({ ms: 1_500 })
    await servers.computing()
    const lostAt = Date.now()
    await lose(secondary, how)
    const answers = await servers.answered()
    expect(Object.values(answers).reduce((sum, each) => sum + each, 0)).toBe(ALL)
    // One on each instance while it was there: another began only when the lease of the first was lost.
    const [, ...later] = servers.computations()
    expect(later.length).toBeLessThanOrEqual(1)
    for (const { began } of later) expect(began).toBeGreaterThanOrEqual(lostAt)
    expect(Object.keys(answers).every((answer) => answer.startsWith('made by'))).toBe(true)
  })
})

describe('files instead of an instance', () => {
  let servers: Servers
  beforeAll(() => {
    servers = createServers({ MOTIA_REDIS_EMBEDDED: 'on', MOTIA_REDIS_DIR: testFolder() })
  })
  afterAll(() => servers.close())
  beforeEach(() => servers.find(), 60_000)

  it('one computes, all have the value', async () => {
    await servers.ask()
    expect(Object.values(await servers.answered())).toEqual([ALL])
    expect(servers.computations()).toHaveLength(1)
  })

  it('another computes when the server that did was killed', async () => {
    await servers.ask({ ms: 1_000 })
    await servers.killHolder()
    expect(Object.values(await servers.answered())).toEqual([ALL - CALLERS])
    expect(servers.computations()).toHaveLength(2)
  })
})
