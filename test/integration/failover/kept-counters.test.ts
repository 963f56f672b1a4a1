import { afterEach, describe, expect, it } from 'vitest'
import { createKeptShelf } from '../../../src/failover/kept/kept-shelf.ts'
import { createClock } from '../../../src/failover/versions/clock.ts'
import { entryCalls } from '../../../src/failover/versions/entry-calls.ts'
import { watchOwnDelay } from '../../../src/instances/own-delay.ts'
import { startTestRedis } from '../../support/redis-server.ts'
import { openTestTiers } from '../../support/tiers.ts'
import { until } from '../../support/until.ts'
import { dump, type Ground, layout, name, openGround, orders, write } from './kept-ground.ts'
import { openRedis, runCall } from './kept-model.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const open = async (options?: Parameters<typeof openGround>[0]): Promise<Ground> => {
  const ground = await openGround(options)
  closing.push(ground.close)
  return ground
}
const ends = (): number => Date.now() + 600_000
const copied = layout.mirror('primary') + name('n').redisKey
const connected = (url: string): ReturnType<typeof openRedis> => {
  const redis = openRedis(url)
  closing.push(() => redis.disconnect())
  return redis
}

describe('a counter of a mirrored category', () => {
  it('is the same at both places, whoever counts, at whatever time its copies arrive', async () => {
    const ground = await open()
    // Its clock is behind, and stays so.
    const late = createClock({ now: () => Date.now() - 30_000 })
    const early = ground.landscape.clock.next()
    const others = createKeptShelf(orders, ground.home, {
      landscape: { ...ground.landscape, clock: late },
      layout,
      now: Date.now,
    })
    const shelves = [ground.shelf(), others]
    const numbers = await Promise.all(
      Array.from({ length: 200 }, (_, i) => shelves[i % 2]?.increment(name('n'), i % 3 === 0 ? -1 : 2, ends())),
    )
    expect(new Set(numbers).size).toBeGreaterThan(50)
    const both = [await dump(ground.a), await dump(ground.b)]
    expect(both[0]).toEqual({ 'app:orders:n': '199' })
    expect(both[1]).toEqual(both[0])

    // What was on its way for a long time changes nothing.
    const [calls, mirror] = [entryCalls(layout, ground.landscape.clock), connected(ground.b.url)]
    const at = { category: 'orders', key: 'n', redisKey: copied }
    expect(await runCall(mirror, calls.merge(at, early, { text: '7', life: 60_000 }))).toBe('dropped')
    expect(await mirror.get(copied)).toBe('199')
  })

  it('lives on the mirror as long as at home', async () => {
    const ground = await open()
    const shelf = ground.shelf()
    const [home, mirror] = [connected(ground.a.url), connected(ground.b.url)]
    await shelf.increment(name('n'), 1, Date.now() + 100_000)
    await shelf.increment(name('n'), 1, Date.now() + 900_000)
    expect(await home.pttl(name('n').redisKey)).toBeLessThanOrEqual(100_000)
    expect(await mirror.pttl(copied)).toBeLessThanOrEqual(100_000)
  })

  it('waits for the mirror where that is away, and is known while both are', async () => {
    const ground = await open()
    const shelf = ground.shelf()
    await shelf.increment(name('n'), 5, ends())
    ground.mirror.drill(60_000)
    expect(await shelf.increment(name('n'), 1, ends())).toBe(6)
    expect(await shelf.increment(name('n'), 1, ends())).toBe(7)
    ground.home.drill(60_000)
    expect(await shelf.read(name('n'))).toBe('7')
    expect(await shelf.increment(name('n'), 3, ends())).toBe(10)
    expect(await shelf.read(name('n'))).toBe('10')
    ground.home.drill(0)
    ground.mirror.drill(0)
    await ground.recover(ground.mirror)
    expect(await connected(ground.b.url).get(copied)).toBe('7')
    await ground.recover(ground.home)
    expect(await shelf.increment(name('n'), 1, ends())).toBe(11)
    expect(await dump(ground.a)).toEqual(await dump(ground.b))
  })

  it('is told as what waits for home where that is away and the mirror says nothing in the time of the call', async () => {
    const ground = await open()
    const shelf = ground.shelf()
    await shelf.increment(name('n'), 5, ends())
    ground.home.drill(60_000)
    ground.b.freeze()
    closing.push(() => ground.b.thaw())
    expect(await shelf.increment(name('n'), 3, ends())).toBe(3)
    ground.b.thaw()
    await ground.recover(ground.mirror)
    expect(await shelf.increment(name('n'), 1, ends())).toBe(9)
  })

  it('replaces a value and is replaced by one, deleted and cleared in the order of all writes', async () => {
    const ground = await open()
    const [shelf, calls] = [ground.shelf(), entryCalls(layout, ground.landscape.clock)]
    const [home, mirror] = [connected(ground.a.url), connected(ground.b.url)]
    const at = { category: 'orders', key: 'n', redisKey: name('n').redisKey }
    const before = ground.landscape.clock.next()
    const late = async (): Promise<string[]> =>
      Promise.all([
        runCall(home, calls.mergeTombstone(at, before)),
        runCall(mirror, calls.mergeTombstone({ ...at, redisKey: copied }, before)),
      ])
    await shelf.write([write('n', 41)])
    expect(await shelf.increment(name('n'), 1, ends())).toBe(42)
    // A removal of before that only now arrives.
    expect(await late()).toEqual(['taken', 'taken'])
    expect([await home.get(name('n').redisKey), await mirror.get(copied)]).toEqual(['42', '42'])
    await shelf.remove([name('n')])
    expect(await dump(ground.b)).toEqual({})
    expect(await shelf.increment(name('n'), 1, ends())).toBe(1)
    await shelf.clear()
    expect([await dump(ground.a), await dump(ground.b)]).toEqual([{}, {}])
    expect(await shelf.increment(name('n'), 2, ends())).toBe(2)
    expect(await dump(ground.a)).toEqual(await dump(ground.b))
    await shelf.write([write('n', 'text')])
    await expect(shelf.increment(name('n'), 1, ends())).rejects.toMatchObject({ kind: 'not-a-number' })
    expect(await dump(ground.a)).toEqual(await dump(ground.b))
  })

  it('without a journal: refused before it is counted, where the mirror is away', async () => {
    const ground = await open({ journal: false })
    const shelf = ground.shelf()
    expect(await shelf.increment(name('n'), 1, ends())).toBe(1)
    ground.mirror.drill(60_000)
    await expect(shelf.increment(name('n'), 1, ends())).rejects.toMatchObject({ kind: 'journal', applied: 'no' })
    expect(await connected(ground.a.url).get(name('n').redisKey)).toBe('1')
  })

  it('ends in time, whatever freezes', async () => {
    const ground = await open({ deadlines: {} })
    const shelf = ground.shelf()
    await until('it is counted', () => shelf.increment(name('n'), 1, ends()))
    for (const server of [ground.b, ground.a]) {
      server.freeze()
      const began = performance.now()
      const own = watchOwnDelay()
      await shelf.increment(name('n'), 1, ends()).catch(() => undefined)
      const took = performance.now() - began - own.ms()
      own.end()
      // The disk gets its time at the end of a call.
      expect(took).toBeLessThan(300 + 150)
    }
    ground.a.thaw()
    ground.b.thaw()
  })
})

