import { afterEach, describe, expect, it } from 'vitest'
import { createKeptShelf } from '../../../src/failover/kept/kept-shelf.ts'
import { createClock } from '../../../src/failover/versions/clock.ts'
import { entryCalls } from '../../../src/failover/versions/entry-calls.ts'
import { versioned, versionOf } from '../../../src/failover/versions/entry-text.ts'
import { groupCalls } from '../../../src/failover/versions/group-calls.ts'
import type { TestRedis } from '../../support/redis-server.ts'
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts'
import { until } from '../../support/until.ts'
import { dump, envelope, type Ground, layout, name, openGround, orders, valueIn, write } from './kept-ground.ts'
import { openRedis, runCall } from './kept-model.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const open = async (options?: Parameters<typeof openGround>[0]): Promise<Ground> => {
  const ground = await openGround(options)
  closing.push(ground.close)
  return ground
}

const on = async <T>(server: TestRedis, work: (redis: ReturnType<typeof openRedis>) => Promise<T>): Promise<T> => {
  const redis = openRedis(server.url)
  try {
    return await work(redis)
  } finally {
    redis.disconnect()
  }
}

/** Refuses writes until it is told otherwise. */
const stops: Record<string, (server: TestRedis) => Promise<() => Promise<unknown>>> = {
  'out of memory': async (server) => {
    await on(server, (redis) => redis.config('SET', 'maxmemory', '1mb'))
    return () => on(server, (redis) => redis.config('SET', 'maxmemory', '0'))
  },
  'read-only': async (server) => {
    await on(server, (redis) => redis.replicaof('127.0.0.1', 1))
    return () => on(server, (redis) => redis.replicaof('NO', 'ONE'))
  },
}

const drained = async (ground: Ground): Promise<void> => {
  await ground.recover(ground.home)
  await ground.recover(ground.mirror)
}

describe('an instance that refuses writes', () => {
  for (const [fault, stop] of Object.entries(stops)) {
    for (const which of ['home', 'mirror', 'both'] as const) {
      it(`${which}, ${fault}: writes are acknowledged, read back, and reach it afterwards`, async () => {
        const ground = await open()
        const [shelf, store] = [ground.shelf(), ground.groups()]
        const set = (field: string, text: string) => store.groupSet('g', field, text, 600_000, 100)
        for (const key of ['kept', 'gone']) {
          await shelf.write([write(key, 'before')])
          await set(key, '"before"')
        }
        const servers = which === 'both' ? [ground.a, ground.b] : [which === 'home' ? ground.a : ground.b]
        const heals = await Promise.all(servers.map(stop))
        for (const text of ['first', 'second']) {
          await shelf.write([write('kept', text)])
          expect(valueIn(await shelf.read(name('kept')))).toBe(text)
          await set('kept', `"${text}"`)
          expect(await store.groupGet('g', 'kept')).toBe(`"${text}"`)
        }
        expect(await shelf.remove([name('gone')])).toEqual([true])
        expect(await store.groupDelete('g', 'gone')).toBe('"before"')
        expect(await shelf.read(name('gone'))).toBe(undefined)
        expect(await store.groupAll('g')).toEqual([['kept', '"second"']])
        await Promise.all(heals.map((heal) => heal()))
        await drained(ground)
        expect(valueIn(await shelf.read(name('kept')))).toBe('second')
        expect(await store.groupAll('g')).toEqual([['kept', '"second"']])
        expect(await dump(ground.a)).toEqual(await dump(ground.b))
      })
    }
  }
})

