import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createCacheClient } from '../../src/cache/client.ts'
import { createEmitter } from '../../src/events.ts'
import { connectionName as nameOfConnection } from '../../src/instances/connection-name.ts'
import { type OpenTiers, openTiers } from '../../src/open.ts'
import { readSettings } from '../../src/settings/read-settings.ts'
import type { RedisTiersOptions } from '../../types/index.ts'
import { cacheSuite } from '../contract/cache-suite.ts'
import { testFolder } from '../support/folder.ts'
import { type GuardedRedis, startGuardedRedis } from '../support/guarded-redis.ts'
import { blocksOf } from '../support/markdown.ts'
import { expectNothingUnhandled } from '../support/unhandled.ts'
import { until } from '../support/until.ts'
import { isBack, outageRound } from './outage-round.ts'

// The rights that docs/configuration.md tells users to give, as they stand there: enough for everything we do, and
// none of them for nothing.
const file = fileURLToPath(new URL('../../docs/configuration.md', import.meta.url))
const source = fileURLToPath(new URL('../../src', import.meta.url))
const [command, patterns] = blocksOf(file, 'configuration')
  .filter(({ section, language }) => section === 'Rights' && language === 'sh')
  .map(({ code }) => code.replaceAll('\\\n', ''))
const words = (line = ''): string[] => (line.match(/'[^']*'|\S+/g) ?? []).map((word) => word.replaceAll("'", ''))
const rights = words(command).filter((word) => word.startsWith('+'))
/** What the page says to give where CLIENT TRACKING can't be. */
const instead = words(/Give `([^`]*)` instead/.exec(readFileSync(file, 'utf8'))?.[1])
/** What it says to give for figures of the panel. */
const forPanel = words(/of the \[panel\][^`]*`([^`]*)`/.exec(readFileSync(file, 'utf8'))?.[1])
const [ofPrimary, ofSecondary] = (patterns ?? '').split('\n').filter((line) => line.startsWith("'"))

expectNothingUnhandled()

const cleanUps: (() => unknown)[] = []
afterAll(async () => {
  for (const cleanUp of cleanUps.reverse()) await cleanUp()
})

interface Opened {
  readonly tiers: OpenTiers
  readonly servers: readonly [primary: GuardedRedis, secondary: GuardedRedis]
  readonly lines: readonly string[]
  readonly warnings: readonly string[]
  readonly namespace: string
}

interface Setup {
  readonly options: RedisTiersOptions<Record<string, unknown>>
  readonly primary: readonly string[]
  readonly secondary: readonly string[]
}

const open = async ({ options, primary, secondary }: Setup): Promise<Opened> => {
  const servers = await Promise.all([startGuardedRedis(primary), startGuardedRedis(secondary)])
  // A database number, so that it has to be selected.
  const env = {
    REDIS_PRIMARY_URL: `${servers[0].url}/1`,
    REDIS_SECONDARY_URL: servers[1].url,
    MOTIA_REDIS_DIR: testFolder(),
    // What waits in vain leaves a third of it for the other instance, and for a disk that may be busy.
    MOTIA_REDIS_DEADLINE_READ: '1s',
    MOTIA_REDIS_DEADLINE_WRITE: '1s',
  }
  const settings = readSettings(options, { env, baseDir: testFolder(), production: false })
  const warnings: string[] = []
  const report = { info: () => undefined, warn: (line: string) => void warnings.push(line), error: () => undefined }
  const tiers = openTiers(settings, { report, events: createEmitter(report) })
  cleanUps.push(() => tiers.close())
  return { tiers, servers, lines: await tiers.start(), warnings, namespace: settings.namespace }
}

const all = async ({ servers }: Opened, of: 'denied' | 'called'): Promise<string[]> => {
  await Promise.all(servers.map((server) => server.note()))
  return [...new Set(servers.flatMap((server) => [...server[of]]))].sort()
}

const page = { search: '', cursor: undefined, limit: 10 }

/** The main paths of cache and state. */
const mainPaths = (opened: () => Opened): void => {
  cacheSuite('its cases', () => createCacheClient(opened().tiers.engine))

  it('moves values that are large enough for a connection of their own', async () => {
    const cache = createCacheClient(opened().tiers.engine)
    const text = 'x'.repeat(200_000)
    for (const category of ['auth', 'orders', 'user', 'menu']) {
      await cache.set('large', text, { category })
      expect(await cache.get('large', { category })).toBe(text)
      expect(await cache.touch('large', { category })).toBe(true)
      expect(await cache.delete('large', { category })).toBe(true)
    }
  })

  it('keeps workflow state', async () => {
    const { hot, sight } = opened().tiers
    await hot.set('order-7', 'a', 1)
    await hot.set('order-7', 'b', 'x'.repeat(100_000))
    expect(await hot.get('order-7', 'a')).toBe(1)
    expect(await hot.getGroup('order-7')).toHaveLength(2)
    expect((await hot.keys('order-7')).sort()).toEqual(['a', 'b'])
    expect(await hot.delete('order-7', 'a')).toBe(1)
    expect(await hot.traceIds()).toEqual(['order-7'])
    expect(await hot.items()).toHaveLength(1)
    expect(await (await sight()).groups(page)).toMatchObject({ groups: [{ name: 'order-7', items: 1 }], total: 1 })
    expect(await (await sight()).items({ group: 'order-7', ...page })).toMatchObject({ items: [{ key: 'b' }] })
    await hot.clear('order-7')
    expect(await hot.traceIds()).toEqual([])
  })

  it('comes back from calls that were not answered in time', async () => {
    const { tiers, servers } = opened()
    const cache = createCacheClient(tiers.engine)
    await servers[0].admin.call('CLIENT', 'PAUSE', '400', 'ALL')
    await expect(cache.get('a', { category: 'notifications' })).rejects.toMatchObject({ code: 'CACHE_TIMEOUT' })
    expect(await cache.get('a', { category: 'orders' })).toBeUndefined()
    await until('it is up again', () => isBack(tiers.health(), 'primary'))
    expect(await cache.get('a', { category: 'notifications' })).toBeUndefined()
  })

  outages(opened)
}

/** An instance that crashes loses everything, so it is repaired; one that freezes is fenced. Both miss writes. */
const outages = (opened: () => Opened, { fences = true } = {}): void => {
  it.each([
    ['crashes', 'primary', 'orders', 'analytics'],
    ['crashes', 'secondary', 'user', 'menu'],
    ['freezes', 'primary', 'orders', 'analytics'],
    ['freezes', 'secondary', 'user', 'menu'],
  ] as const)('%s: %s gets what it missed', async (how, instance, kept, cached) => {
    const { tiers, servers, namespace } = opened()
    const guarded = servers[instance === 'primary' ? 0 : 1]
    const { server } = guarded
    // As state was written before there were versions, where its copies are.
    await servers[1].admin.hset(`${namespace}~mr:state:older`, 'a', '1')
    await servers[1].admin.zadd(`${namespace}~mr:groups`, 0, 'older')
    const orphan = await startOrphan(guarded, instance === 'primary' ? 1 : 0, namespace)
    // Whatever happens, those that come after need it.
    let away = false
    const comeBack = async (): Promise<void> => {
      if (!away) return
      away = false
      await (how === 'crashes' ? server.restart() : server.thaw())
    }
    onTestFinished(comeBack)
    await outageRound({
      ...{ hot: tiers.hot, health: tiers.health, instance, kept, cached, comeBack },
      cache: createCacheClient(tiers.engine),
      id: `${how}-${instance}`,
      loses: how === 'crashes',
      goAway: async () => {
        await guarded.note()
        away = true
        await (how === 'crashes' ? server.crash() : server.freeze())
      },
    })
    if (how === 'crashes') expect(await tiers.hot.get('older', 'a')).toBe(1)
    else if (fences) await until('the connection of a vanished process is ended', () => orphan.status === 'end')
    else expect(orphan.status).toBe('ready')
  })
}

const startOrphan = async ({ server }: GuardedRedis, db: number, namespace: string): Promise<Redis> => {
  const connectionName = nameOfConnection('vanished', 'data', namespace)
  const orphan = new Redis(server.port, '127.0.0.1', {
    ...{ username: 'admin', password: 'admin', db, connectionName, retryStrategy: () => null },
  })
  orphan.on('error', () => undefined) // its server crashes on purpose
  cleanUps.push(() => orphan.disconnect())
  await orphan.ping()
  return orphan
}

const categories = {
  // Far below the pause it meets, however slow the machine has been so far.
  notifications: { deadline: { read: 100 }, onOutage: 'fail-closed' },
  // One that is kept at each instance.
  user: { mirror: true },
} as const
const namespaced: Setup = {
  options: { categories, namespace: 'shop:', state: { ttl: '1h' } },
  primary: words(command).slice(words(command).indexOf('>PASSWORD') + 1),
  secondary: words(command).slice(words(command).indexOf('>PASSWORD') + 1),
}
const bare: Setup = {
  options: { categories, state: { ttl: false } },
  primary: [...words(ofPrimary), ...rights],
  secondary: [...words(ofSecondary), ...rights],
}
const asDocumented: Opened[] = []

describe.each([
  ['with a namespace', namespaced],
  ['without a namespace', bare],
] as const)('with the documented rights, %s', (_, setup) => {
  let opened: Opened
  beforeAll(async () => {
    opened = await open(setup)
    asDocumented.push(opened)
  })

  mainPaths(() => opened)

  it('is refused nothing', async () => {
    expect(await all(opened, 'denied')).toEqual([])
  })

  it('is told what the servers are', () => {
    for (const line of opened.lines) expect(line).toMatch(/up .*Redis \d.* MB/)
  })

  it('reaches nothing else', async () => {
    const user = new Redis(opened.servers[1].url)
    cleanUps.push(() => user.disconnect())
    await expect(user.get('other:1')).rejects.toThrow(/NOPERM/)
    for (const [name, ...args] of [
      ['FLUSHALL'],
      ['KEYS', '*'],
      ['CONFIG', 'SET', 'maxmemory', '1'],
      ['CLIENT', 'PAUSE', '1'],
      ['ACL', 'LIST'],
      ['SHUTDOWN'],
    ] as const) {
      await expect(user.call(name, ...args)).rejects.toThrow(/NOPERM/)
    }
  })
})

describe('each of the documented rights', () => {
  it('is there', () => {
    expect(rights.length).toBeGreaterThan(20)
    expect(asDocumented).toHaveLength(2)
  })

  it('is used', async () => {
    const used = new Set((await Promise.all(asDocumented.map((one) => all(one, 'called')))).flat())
    expect(rights.filter((right) => !used.has(right.slice(1)))).toEqual([])
  })

  it('and no script calls anything else', () => {
    const sources = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
    const called = sources.flatMap((name) =>
      [...readFileSync(join(source, name), 'utf8').matchAll(/redis\.p?call\('([A-Z]+)', (?:KEYS|[a-z])/g)].map(
        ([, command = '']) => `+${command.toLowerCase()}`,
      ),
    )
    expect(called.length).toBeGreaterThan(50)
    expect([...new Set(called)].filter((right) => !rights.includes(right))).toEqual([])
  })
})

describe('where INFO and CONFIG are denied too', () => {
  const hidden = ['+info', '+config|get']
  const without = (granted: readonly string[]): string[] => granted.filter((right) => !hidden.includes(right))
  let opened: Opened
  beforeAll(async () => {
    vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    opened = await open({
      ...namespaced,
      primary: without(namespaced.primary),
      secondary: without(namespaced.secondary),
    })
  })
  afterAll(() => vi.restoreAllMocks())

  mainPaths(() => opened)

  it('is refused those two and no more, and counts as up', async () => {
    expect(await all(opened, 'denied')).toEqual(hidden.map((right) => right.slice(1)).sort())
    for (const line of opened.lines) expect(line).toMatch(/up /)
    expect(opened.tiers.health()).toMatchObject({ status: 'ok' })
    expect(opened.tiers.health().instances.map(({ server, memory }) => server ?? memory)).toEqual([
      undefined,
      undefined,
    ])
  })
})

describe.each([
  ['and nothing given instead', [], ['client|tracking', 'xadd', 'xrevrange']],
  ['and a stream given instead', instead, ['client|tracking']],
] as const)('where CLIENT TRACKING is denied, %s', (_, given, denied) => {
  const rightsOf = (granted: readonly string[]): string[] => [
    ...granted.filter((right) => right !== '+client|tracking'),
    ...given,
  ]
  it('says once what is weaker, and is refused no more', async () => {
    const opened = await open({
      ...namespaced,
      primary: rightsOf(namespaced.primary),
      secondary: rightsOf(namespaced.secondary),
    })
    const { tiers, servers, warnings } = opened
    const cache = createCacheClient(tiers.engine)
    await until('both were asked', () => tiers.health().instances.every(({ tracking }) => tracking === 'refused'))
    expect(warnings.filter((line) => line.includes('CLIENT TRACKING')).length).toBe(2)
    await cache.set('a', 1, { category: 'menu' })
    await until('it was told, or was not allowed to', async () => {
      await servers[1].note()
      return servers[1].called.has('xadd') || servers[1].denied.has('xadd')
    })
    await cache.set('a', 2, { category: 'menu' })
    expect(await cache.get('a', { category: 'menu' })).toBe(2)
    await until('others were heard, or may not be', async () => {
      await servers[1].note()
      return servers[1].called.has('xread') || servers[1].denied.has('xrevrange')
    })
    expect(await all(opened, 'denied')).toEqual(denied)
    if (given.length > 0) expect(instead.filter((right) => !servers[1].called.has(right.slice(1)))).toEqual(['+xrange'])
  })
})

describe('where CLIENT LIST and CLIENT KILL are denied', () => {
  const hidden = ['+client|list', '+client|kill']
  const without = (granted: readonly string[]): string[] => granted.filter((right) => !hidden.includes(right))
  let opened: Opened
  beforeAll(async () => {
    opened = await open({
      ...namespaced,
      primary: without(namespaced.primary),
      secondary: without(namespaced.secondary),
    })
  })

  outages(() => opened, { fences: false })

  it('is refused no more, and says once what is weaker', async () => {
    expect(await all(opened, 'denied')).toEqual(['client|list'])
    expect(opened.warnings.filter((line) => line.includes('CLIENT LIST and CLIENT KILL'))).toHaveLength(1)
  })
})

describe.each([
  ['with the documented rights', [], ['dbsize', 'randomkey']],
  ['with those for the panel, too', forPanel, ['foreign']],
] as const)('the panel, %s', (_, given, tolerated) => {
  it('sees what it may, and asks only once for what it may not', async () => {
    const opened = await open({
      ...namespaced,
      primary: [...namespaced.primary, ...given],
      secondary: [...namespaced.secondary, ...given],
    })
    const { tiers, servers } = opened
    const cache = createCacheClient(tiers.engine)
    await cache.set('a', 1, { category: 'orders' })
    await servers[1].admin.set('foreign', '1')
    const sight = await tiers.sight()
    const { instances } = await sight.overview({})
    expect(instances.map(({ live }) => live?.clients)).toEqual([expect.any(Number), expect.any(Number)])
    const look = async () => {
      const { memory } = await sight.categories({})
      await Promise.all([sight.processes({}), sight.hot({}), sight.groups(page), sight.items({ group: 'g', ...page })])
      return memory.map(({ roles }) => roles !== undefined)
    }
    expect(await look()).toEqual([given.length > 0, given.length > 0])
    await until('a sign of life is there', async () => {
      const view = await sight.processes({})
      return view.processes[0]?.seenOn.length === 2
    })
    const denied = await all(opened, 'denied')
    // Of keys it names the key.
    for (const object of denied) expect(tolerated).toContain(object)
    if (given.length > 0) expect(forPanel.filter((right) => !servers[1].called.has(right.slice(1)))).toEqual([])
  })
})
