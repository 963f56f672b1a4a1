import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Shelf } from '../../../src/failover/shelf.ts'
import { expectNothingUnhandled } from '../../support/unhandled.ts'
import { until } from '../../support/until.ts'
import { dump, type Ground, layout, name, openGround, valueIn, write, writeTagged } from './kept-ground.ts'
import { openRedis } from './kept-model.ts'

// Tags of a mirrored category: on both instances, with versions, in every state.

expectNothingUnhandled()

let ground: Ground
beforeEach(async () => {
  ground = await openGround()
})
afterEach(() => ground.close())

const values = async (shelf: Shelf, ...keys: string[]): Promise<unknown[]> =>
  (await shelf.readMany(keys.map(name))).map(valueIn)

describe('tags of kept entries', () => {
  it('what bears one goes on both instances, alike', async () => {
    const shelf = ground.shelf()
    await shelf.write(
      Array.from({ length: 700 }, (_, i) => writeTagged(`k${i}`, i, i % 2 === 0 ? ['even', 'all'] : ['all'])),
    )
    await shelf.write([write('bare', 1), writeTagged('k0', 'again', ['other']), write('k2', 'bare now')])
    expect(await shelf.invalidate(['even', 'none'])).toBe(348)
    expect(await values(shelf, 'k0', 'k1', 'k2', 'k4', 'bare')).toEqual(['again', 1, 'bare now', undefined, 1])
    expect(await dump(ground.a)).toEqual(await dump(ground.b))
    await shelf.write([writeTagged('k4', 'after', ['even'])])
    expect(await values(shelf, 'k4')).toEqual(['after'])
    expect(await shelf.invalidate(['all', 'even'])).toBe(351)
    expect(await values(shelf, 'k0', 'k1', 'k2', 'k4')).toEqual(['again', undefined, 'bare now', undefined])
    expect(await dump(ground.a)).toEqual(await dump(ground.b))
  })

  it('what got a new life is found', async () => {
    const shelf = ground.shelf()
    await shelf.write([writeTagged('a', 1, ['x'])])
    const text = (await shelf.read(name('a'))) ?? ''
    const { text: fresh, endsAt, tags } = writeTagged('a', 1, ['x'])
    expect(await shelf.swap(name('a'), text, { text: fresh, endsAt, tags })).toBe(true)
    expect(await shelf.invalidate(['x'])).toBe(1)
    expect(await shelf.read(name('a'))).toBeUndefined()
    expect(await dump(ground.a)).toEqual(await dump(ground.b))
  })

  it('an entry that is about to go gets no new life', async () => {
    const shelf = ground.shelf()
    await shelf.write([writeTagged('a', 1, ['x'])])
    const text = (await shelf.read(name('a'))) ?? ''
    // As an invalidation begins.
    for (const { url } of [ground.a, ground.b]) {
      const redis = openRedis(url)
      await redis.hset(layout.markers, 't:orders:x', ground.landscape.clock.next())
      redis.disconnect()
    }
    const { text: fresh, endsAt, tags } = writeTagged('a', 1, ['x'])
    expect(await shelf.swap(name('a'), text, { text: fresh, endsAt, tags })).toBe(false)
    expect(await shelf.read(name('a'))).toBeUndefined()
    await shelf.write([writeTagged('a', 2, ['x'])])
    expect(await values(shelf, 'a')).toEqual([2])
  })

  it('an invalidation in all categories leaves no marker where there are no tags', async () => {
    const shelf = ground.shelf()
    const markers = async (): Promise<number[]> =>
      Promise.all(
        [ground.a, ground.b].map(async ({ url }) => {
          const redis = openRedis(url)
          const count = await redis.hlen(layout.markers)
          redis.disconnect()
          return count
        }),
      )
    await shelf.write([write('a', 1)])
    const before = await markers()
    expect(await shelf.invalidate(['x'], new Set())).toBe(0)
    expect(await markers()).toEqual(before)
    await shelf.write([writeTagged('b', 1, ['x'])])
    for (const instance of [ground.home, ground.mirror])
      expect(await instance.invalidateEverywhere(['x'])).toEqual(['orders'])
    expect(await shelf.invalidate(['x'], new Set(['orders']))).toBe(1)
    expect((await markers()).every((count, i) => count > (before[i] ?? 0))).toBe(true)
  })

  for (const which of ['home', 'mirror'] as const) {
    for (const how of ['frozen', 'dead'] as const) {
      it(`an invalidation while a ${how} ${which} is away holds`, async () => {
        const shelf = ground.shelf()
        const server = which === 'home' ? ground.a : ground.b
        await shelf.write([writeTagged('a', 1, ['x']), writeTagged('b', 2, ['y']), write('c', 3)])
        if (how === 'frozen') server.freeze()
        else await server.crash()
        expect(await shelf.invalidate(['x'])).toBe(1)
        expect(await values(shelf, 'a', 'b', 'c')).toEqual([undefined, 2, 3])

        // Written while away, then invalidated; and written once more.
        await shelf.write([writeTagged('d', 4, ['x']), writeTagged('e', 5, ['x']), writeTagged('f', 6, ['z'])])
        expect(await values(shelf, 'd', 'e', 'f')).toEqual([4, 5, 6])
        expect(await shelf.invalidate(['x'])).toBe(2)
        await shelf.write([writeTagged('e', 'later', ['x'])])
        expect(await values(shelf, 'd', 'e', 'f')).toEqual([undefined, 'later', 6])

        if (how === 'frozen') server.thaw()
        else await server.restart()
        await ground.recover(which === 'home' ? ground.home : ground.mirror)
        expect(await values(shelf, 'a', 'd', 'e', 'f')).toEqual([undefined, undefined, 'later', 6])
        if (how === 'frozen') expect(await dump(ground.a)).toEqual(await dump(ground.b))
        // What was replayed is in the indexes, too.
        expect(await shelf.invalidate(['x', 'z'])).toBe(2)
        expect(await values(shelf, 'e', 'f')).toEqual([undefined, undefined])
        if (how === 'frozen') expect(await dump(ground.a)).toEqual(await dump(ground.b))
      })
    }
  }

  it('with both away what the journal knows is not read once its tag is invalidated', async () => {
    const shelf = ground.shelf()
    await Promise.all([ground.a.crash(), ground.b.crash()])
    await until('both are known to be away', () => !ground.home.readable() && !ground.mirror.readable())
    await shelf.write([writeTagged('a', 1, ['x']), writeTagged('b', 2, ['y'])])
    expect(await values(shelf, 'a', 'b')).toEqual([1, 2])
    await shelf.invalidate(['x'])
    expect(await values(shelf, 'a', 'b')).toEqual([undefined, 2])
    await shelf.write([writeTagged('a', 3, ['x'])])
    expect(await values(shelf, 'a')).toEqual([3])

    await Promise.all([ground.a.restart(), ground.b.restart()])
    await ground.recover(ground.home)
    await ground.recover(ground.mirror)
    expect(await values(shelf, 'a', 'b')).toEqual([3, 2])
    expect(await shelf.invalidate(['x'])).toBe(1)
    expect(await dump(ground.a)).toEqual(await dump(ground.b))
  })

  it('what waits for an instance that is up is gone with its tag, and what it replaced does not come back', async () => {
    const shelf = ground.shelf()
    const { journal, clock } = ground.landscape
    await shelf.write([write('a', 'before')])
    const waiting = writeTagged('a', 'waiting', ['x'])
    const version = clock.next()
    await journal?.append('primary', [
      {
        kind: 'value',
        scope: 'c:orders',
        key: 'a',
        version,
        text: waiting.text.replace('{', `{"ver":"${version}",`),
        endsAt: waiting.endsAt,
        tags: ['x'],
      },
    ])
    expect(await values(shelf, 'a')).toEqual(['waiting'])
    await shelf.invalidate(['x'])
    expect(await values(shelf, 'a')).toEqual([undefined])
    await ground.recover(ground.home)
    expect(await values(shelf, 'a')).toEqual([undefined])
  })

  it('an entry at home is hidden while its invalidation waits for it', async () => {
    const shelf = ground.shelf()
    const { journal, clock } = ground.landscape
    await shelf.write([writeTagged('a', 1, ['x']), writeTagged('b', 2, ['y'])])
    await journal?.append('primary', [{ kind: 'tag', scope: 'c:orders', tag: 'x', version: clock.next() }])
    expect(await values(shelf, 'a', 'b')).toEqual([undefined, 2])
    expect(await shelf.locate(name('a'))).toBeUndefined()
    await shelf.write([writeTagged('a', 3, ['x'])])
    expect(await values(shelf, 'a')).toEqual([3])
    await ground.recover(ground.home)
    expect(await values(shelf, 'a', 'b')).toEqual([3, 2])
  })

  it('control: without the overlay it is read', async () => {
    const { journal, clock } = ground.landscape
    await ground.shelf().write([writeTagged('a', 1, ['x'])])
    await journal?.append('primary', [{ kind: 'tag', scope: 'c:orders', tag: 'x', version: clock.next() }])
    expect(await values(ground.shelf({}, { overlay: false }), 'a')).toEqual([1])
  })

  it('an invalidation fails, and says so, where its instance is away and nothing would remember it', async () => {
    const lonely = await openGround({ journal: false })
    try {
      const shelf = lonely.shelf()
      await shelf.write([writeTagged('a', 1, ['x'])])
      await lonely.b.crash()
      await until('the mirror is known to be away', () => !lonely.mirror.readable())
      await expect(shelf.invalidate(['x'])).rejects.toMatchObject({ name: 'StoreError', kind: 'journal' })
    } finally {
      await lonely.close()
    }
  })

  it('leaves a marker of the tag on both, and nothing in the indexes', async () => {
    const shelf = ground.shelf()
    await shelf.write([writeTagged('a', 1, ['x', 'y'])])
    for (const { url } of [ground.a, ground.b]) {
      const redis = openRedis(url)
      expect(await redis.zcard(layout.tag('orders', 'x'))).toBe(1)
      expect(await redis.pttl(layout.tag('orders', 'x'))).toBe(-1)
      redis.disconnect()
    }
    await shelf.invalidate(['x'])
    for (const { url } of [ground.a, ground.b]) {
      const redis = openRedis(url)
      expect(await redis.exists(layout.tag('orders', 'x'))).toBe(0)
      expect(await redis.hget(layout.markers, 't:orders:x')).toMatch(/^[0-9a-f]{24}$/)
      redis.disconnect()
    }
  })
})
