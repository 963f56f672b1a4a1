import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createCacheClient } from '../../src/cache/client.ts'
import { createEmitter } from '../../src/events.ts'
import { createStateAdapter } from '../../src/motia/adapter/state-adapter.ts'
import { type OpenTiers, openTiers } from '../../src/open.ts'
import { readSettings } from '../../src/settings/read-settings.ts'
import type { Cache, TiersEvents } from '../../types/index.ts'
import { cacheSuite } from '../contract/cache-suite.ts'
import { stateSuite } from '../contract/state-suite.ts'
import { testFolder } from '../support/folder.ts'
import { type GuardedRedis, startManagedRedis } from '../support/guarded-redis.ts'
import { expectNothingUnhandled } from '../support/unhandled.ts'
import { until } from '../support/until.ts'
import { outageRound } from './outage-round.ts'

expectNothingUnhandled()

let servers: readonly [primary: GuardedRedis, secondary: GuardedRedis]
let tiers: OpenTiers
let cache: Cache
let lines: readonly string[]
const said: string[] = []
const moves: string[] = []

beforeAll(async () => {
  servers = await Promise.all([startManagedRedis(), startManagedRedis()])
  const env = {
    REDIS_PRIMARY_URL: servers[0].url,
    REDIS_SECONDARY_URL: servers[1].url,
    MOTIA_REDIS_DIR: testFolder(),
    MOTIA_REDIS_DEADLINE_READ: '1s',
    MOTIA_REDIS_DEADLINE_WRITE: '1s',
  }
  const settings = readSettings(
    { categories: { user: { mirror: true } } },
    { env, baseDir: testFolder(), production: false },
  )
  const report = {
    info: () => undefined,
    warn: (line: string) => said.push(line),
    error: (line: string) => said.push(line),
  }
  const events = createEmitter(report)
  const note = (to: string) => (event: TiersEvents['failover' | 'failback'][0]) =>
    void moves.push(`${to} ${event.category}`)
  events.on('failover', note('failover'))
  events.on('failback', note('failback'))
  tiers = openTiers(settings, { report, events })
  lines = await tiers.start()
  cache = createCacheClient(tiers.engine)
})
afterAll(() => tiers.close())

describe('two small managed databases', () => {
  it('say what they are, and nothing speaks against them', () => {
    for (const line of lines) expect(line).toMatch(/up .*Redis \d.* of 30 MB/)
    expect(said.filter((line) => !line.includes('CLIENT TRACKING is refused'))).toEqual([])
  })

  it('say that they tell nothing of changes', async () => {
    await until('both were asked', () => tiers.health().instances.every(({ tracking }) => tracking === 'refused'))
    const lines = ['primary', 'secondary'].map(
      (name) => `${name}  CLIENT TRACKING is refused: what l1 keeps in memory lives 1 s at most`,
    )
    expect(said.filter((line) => line.includes('CLIENT TRACKING')).sort()).toEqual(lines)
  })

  const report = { info: () => undefined, warn: () => undefined, error: () => undefined }
  stateSuite('over them', () => createStateAdapter(async () => tiers.hot, { brand: {}, report }))
  cacheSuite('over them', () => cache)

  it.each([
    ['primary', 'orders', 'analytics', 'crashes'],
    ['secondary', 'user', 'menu', 'freezes'],
  ] as const)('%s is stood in for and gets what it missed (%s, %s): it %s', async (instance, kept, cached, how) => {
    const { server, note } = servers[instance === 'primary' ? 0 : 1]
    moves.length = 0
    let away = false
    const comeBack = async (): Promise<void> => {
      if (!away) return
      away = false
      await (how === 'crashes' ? server.restart() : server.thaw())
    }
    onTestFinished(comeBack)
    await outageRound({
      ...{ cache, hot: tiers.hot, health: tiers.health, instance, kept, cached, comeBack },
      id: instance,
      loses: how === 'crashes',
      goAway: async () => {
        await note()
        away = true
        await (how === 'crashes' ? server.crash() : server.freeze())
      },
    })
    const homed = instance === 'primary' ? ['auth', 'orders', 'notifications', 'analytics'] : ['user', 'menu', 'cache']
    const expected = ['failover', 'failback'].flatMap((to) => homed.map((category) => `${to} ${category}`))
    await until('the failback is told', () => moves.length === expected.length)
    expect(moves).toEqual(expected)
  })

  it('refuse CONFIG, to tell of changes, and nothing else, and no connection; we have four at most', async () => {
    for (const { admin, note, denied } of servers) {
      await note()
      expect([...denied].sort()).toEqual(['client|tracking', 'config|get'])
      expect(await admin.info('stats')).toMatch(/^rejected_connections:0\r?$/m)
      const list = String(await admin.client('LIST'))
      expect(list.match(/ name=motia-redis:/g)?.length).toBeLessThanOrEqual(4)
      expect(await admin.info('clients')).toMatch(/^maxclients:30\r?$/m)
    }
  })
})