describe('writes whose fate nobody knows', () => {
  it('lost answers: what home took all the same is what is read everywhere', async () => {
    let wire: TcpProxy | undefined
    const ground = await open({
      proxied: async (port) => {
        wire = await startTcpProxy(port)
        return wire.url
      },
    })
    closing.push(async () => wire?.close())
    const [shelf, store] = [ground.shelf(), ground.groups()]
    await shelf.write([write('k', 1)])
    await store.groupSet('g', 'k', '1', false, 100)
    wire?.mode('drop')
    await Promise.all([shelf.write([write('k', 2)]), store.groupSet('g', 'k', '2', false, 100)])
    expect(valueIn(await shelf.read(name('k')))).toBe(2)
    expect(await store.groupGet('g', 'k')).toBe('2')
    wire?.mode('pass')
    await drained(ground)
    expect(valueIn(await shelf.read(name('k')))).toBe(2)
    expect(await dump(ground.a)).toEqual(await dump(ground.b))
  })

  it('confirmed by home alone, then home dies: the mirror and what waits for it have it', async () => {
    const ground = await open()
    const [shelf, store] = [ground.shelf(), ground.groups()]
    await shelf.write([write('k', 1)])
    await store.groupSet('g', 'k', '1', false, 100)
    await store.groupSet('g', 'other', '1', false, 100)
    ground.b.freeze()
    await shelf.write([write('k', 2)])
    await store.groupSet('g', 'k', '2', false, 100)
    ground.a.freeze()
    await until('both are away', () => !ground.home.readable() && !ground.mirror.readable())
    expect(valueIn(await shelf.read(name('k')))).toBe(2)
    expect(await store.groupGet('g', 'k')).toBe('2')
    await expect(store.groupGet('g', 'other')).rejects.toMatchObject({ kind: 'unknown' })
    await expect(shelf.read(name('other'))).rejects.toMatchObject({ kind: 'unknown' })
    await expect(shelf.readMany([name('k'), name('other')])).rejects.toMatchObject({ kind: 'unknown' })
    await expect(store.groupAll('g')).rejects.toMatchObject({ kind: 'unknown' })
    await expect(store.groups()).rejects.toMatchObject({ kind: 'unknown' })
    const lenient = ground.groups({ onUnknown: 'null' })
    expect(await lenient.groupGet('g', 'other')).toBe(undefined)
    expect(await lenient.groupAll('g')).toEqual([['k', '2']])
    expect(await lenient.groups()).toEqual(['g'])
    ground.b.thaw()
    await ground.recover(ground.mirror)
    expect(valueIn(await shelf.read(name('k')))).toBe(2)
    expect((await store.groupAll('g')).toSorted()).toEqual([
      ['k', '2'],
      ['other', '1'],
    ])
    ground.a.thaw()
    await drained(ground)
    expect(await dump(ground.a)).toEqual(await dump(ground.b))
  })

  it('one that waits is not what is read after a later one was confirmed and both went away', async () => {
    const ground = await open()
    const [shelf, store] = [ground.shelf(), ground.groups()]
    const { clock, journal } = ground.landscape
    const [scope, group] = ['c:orders', 'g:g']
    const endsAt = Date.now() + 600_000
    for (const key of ['set', 'deleted', 'cleared']) {
      const text = versioned(envelope('earlier', endsAt), clock.next())
      const version = versionOf(text) ?? ''
      await journal?.append('primary', [
        { kind: 'value', scope: key === 'cleared' ? 'c:other' : scope, key, version, text, endsAt },
        { kind: 'value', scope: key === 'cleared' ? 'g:other' : group, key, version, text: '"earlier"', endsAt },
      ])
    }
    const other = ground.shelf({ name: 'other', keyPrefix: 'app:other:' })
    await shelf.write([write('set', 'later')])
    await shelf.remove([name('deleted')])
    await other.clear()
    await store.groupSet('g', 'set', '"later"', false, 100)
    await store.groupDelete('g', 'deleted')
    await store.groupClear('other')
    for (const instance of [ground.home, ground.mirror]) instance.drill(60_000)
    // Both places had the later one, so nothing waits, and without them nobody knows.
    const unknown = { kind: 'unknown' }
    await expect(shelf.read(name('set'))).rejects.toMatchObject(unknown)
    await expect(shelf.read(name('deleted'))).rejects.toMatchObject(unknown)
    await expect(other.read({ key: 'cleared', redisKey: 'app:other:cleared' })).rejects.toMatchObject(unknown)
    await expect(store.groupGet('g', 'set')).rejects.toMatchObject(unknown)
    await expect(store.groupGet('g', 'deleted')).rejects.toMatchObject(unknown)
    await expect(store.groupGet('other', 'cleared')).rejects.toMatchObject(unknown)
  })
})

