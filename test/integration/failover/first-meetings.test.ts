import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openDurable } from '../../../src/failover/journal/durable.ts'
import { type Failover, openFailover } from '../../../src/failover/open-failover.ts'
import type { Shelf } from '../../../src/failover/shelf.ts'
import type { Instance } from '../../../src/instances/instance.ts'
import { readSettings } from '../../../src/settings/read-settings.ts'
import { testFolder } from '../../support/folder.ts'
import { startTestRedis, type TestRedis } from '../../support/redis-server.ts'
import { openRedisStore } from '../../support/redis-store.ts'
import { startTcpProxy } from '../../support/tcp-proxy.ts'
import { expectNothingUnhandled } from '../../support/unhandled.ts'
import { until } from '../../support/until.ts'
import { raw } from './recovery-side.ts'

/** What a process that has just started reads from a server that came back without its data, or with older data. */
expectNothingUnhandled()

let primary: TestRedis
let secondary: TestRedis
beforeAll(async () => {
  primary = await startTestRedis()
  secondary = await startTestRedis()
})
const ends: (() => unknown)[] = []
beforeEach(() => Promise.all([primary.restart([]), secondary.restart([])]))
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
  await Promise.all([primary.crash(), secondary.crash()])
  for (const { dir } of [primary, secondary]) rmSync(join(dir, 'dump.rdb'), { force: true })
})

interface Opened {
  readonly failover: Failover
  readonly orders: Shelf
  readonly menu: Shelf
  readonly stock: Shelf
  /** Of any category, also one that is listed nowhere. */
  shelf(name: string): Shelf
  close(): Promise<void>
}

/**
 * A server process with a folder of its own. At home on primary: orders (kept), menu (cached), stock (fails closed).
 * `blind`: what it meets at first isn't looked at, as a control. `hasty`: no call waits for that.
 */
const open = (processId: string, { blind = false, hasty = false, farther = secondary.url } = {}): Opened => {
  const dir = testFolder()
  const settings = readSettings(
    { categories: { orders: { mirror: true }, stock: { onOutage: 'fail-closed' } } },
    {
      env: {
        REDIS_PRIMARY_URL: primary.url,
        REDIS_SECONDARY_URL: farther,
        REDIS_PRIMARY_TYPES: 'orders,menu,stock',
        REDIS_SECONDARY_TYPES: 'cache',
        MOTIA_REDIS_DIR: dir,
      },
      baseDir: dir,
      production: false,
    },
  )
  const instances = new Map<string, Instance>()
  for (const { name, url } of [
    { name: 'primary', url: primary.url },
    { name: 'secondary', url: farther },
  ]) {
    const store = openRedisStore(url, {
      ...{ name, processId, supervised: true, deadlines: hasty ? { write: 1 } : {} },
      onState: (health) => failover.changed(name, health),
      ...(blind ? {} : { onMet: (identity) => failover.met(name, identity) }),
    })
    instances.set(name, store)
  }
  const quiet = (): void => undefined
  const report = { info: quiet, warn: quiet, error: quiet }
  const durable = openDurable(settings, processId, { report, onFull: quiet })
  const failover = openFailover({
    ...{ settings, instances, durable, processId, report },
    embedded: new Map(),
    onFailback: quiet,
  })
  let closed = false
  const close = async (): Promise<void> => {
    if (closed) return
    closed = true
    await failover.close()
    await Promise.all([...instances.values()].map((each) => each.close()))
    await durable.journal?.close()
  }
  ends.push(close)
  const shelf = (name: string): Shelf => failover.shelves.of(failover.landscape.categoryOf(name))
  return { failover, orders: shelf('orders'), menu: shelf('menu'), stock: shelf('stock'), shelf, close }
}

const entry = (category: string, key: string) => ({ key, redisKey: `${category}:${key}` })
const write = (shelf: Shelf, category: string, key: string, value: number): Promise<void> =>
  shelf.write([{ ...entry(category, key), text: `{"value":${value}}`, endsAt: Date.now() + 600_000 }])
const value = async (shelf: Shelf, category: string, key: string): Promise<string | undefined> =>
  /"value":(\d+)/.exec((await shelf.read(entry(category, key))) ?? '')?.[1]

const writeAll = async ({ orders, menu, stock, failover }: Opened, at: number): Promise<void> => {
  await write(orders, 'orders', 'a', at)
  await write(menu, 'menu', 'a', at)
  await write(stock, 'stock', 'a', at)
  await failover.groups.groupSet('flow', 'a', `${at}`, false, 1_000)
}

