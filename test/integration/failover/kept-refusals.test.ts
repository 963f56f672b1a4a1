import { afterEach, describe, expect, it } from 'vitest'
import { createKeptGroups } from '../../../src/failover/kept/kept-groups.ts'
import { createKeptShelf } from '../../../src/failover/kept/kept-shelf.ts'
import { isVersion } from '../../../src/failover/versions/clock.ts'
import type { Instance } from '../../../src/instances/instance.ts'
import { StoreError } from '../../../src/instances/store.ts'
import { until } from '../../support/until.ts'
import { dump, type Ground, layout, name, openGround, orders, valueIn, write } from './kept-ground.ts'
import { openRedis } from './kept-model.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const open = async (options?: Parameters<typeof openGround>[0]): Promise<Ground> => {
  const ground = await openGround(options)
  closing.push(ground.close)
  return ground
}
const connected = (ground: Ground, which: 'a' | 'b'): ReturnType<typeof openRedis> => {
  const redis = openRedis(ground[which].url)
  closing.push(async () => redis.disconnect())
  return redis
}

const busy = (instance: Instance): Instance => ({
  ...instance,
  script: () => Promise.reject(new StoreError('busy', instance.name, 'too many calls are in flight', 'no')),
})

describe('a write that one place takes and the other refuses', () => {
  for (const which of ['home', 'mirror'] as const) {
    it(`${which} refuses: the caller hears why, and what it lacks waits for it`, async () => {
      const ground = await open()
      const store = ground.groups()
      const instance = ground[which]
      const redis = connected(ground, which === 'home' ? 'a' : 'b')
      await redis.lpush(layout.group('g'), 'of somebody else')
      const refused = { kind: 'refused', applied: 'unknown', store: instance.name }
      await expect(store.groupSet('g', 'k', '1', false, 100)).rejects.toMatchObject(refused)
      expect(ground.landscape.journal?.find(instance.name, 'g:g', 'k')?.own).toMatchObject({ kind: 'value', text: '1' })
      await redis.del(layout.group('g'))
      await ground.recover(instance)
      expect(await store.groupGet('g', 'k')).toBe('1')
      expect(await dump(ground.a)).toEqual(await dump(ground.b))
    })
  }

  it('both refuse: nothing waits, and nothing was applied', async () => {
    const ground = await open()
    for (const which of ['a', 'b'] as const) await connected(ground, which).lpush(layout.group('g'), 'of somebody else')
    const refused = { kind: 'refused', applied: 'no' }
    await expect(ground.groups().groupSet('g', 'k', '1', false, 100)).rejects.toMatchObject(refused)
    for (const { name: place } of [ground.home, ground.mirror]) {
      expect(ground.landscape.journal?.stats(place).entries).toBe(0)
    }
  })

  for (const which of ['home', 'mirror'] as const) {
    it(`${which} has too much to do: the other one's word is enough, and it gets the write later`, async () => {
      const ground = await open()
      const [shelf, store] = [ground.shelf(), ground.groups()]
      await shelf.write([write('k', 'before')])
      await store.groupSet('g', 'k', '"before"', false, 100)
      const instance = ground[which]
      const parts = { layout, now: Date.now, mirror: true, onUnknown: 'error', copy: undefined } as const
      const home = which === 'home' ? busy(instance) : ground.home
      const landscape = { ...ground.landscape, mirrorOf: () => (which === 'mirror' ? busy(instance) : ground.mirror) }
      await createKeptShelf(orders, home, { ...parts, landscape }).write([write('k', 'after')])
      await createKeptGroups(home, { ...parts, landscape }).groupSet('g', 'k', '"after"', false, 100)
      for (const scope of ['c:orders', 'g:g']) {
        expect(ground.landscape.journal?.find(instance.name, scope, 'k')?.own).toMatchObject({ kind: 'value' })
      }
      expect(valueIn(await shelf.read(name('k')))).toBe('after')
      await ground.recover(instance)
      expect(await store.groupGet('g', 'k')).toBe('"after"')
      expect(await dump(ground.a)).toEqual(await dump(ground.b))
    })
  }

  it('both have too much to do: it fails, and nothing was applied', async () => {
    const ground = await open()
    const landscape = { ...ground.landscape, mirrorOf: () => busy(ground.mirror) }
    const shelf = createKeptShelf(orders, busy(ground.home), { landscape, layout, now: Date.now })
    await expect(shelf.write([write('k', 1)])).rejects.toMatchObject({ kind: 'busy', applied: 'no' })
    expect(ground.landscape.journal?.stats('primary').entries).toBe(0)
  })
})