describe('other processes', () => {
  it('with a clock ahead, and home away: what waits for home is the version that the mirror took', async () => {
    const ground = await open()
    const [shelf, store] = [ground.shelf(), ground.groups()]
    const ahead = createClock({ now: () => Date.now() + 30_000 })
    const [at, group] = [name('k'), groupCalls(layout, ahead)]
    const version = ahead.next()
    await on(ground.b, async (redis) => {
      const redisKey = layout.mirror('primary') + at.redisKey
      const text = { text: versioned(envelope('theirs'), version), life: 600_000 }
      await runCall(redis, entryCalls(layout, ahead).put({ category: 'orders', key: 'k', redisKey }, version, text))
      await runCall(redis, group.put('g', 'k', version, { text: '"theirs"', life: false, maxItems: 100 }))
    })
    ground.a.freeze()
    await Promise.all([shelf.write([write('k', 'ours')]), store.groupSet('g', 'k', '"ours"', false, 100)])
    const waiting = ground.landscape.journal?.find('primary', 'c:orders', 'k')?.own
    expect(waiting?.version).toBe(
      versionOf((await on(ground.b, (redis) => redis.get(layout.mirror('primary') + at.redisKey))) ?? ''),
    )
    expect(ground.landscape.journal?.find('primary', 'g:g', 'k')?.own?.version).toBe(
      await on(ground.b, (redis) => redis.hget(layout.side('g'), ':k')),
    )
    ground.a.thaw()
    await drained(ground)
    expect(valueIn(await shelf.read(at))).toBe('ours')
    expect(await store.groupGet('g', 'k')).toBe('"ours"')
    expect(await dump(ground.a)).toEqual(await dump(ground.b))
  })

  it('with a clock ahead: their version is passed, at both places', async () => {
    const ground = await open()
    const shelf = ground.shelf()
    const ahead = createClock({ now: () => Date.now() + 30_000 })
    const put = entryCalls(layout, ahead).put(
      { category: 'orders', key: 'k', redisKey: layout.mirror('primary') + name('k').redisKey },
      ahead.next(),
      { text: versioned(envelope('theirs'), ahead.next()), life: 600_000 },
    )
    await on(ground.b, (redis) => runCall(redis, put))
    await shelf.write([write('k', 'ours')])
    expect(valueIn(await shelf.read(name('k')))).toBe('ours')
    expect(await dump(ground.a)).toEqual(await dump(ground.b))
  })

  it('with a clock that is mad: what it left counts as foreign, and is replaced', async () => {
    const ground = await open()
    const [shelf, store] = [ground.shelf(), ground.groups()]
    const mad = createClock({ now: () => Date.now() + 3_600_000 })
    await store.groupSet('g', 'k', '1', false, 100)
    await on(ground.a, async (redis) => {
      await redis.set(name('k').redisKey, versioned(envelope('theirs'), mad.next()))
      await redis.hset(layout.side('g'), ':k', mad.next(), '^', mad.next())
    })
    await shelf.write([write('k', 'ours')])
    await store.groupSet('g', 'k', '2', false, 100)
    expect(valueIn(await shelf.read(name('k')))).toBe('ours')
    expect(await store.groupGet('g', 'k')).toBe('2')
    expect(await dump(ground.a)).toEqual(await dump(ground.b))
    await store.groupClear('g')
    expect(await store.groupAll('g')).toEqual([])
  })

  it('at the same keys at the same time: both places end alike; control: by plain writes they do not', async () => {
    const ground = await open()
    const others = createKeptShelf(orders, ground.home, {
      landscape: { ...ground.landscape, clock: createClock() },
      layout,
      now: Date.now,
    })
    const shelves = [ground.shelf(), others]
    await Promise.all(
      Array.from({ length: 300 }, async (_, i) => {
        const shelf = shelves[i % 2]
        if (i % 5 === 4) await shelf?.remove([name(`k${i % 3}`)])
        else await shelf?.write([write(`k${i % 3}`, i)])
      }),
    )
    expect(await dump(ground.a)).toEqual(await dump(ground.b))

    // Two writers whose connections are of different speed: what versions are there for.
    const first = entryCalls(layout, ground.landscape.clock)
    const versions = [ground.landscape.clock.next(), ground.landscape.clock.next()]
    const send = (redis: ReturnType<typeof openRedis>, order: readonly number[], plain: boolean) =>
      order.reduce(async (before: Promise<unknown>, i) => {
        await before
        const text = versioned(envelope(i, 0), versions[i] ?? '')
        if (plain) return redis.set('plain', text)
        return runCall(
          redis,
          first.put({ category: 'orders', key: 'v', redisKey: 'v' }, versions[i] ?? '', { text, life: 60_000 }),
        )
      }, Promise.resolve())
    const ended = async (key: string) => [
      await on(ground.a, (redis) => redis.get(key)),
      await on(ground.b, (redis) => redis.get(key)),
    ]
    for (const plain of [false, true]) {
      await on(ground.a, (redis) => send(redis, [0, 1], plain))
      await on(ground.b, (redis) => send(redis, [1, 0], plain))
    }
    const [home, mirror] = await ended('v')
    expect(home).toBe(mirror)
    const [plainHome, plainMirror] = await ended('plain')
    expect(plainHome).not.toBe(plainMirror)
  })
})