/** Primary comes back as it was before the last writes; whoever made them is gone. */
const lose = async (how: 'older' | 'empty'): Promise<void> => {
  const before = open('aaaaaaaa')
  await writeAll(before, 1)
  await until('they are known again', async () => {
    const planted = await Promise.all([primary, secondary].map((server) => raw(server, 'GET', '~mr:sentinel')))
    return !planted.includes(null)
  })
  if (how === 'older') await raw(primary, 'SAVE')
  await writeAll(before, 2)
  await before.close()
  await primary.crash()
  await primary.restart()
}

const firstReads = ({ orders, failover }: Opened) =>
  Promise.all([
    value(orders, 'orders', 'a'),
    failover.groups.groupGet('flow', 'a'),
    failover.groups.groupAll('flow').then((all) => all.map(([, text]) => text).join()),
  ])

describe('the first reads of a process', () => {
  for (const how of ['older', 'empty'] as const) {
    const what = how === 'older' ? 'with older data' : 'without its data'
    it(`of kept data are right where its home came back ${what} before it started`, async () => {
      await lose(how)
      const now = open('bbbbbbbb')
      expect(await firstReads(now)).toEqual(['2', '2', '2'])
      await until('it is as its mirror', async () => `${await raw(primary, 'GET', 'orders:a')}`.includes('"value":2'))
      await until('it is trusted', () => !now.failover.landscape.behind('primary'))
      expect(await firstReads(now)).toEqual(['2', '2', '2'])
    })

    it(`control: of a process that doesn't look first they are of the past (${how})`, async () => {
      await lose(how)
      expect(await firstReads(open('bbbbbbbb', { blind: true }))).toEqual(
        how === 'older' ? ['1', '1', '1'] : [undefined, undefined, ''],
      )
    })
  }

  it('are right as well where what it lost is too much to wait for', async () => {
    await lose('older')
    const now = open('bbbbbbbb', { hasty: true })
    expect(await firstReads(now)).toEqual(['2', '2', '2'])
    expect(await value(now.menu, 'menu', 'a')).toBe(undefined)
    expect(await value(now.stock, 'stock', 'a').catch((error) => error.kind)).toBeOneOf([undefined, 'unavailable'])
  })

  it('of cached data see nothing of the past, and nothing fails', async () => {
    await lose('older')
    const now = open('bbbbbbbb')
    expect(await Promise.all([value(now.menu, 'menu', 'a'), value(now.stock, 'stock', 'a')])).toEqual([
      undefined,
      undefined,
    ])
    await write(now.menu, 'menu', 'b', 3)
    expect(await value(now.menu, 'menu', 'b')).toBe('3')
    await until('it is calm', () => now.failover.landscape.calm('primary'))
    expect(await raw(primary, 'GET', 'menu:a')).toBe(null)
  })

  it('control: of a process that does not look first they are of the past', async () => {
    await lose('older')
    const now = open('bbbbbbbb', { blind: true })
    expect(await Promise.all([value(now.menu, 'menu', 'a'), value(now.stock, 'stock', 'a')])).toEqual(['1', '1'])
  })

  it('on servers that nobody used before find nothing, at home, and soon', async () => {
    const now = open('aaaaaaaa')
    expect(await firstReads(now)).toEqual([undefined, undefined, ''])
    await writeAll(now, 1)
    expect(await now.menu.locate(entry('menu', 'a'))).toMatchObject({ source: 'primary', degraded: false })
    expect(await now.orders.locate(entry('orders', 'a'))).toMatchObject({ source: 'primary', degraded: false })
  })

  it('on a server that nobody used before, whose mirror is away, find nothing', async () => {
    await secondary.crash()
    expect(await firstReads(open('aaaaaaaa'))).toEqual([undefined, undefined, ''])
  })

  it('on servers that nobody used before are answered where one goes before the other could be looked at', async () => {
    // Nothing can be planted there, nor compared with it for good.
    await raw(secondary, 'CONFIG', 'SET', 'min-replicas-to-write', 1)
    const now = open('aaaaaaaa')
    await writeAll(now, 1)
    await until('home is known', async () => /whole$/.test(`${await raw(primary, 'GET', '~mr:sentinel')}`))
    expect(await raw(secondary, 'GET', '~mr:sentinel')).toBe(null)
    primary.freeze()
    ends.push(() => primary.thaw())
    expect(await firstReads(now)).toEqual(['1', '1', '1'])
  })

  it('of kept data are right where the mirror is too far away to answer within a deadline here', async () => {
    await lose('empty')
    const proxy = await startTcpProxy(secondary.port)
    ends.push(() => proxy.close())
    proxy.mode('delay')
    expect(await firstReads(open('bbbbbbbb', { farther: proxy.url }))).toEqual(['2', '2', '2'])
  })

  it('of cached data do not wait for another instance that says nothing', async () => {
    await lose('empty')
    secondary.freeze()
    ends.push(() => secondary.thaw())
    const now = open('bbbbbbbb')
    expect(await value(now.menu, 'menu', 'a')).toBe(undefined)
    // Nothing is known of that one yet.
    const other = now.failover.landscape.instances.get('secondary')
    expect(other?.health()).toMatchObject({ state: 'probing' })
  })

  it('where both were started again see what both had', async () => {
    await lose('older')
    await raw(secondary, 'SAVE')
    await secondary.crash()
    await secondary.restart()
    expect((await firstReads(open('bbbbbbbb'))).every((seen) => seen !== undefined)).toBe(true)
  })
})