describe('home lost its data while the mirror was away', () => {
  it('no increment is lost: those of then are added to what the mirror has', async () => {
    const [primary, secondary] = await Promise.all([startTestRedis(), startTestRedis()])
    const { tiers } = openTestTiers({ REDIS_PRIMARY_URL: primary.url, REDIS_SECONDARY_URL: secondary.url })
    const stateOf = (i: number) => tiers.health().instances[i]?.state
    const count = async (times: number) => {
      for (let i = 0; i < times; i++) await tiers.cache.increment('visits', { category: 'orders' })
    }
    await count(5)
    secondary.freeze()
    await primary.crash()
    await until('both are away', () => stateOf(0) === 'down' && stateOf(1) === 'down')
    await count(2)
    await primary.restart()
    await until('it is back, without anything', () => stateOf(0) === 'up')
    await count(3)
    secondary.thaw()
    const well = () =>
      tiers.health().status === 'ok' && tiers.health().instances.every(({ journal }) => journal.entries === 0)
    await until('all is well', well)
    await until('it was repaired', async () =>
      tiers.cache.get('visits', { category: 'orders' }).then(
        () => true,
        () => false,
      ),
    )
    await until('all is well again', well)
    expect(await tiers.cache.get('visits', { category: 'orders' })).toBe(10)
    await count(1)
    await until('nothing waits any more', well)
    const [home, mirror] = [connected(primary.url), connected(secondary.url)]
    const [key = ''] = await mirror.keys('*visits')
    expect([await home.get('orders:visits'), await mirror.get(key)]).toEqual(['11', '11'])
  }, 30_000)
})