describe('policies', () => {
  it('without a journal: all works while all is well, and a write with an instance away is refused', async () => {
    const ground = await open({ journal: false })
    const [shelf, store] = [ground.shelf(), ground.groups()]
    await shelf.write([write('k', 1)])
    await store.groupSet('g', 'k', '1', false, 100)
    ground.mirror.drill(60_000)
    const refused = { kind: 'journal', applied: 'no', message: expect.stringContaining('MOTIA_REDIS_DIR') }
    await expect(shelf.write([write('k', 2)])).rejects.toMatchObject(refused)
    await expect(store.groupSet('g', 'k', '2', false, 100)).rejects.toMatchObject(refused)
    await expect(shelf.remove([name('k')])).rejects.toMatchObject(refused)
    await expect(store.groupClear('g')).rejects.toMatchObject(refused)
    expect(valueIn(await shelf.read(name('k')))).toBe(1)
    expect(await store.groupGet('g', 'k')).toBe('1')
  })

  it('with one instance only: it waits in the journal, and what was before is unknown', async () => {
    const ground = await open({ mirrorless: true })
    const [shelf, store] = [ground.shelf(), ground.groups()]
    await shelf.write([write('k', 1), write('before', 1)])
    ground.home.drill(60_000)
    await shelf.write([write('k', 2)])
    await store.groupSet('g', 'k', '2', false, 100)
    expect(valueIn(await shelf.read(name('k')))).toBe(2)
    expect(await store.groupGet('g', 'k')).toBe('2')
    await expect(shelf.read(name('before'))).rejects.toMatchObject({ kind: 'unknown' })
    ground.home.drill(0)
    await ground.recover(ground.home)
    expect(valueIn(await shelf.read(name('k')))).toBe(2)
    expect(valueIn(await shelf.read(name('before')))).toBe(1)
    expect(await dump(ground.b)).toEqual({})
  })

  it('fail-closed: home alone answers and confirms; the mirror only keeps', async () => {
    const ground = await open()
    const shelf = ground.shelf({ onOutage: 'fail-closed' })
    await shelf.write([write('k', 1)])
    expect(await dump(ground.a)).toEqual(await dump(ground.b))
    ground.mirror.drill(60_000)
    await shelf.write([write('k', 2)])
    ground.mirror.drill(0)
    await ground.recover(ground.mirror)
    expect(await dump(ground.a)).toEqual(await dump(ground.b))
    ground.home.drill(60_000)
    await expect(shelf.read(name('k'))).rejects.toMatchObject({ kind: 'unavailable' })
    await expect(shelf.readMany([name('k')])).rejects.toMatchObject({ kind: 'unavailable' })
    await expect(shelf.write([write('k', 3)])).rejects.toMatchObject({ kind: 'unavailable' })
    await expect(shelf.increment(name('n'), 1, Date.now() + 1_000)).rejects.toMatchObject({ kind: 'unavailable' })
    await expect(shelf.scan('', undefined, 10)).rejects.toMatchObject({ kind: 'unavailable' })
    expect(ground.landscape.journal?.stats('primary').entries).toBe(0)
  })

  it("a caller's own error is nobody else's: a full group", async () => {
    const ground = await open()
    const store = ground.groups()
    const set = (field: string) => store.groupSet('g', field, '1', false, 2)
    await set('a')
    await set('b')
    await expect(set('c')).rejects.toMatchObject({ kind: 'too-large' })
    await set('a')
    expect((await store.groupFields('g')).toSorted()).toEqual(['a', 'b'])
    expect(await dump(ground.a)).toEqual(await dump(ground.b))
    expect(ground.landscape.journal?.stats('primary').entries).toBe(0)
  })
})