describe('a process that writes state', () => {
  it('shows itself to others as soon as it is connected', async () => {
    const now = open('aaaaaaaa')
    await now.failover.groups.groupSet('flow', 'a', '1', false, 1_000)
    // Every 5 s it does so in any case.
    await until('it is among the writers', async () => (await raw(primary, 'HLEN', '~mr:writers')) === 1, 3_000)
  })
})

describe('a category that is listed nowhere', () => {
  // By their names these two are at home on primary.
  const [one, other] = ['baskets', 'tables'] as const

  const loseUnlisted = async (): Promise<void> => {
    const before = open('aaaaaaaa')
    await until('it is known again', async () => (await raw(primary, 'GET', '~mr:sentinel')) !== null)
    for (const name of [one, other]) {
      expect(before.failover.landscape.categoryOf(name).instance).toBe('primary')
      await write(before.shelf(name), name, 'a', 1)
    }
    await raw(primary, 'SAVE')
    for (const name of [one, other]) await before.shelf(name).remove([entry(name, 'a')])
    await before.close()
    await primary.crash()
    await primary.restart()
  }
  const repaired = async (now = open('bbbbbbbb')) => {
    await value(now.menu, 'menu', 'a')
    const { landscape } = now.failover
    await until('it is trusted', () => landscape.calm('primary') && !landscape.behind('primary'))
    return now
  }

  it('is cleared where an older snapshot came back, also by a process that has never met it', async () => {
    await loseUnlisted()
    const now = await repaired()
    for (const name of [one, other]) expect(await value(now.shelf(name), name, 'a')).toBe(undefined)
  })

  it('control: where its name is not noted there, what was deleted is back', async () => {
    await loseUnlisted()
    await raw(primary, 'ZREM', '~mr:unlisted', other)
    const now = await repaired()
    expect(await value(now.shelf(one), one, 'a')).toBe(undefined)
    expect(await value(now.shelf(other), other, 'a')).toBe('1')
  })

  it('is left alone where it was only looked at: what lies there may be somebody else’s', async () => {
    await loseUnlisted()
    await raw(primary, 'ZREM', '~mr:unlisted', other)
    const now = open('bbbbbbbb')
    const seen = now.shelf(other)
    expect((await seen.scan('', undefined, 10)).keys).toEqual([`${other}:a`])
    expect(await value(seen, other, 'a')).toBe('1')
    await repaired(now)
    expect(await raw(primary, 'GET', `${other}:a`)).toContain('1')
    expect(await raw(primary, 'GET', `${one}:a`)).toBe(null)
  })

  it('nothing goes wrong with names that nobody has noted', async () => {
    await loseUnlisted()
    await raw(primary, 'ZADD', '~mr:unlisted', 0, '', 0, '*', 0, '~mr', 0, 'menu')
    await raw(primary, 'SET', 'foreign', 'stays')
    await repaired()
    expect(await raw(primary, 'GET', 'foreign')).toBe('stays')
    await primary.restart()
    await raw(primary, 'SET', '~mr:unlisted', 'foreign')
    const now = await repaired()
    await write(now.shelf(one), one, 'b', 2)
    expect(await value(now.shelf(one), one, 'b')).toBe('2')
  })

  it('is noted again where an instance lost its data', async () => {
    const now = open('aaaaaaaa')
    const shelf = now.shelf(one)
    await write(shelf, one, 'a', 1)
    await primary.crash()
    await until('it is noticed', () => !now.failover.landscape.calm('primary'))
    await primary.restart()
    await until('it is back', () => now.failover.landscape.calm('primary'))
    await write(shelf, one, 'a', 2)
    expect(await raw(primary, 'ZRANGE', '~mr:unlisted', 0, -1)).toEqual([one])
  })
})