describe('with one place away', () => {
  it('what the other refuses is not forgotten: it may be at the first later, and the caller is told so', async () => {
    const ground = await open()
    const store = ground.groups()
    await connected(ground, 'b').lpush(layout.group('g'), 'of somebody else')
    ground.home.drill(60_000)
    const refused = { kind: 'refused', applied: 'unknown' }
    await expect(store.groupSet('g', 'k', '1', false, 100)).rejects.toMatchObject(refused)
    const entries = [ground.home, ground.mirror].map(
      (place) => ground.landscape.journal?.find(place.name, 'g:g', 'k')?.own,
    )
    expect(entries[0]).toMatchObject({ kind: 'value', text: '1' })
    expect(entries[1]).toEqual(entries[0])
  })

  it('the journal gets the version that the other place took', async () => {
    const ground = await open()
    const shelf = ground.shelf()
    ground.home.drill(60_000)
    await Promise.all(Array.from({ length: 50 }, (_, i) => shelf.write([write('k', i)])))
    const waiting = ground.landscape.journal?.find('primary', 'c:orders', 'k')?.own
    const stored = (await connected(ground, 'b').get(`${layout.mirror('primary')}app:orders:k`)) ?? ''
    expect(isVersion(waiting?.version)).toBe(true)
    expect(stored.slice(8, 32)).toBe(waiting?.version)
    expect(waiting).toMatchObject({ text: stored })
  })
})

describe('the clear of a category', () => {
  const KEYS = 10_000
  const filled = async () => {
    const ground = await open()
    const shelf = ground.shelf()
    const redis = connected(ground, 'a')
    for (let from = 0; from < KEYS; from += 1_000) {
      await shelf.write(Array.from({ length: 1_000 }, (_, i) => write(`k${from + i}`, i)))
    }
    const left = async (): Promise<number> => {
      const [keys, markers] = (await redis.multi().dbsize().exists(layout.markers).exec()) ?? []
      return Number(keys?.[1]) - Number(markers?.[1])
    }
    return { ground, shelf, left }
  }

  it('is in the journal of the place that is away before anything is removed at the other', async () => {
    const { ground, shelf, left } = await filled()
    ground.mirror.drill(60_000)
    const before = await left()
    let removed = 0
    let cleared = false
    const clearing = shelf.clear().then(() => {
      cleared = true
    })
    while (!cleared) {
      if ((await left()) === before) continue
      removed++
      expect(ground.landscape.journal?.findAll('secondary', 'c:orders')?.cleared).toBeDefined()
    }
    await clearing
    expect(removed).toBeGreaterThan(0)
    ground.mirror.drill(0)
    await ground.recover(ground.mirror)
    expect(await dump(ground.b)).toEqual(await dump(ground.a))
    expect(await shelf.scan('', undefined, 10)).toMatchObject({ keys: [] })
  }, 30_000)

  it('goes on by the journal where the place goes away in between', async () => {
    const { ground, shelf, left } = await filled()
    const before = await left()
    const clearing = shelf.clear()
    await until('some are gone', async () => (await left()) < before)
    ground.home.drill(60_000)
    await clearing
    expect(await left()).toBeGreaterThan(0)
    expect(await shelf.read(name('k1'))).toBe(undefined)
    ground.home.drill(0)
    await ground.recover(ground.home)
    expect(await left()).toBe(0)
    expect(await dump(ground.a)).toEqual(await dump(ground.b))
  }, 30_000)
})
