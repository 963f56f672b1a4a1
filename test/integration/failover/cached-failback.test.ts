import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openDurable } from '../../../src/failover/journal/durable.ts'
import { type Failover, openFailover } from '../../../src/failover/open-failover.ts'
import type { Shelf } from '../../../src/failover/shelf.ts'
import type { Instance } from '../../../src/instances/instance.ts'
import { readSettings } from '../../../src/settings/read-settings.ts'
import { startTestRedis, type TestRedis } from '../../support/redis-server.ts'
import { openRedisStore } from '../../support/redis-store.ts'
import { startTcpProxy } from '../../support/tcp-proxy.ts'
import { expectNothingUnhandled } from '../../support/unhandled.ts'
import { until } from '../../support/until.ts'
import { entry, put, text } from './cached-setup.ts'
import { openRedis } from './kept-model.ts'

/** Cached data from the first failure to the last copy's end, with recovery as it runs in the package. */
expectNothingUnhandled()

let primary: TestRedis
let secondary: TestRedis
beforeAll(async () => {
  primary = await startTestRedis()
  secondary = await startTestRedis()
})
const ends: (() => unknown)[] = []
let atStandIn: Redis
beforeEach(async () => {
  await Promise.all([primary.restart(), secondary.restart()])
  atStandIn = openRedis(secondary.url).on('error', () => undefined)
  ends.push(() => atStandIn.disconnect())
})
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

interface Opened {
  readonly shelf: Shelf
  readonly home: Instance
  readonly failover: Failover
  readonly failbacks: string[]
}

/** One server process; category `menu` is at home on primary. */
const open = async (processId: string, primaryUrl = primary.url): Promise<Opened> => {
  const dir = mkdtempSync(join(tmpdir(), 'motia-redis-failback-'))
  const env = { REDIS_PRIMARY_URL: primaryUrl, REDIS_SECONDARY_URL: secondary.url, REDIS_PRIMARY_TYPES: 'menu' }
  const settings = readSettings(undefined, {
    env: { ...env, REDIS_SECONDARY_TYPES: 'cache', MOTIA_REDIS_DIR: dir },
    baseDir: dir,
    production: false,
  })
  const instances = new Map<string, Instance>()
  for (const [name, url] of [
    ['primary', primaryUrl],
    ['secondary', secondary.url],
  ] as const) {
    const onState: Parameters<typeof openRedisStore>[1] = {
      name,
      processId,
      supervised: true,
      onState: (health) => failover.changed(name, health),
    }
    instances.set(name, openRedisStore(url, onState))
  }
  const quiet = (): void => undefined
  const report = { info: quiet, warn: quiet, error: quiet }
  const durable = openDurable(settings, processId, { report, onFull: quiet })
  const failbacks: string[] = []
  const failover = openFailover({
    settings,
    instances,
    embedded: new Map(),
    durable,
    processId,
    report,
    onFailback: (name) => failbacks.push(name),
  })
  await Promise.all([...instances.values()].map((each) => each.connect()))
  ends.push(async () => {
    await failover.close()
    await Promise.all([...instances.values()].map((each) => each.close()))
    await durable.journal?.close()
    rmSync(dir, { recursive: true, force: true })
  })
  const category = failover.landscape.categoryOf('menu')
  const home = instances.get('primary')
  if (home === undefined) throw new Error('no primary')
  return { shelf: failover.shelves.of(category), home, failover, failbacks }
}
const isCalm = ({ failover }: Opened): boolean => failover.landscape.calm('primary')
const nothingLeft = async (): Promise<boolean> =>
  (await atStandIn.keys('~mr:standin:*')).length === 0 && (await atStandIn.keys('~mr:outage:*')).length === 0

describe('an outage from beginning to end', () => {
  it('two processes bring home back, serve from it, and leave nothing behind', async () => {
    const both = await Promise.all([open('aaaaaaaa'), open('bbbbbbbb')])
    const [first, second] = both
    await first.shelf.write([put('a', 'old'), put('b', 'old'), put('c', 'old')])
    primary.freeze()
    // On a starved machine nothing is left of a call's time for the stand-in: then it says so, and is made again.
    const made = (write: () => Promise<unknown>) => until('it is acknowledged', () => write().then(() => true))
    await Promise.all([
      made(() => first.shelf.write([put('a', 'of first')])),
      made(() => second.shelf.remove([entry('b')])),
    ])
    expect(await first.shelf.read(entry('a'))).toBe(text('of first'))
    expect(await second.shelf.read(entry('b'))).toBeUndefined()
    await until('home is away for both', () => both.every(({ home }) => !home.readable()))
    expect(await first.shelf.increment(entry('n'), 1, Date.now() + 60_000)).toBe(1)
    expect(await second.shelf.increment(entry('n'), 1, Date.now() + 60_000)).toBeGreaterThan(0)
    primary.thaw()
    await until('home serves both again', () => both.every(isCalm))
    for (const { shelf, failbacks } of both) {
      await until('it is told', () => failbacks.length > 0)
      expect(await shelf.readMany(['a', 'b', 'c', 'n'].map(entry))).toEqual([undefined, undefined, text('old'), '2'])
      expect(await shelf.locate(entry('c'))).toMatchObject({ source: 'primary', degraded: false })
    }
    await until('the outage and its copies are gone', nothingLeft)
  })

  it('of a single write ends by itself, and home was never left', async () => {
    const wire = await startTcpProxy(primary.port)
    ends.push(() => wire.close())
    const one = await open('aaaaaaaa', wire.url)
    const { shelf, home, failbacks } = one
    await shelf.write([put('a', 'old'), put('b', 'old')])
    primary.freeze()
    const written = shelf.write([put('a', 'new')])
    await until('a copy is made', async () => (await atStandIn.keys('~mr:standin:*')).length > 0)
    primary.thaw()
    await written
    expect(await shelf.read(entry('a'))).not.toBe(text('old'))
    await until('it is replayed', () => isCalm(one))
    await until('the outage and its copy are gone', nothingLeft)
    expect(await shelf.read(entry('a'))).toBeUndefined()
    expect(home.readable()).toBe(true)
    expect([[], ['primary']]).toContainEqual(failbacks)
  })
})
