import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createCacheClient } from '../../src/cache/client.ts'
import { createEmitter } from '../../src/events.ts'
import { type OpenTiers, openTiers } from '../../src/open.ts'
import { readSettings } from '../../src/settings/read-settings.ts'
import type { RedisTiersOptions } from '../../types/index.ts'
import { cacheSuite } from '../contract/cache-suite.ts'
import { blocksOf } from '../support/markdown.ts'
import { startTestRedis } from '../support/redis-server.ts'
import { expectNothingUnhandled } from '../support/unhandled.ts'
import { until } from '../support/until.ts'

// The rights that docs/configuration.md tells users to give, as they stand there: enough for everything we do, and
// none of them for nothing.
const file = fileURLToPath(new URL('../../docs/configuration.md', import.meta.url))
const [command, patterns] = blocksOf(file, 'configuration')
  .filter(({ section, language }) => section === 'Rights' && language === 'sh')
  .map(({ code }) => code.replaceAll('\\\n', ''))
const words = (line = ''): string[] => (line.match(/'[^']*'|\S+/g) ?? []).map((word) => word.replaceAll("'", ''))
const rights = words(command).filter((word) => word.startsWith('+'))
const [ofPrimary, ofSecondary] = (patterns ?? '').split('\n').filter((line) => line.startsWith("'"))

expectNothingUnhandled()

interface Guarded {
  readonly url: string
  /** May do everything; the app's user is the only other one. */
  readonly admin: Redis
}

const cleanUps: (() => unknown)[] = []
afterAll(async () => {
  for (const cleanUp of cleanUps.reverse()) await cleanUp()
})

const startGuarded = async (granted: readonly string[]): Promise<Guarded> => {
  const { port, url } = await startTestRedis()
  const first = new Redis(url)
  await first.call('ACL', 'SETUSER', 'admin', 'on', '>admin', '~*', '+@all')
  await first.call('ACL', 'SETUSER', 'app', 'on', '>secret', ...granted)
  await first.call('ACL', 'SETUSER', 'default', 'off')
  first.disconnect()
  const admin = new Redis(port, '127.0.0.1', { username: 'admin', password: 'admin' })
  cleanUps.push(() => admin.disconnect())
  await admin.config('RESETSTAT')
  return { url: `redis://app:secret@127.0.0.1:${port}`, admin }
}

interface Opened {
  readonly tiers: OpenTiers
  readonly servers: readonly [primary: Guarded, secondary: Guarded]
  readonly lines: readonly string[]
}

interface Setup {
  readonly options: RedisTiersOptions<Record<string, unknown>>
  readonly primary: readonly string[]
  readonly secondary: readonly string[]
}

const open = async ({ options, primary, secondary }: Setup): Promise<Opened> => {
  const servers = await Promise.all([startGuarded(primary), startGuarded(secondary)])
  // A database number, so that it has to be selected.
  const env = { REDIS_PRIMARY_URL: `${servers[0].url}/1`, REDIS_SECONDARY_URL: servers[1].url }
  const settings = readSettings(options, { env, baseDir: tmpdir(), production: false })
  const report = { info: () => undefined, warn: () => undefined, error: () => undefined }
  const tiers = openTiers(settings, { report, events: createEmitter(report) })
  cleanUps.push(() => tiers.close())
  return { tiers, servers, lines: await tiers.start() }
}

/** What the servers refused the app's user. From 7.2 on clients tell their version, and don't mind if they may not. */
const denied = async ({ servers }: Opened): Promise<string[]> => {
  const logs = await Promise.all(servers.map(({ admin }) => admin.call('ACL', 'LOG') as Promise<unknown[][]>))
  const objects = logs.flat().map((entry) => String(entry[entry.indexOf('object') + 1]))
  return [...new Set(objects)].filter((object) => object !== 'client|setinfo').sort()
}

const called = async ({ servers }: Opened): Promise<string[]> => {
  const stats = await Promise.all(servers.map(({ admin }) => admin.info('commandstats')))
  return [...stats.join('\n').matchAll(/^cmdstat_([^:]+):calls=[1-9]/gm)].map(([, name = '']) => name)
}

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
    const { hot } = opened().tiers
    await hot.set('order-7', 'a', 1)
    await hot.set('order-7', 'b', 'x'.repeat(100_000))
    expect(await hot.get('order-7', 'a')).toBe(1)
    expect(await hot.getGroup('order-7')).toHaveLength(2)
    expect((await hot.keys('order-7')).sort()).toEqual(['a', 'b'])
    expect(await hot.delete('order-7', 'a')).toBe(1)
    expect(await hot.traceIds()).toEqual(['order-7'])
    expect(await hot.items()).toHaveLength(1)
    await hot.clear('order-7')
    expect(await hot.traceIds()).toEqual([])
  })

  it('comes back from calls that were not answered in time', async () => {
    const { tiers, servers } = opened()
    const cache = createCacheClient(tiers.engine)
    await servers[0].admin.call('CLIENT', 'PAUSE', '400', 'ALL')
    await expect(cache.get('a', { category: 'notifications' })).rejects.toMatchObject({ code: 'CACHE_TIMEOUT' })
    await until('it is up again', () => tiers.health().instances[0]?.state === 'up')
    expect(await cache.get('a', { category: 'orders' })).toBeUndefined()
  })
}

/** Far below the pause it meets, however slow the machine has been so far. */
const categories = { notifications: { deadline: { read: 100 } } }
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
    expect(await denied(opened)).toEqual([])
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
      ['CLIENT', 'LIST'],
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
    const used = new Set((await Promise.all(asDocumented.map(called))).flat())
    expect(rights.filter((right) => !used.has(right.slice(1)))).toEqual([])
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
    expect(await denied(opened)).toEqual(hidden.map((right) => right.slice(1)).sort())
    for (const line of opened.lines) expect(line).toMatch(/up /)
    expect(opened.tiers.health()).toMatchObject({ status: 'ok' })
    expect(opened.tiers.health().instances.map(({ server, memory }) => server ?? memory)).toEqual([
      undefined,
      undefined,
    ])
  })
})
