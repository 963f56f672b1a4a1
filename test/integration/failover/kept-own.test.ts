import { afterEach, describe, expect, it } from 'vitest'
import { createKeptShelf } from '../../../src/failover/kept/kept-shelf.ts'
import { createOwnWrites } from '../../../src/failover/kept/own-writes.ts'
import { startTestRedis } from '../../support/redis-server.ts'
import { openTestTiers } from '../../support/tiers.ts'
import { until } from '../../support/until.ts'
import { layout, name, openGround, orders, valueIn, write, writeTagged } from './kept-ground.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

describe('a mirrored category while both of its instances are away', () => {
  const open = async (aloneSince: () => number) => {
    const ground = await openGround()
    closing.push(ground.close)
    const own = createOwnWrites({ aloneSince, now: Date.now })
    const shelf = createKeptShelf(orders, ground.home, { landscape: ground.landscape, layout, now: Date.now, own })
    const drill = (ms: number): void => {
      for (const instance of [ground.home, ground.mirror]) instance.drill(ms)
    }
    return { ...ground, shelf, drill, read: async (key: string) => valueIn(await shelf.read(name(key))) }
  }
  const end = (): number => Date.now() + 600_000
  const unknown = { kind: 'unknown' }

  it('is read as this process wrote it, with what it writes now', async () => {
    const { shelf, drill, read, home, mirror, recover } = await open(() => 0)
    await shelf.write([write('a', 1), write('b', 1), writeTagged('c', 1, ['red']), write('d', 1)])
    await shelf.remove([name('b')])
    await shelf.invalidate(['red'])
    await shelf.increment(name('n'), 5, end())
    drill(60_000)
    expect([await read('a'), await read('b'), await read('c')]).toEqual([1, undefined, undefined])
    expect(await shelf.increment(name('n'), 1, end())).toBe(6)
    await expect(shelf.read(name('never'))).rejects.toMatchObject(unknown)
    await shelf.write([write('a', 2)])
    await shelf.remove([name('d')])
    expect([await read('a'), await read('d'), await shelf.read(name('n'))]).toEqual([2, undefined, '6'])
    const found = (await shelf.read(name('a'))) ?? ''
    const next = write('a', 3)
    expect(await shelf.swap(name('a'), found, next)).toBe(true)
    expect(await read('a')).toBe(3)
    await shelf.clear()
    // After that even what was never written here is known.
    expect([await read('a'), await read('never')]).toEqual([undefined, undefined])
    drill(0)
    await recover(home)
    await recover(mirror)
    expect([await read('a'), await read('n')]).toEqual([undefined, undefined])
  })

  it('is unknown where others may have written, and control: else it would be of the past', async () => {
    let since = Number.POSITIVE_INFINITY
    const { shelf, drill, read, landscape, home } = await open(() => since)
    const other = createKeptShelf(orders, home, { landscape, layout, now: Date.now })
    await shelf.write([write('a', 'ours')])
    await other.write([write('a', 'theirs')])
    drill(60_000)
    await expect(shelf.read(name('a'))).rejects.toMatchObject(unknown)
    since = 0
    expect(await read('a')).toBe('ours')
  })

  it('of the only server is read as it was written', async () => {
    const [primary, secondary] = await Promise.all([startTestRedis(), startTestRedis()])
    const { tiers } = openTestTiers({ REDIS_PRIMARY_URL: primary.url, REDIS_SECONDARY_URL: secondary.url })
    const auth = tiers.cache.category('auth')
    const all = (readable: boolean) => () => tiers.health().instances.every((each) => each.readable === readable)
    await auth.set('warm', 1)
    // It takes some seconds until it is certain that nobody else writes; on a slow machine some more.
    let found: unknown
    for (let tries = 0; tries < 3 && found === undefined; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 11_000))
      await auth.set('session', { user: 7 })
      for (const server of [primary, secondary]) server.freeze()
      await until('both are away', all(false))
      found = await auth.get('session').catch(() => undefined)
      for (const server of [primary, secondary]) server.thaw()
      if (found === undefined) await until('both are back', all(true), 30_000)
    }
    expect(found).toEqual({ user: 7 })
  }, 120_000)
})
