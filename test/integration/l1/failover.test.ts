import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { createL1Shelf } from '../../../src/cache/l1/l1-shelf.ts'
import { createMemory } from '../../../src/cache/l1/memory.ts'
import type { Shelf } from '../../../src/failover/shelf.ts'
import { createInvalidation } from '../../../src/invalidation/invalidation.ts'
import { readSettings } from '../../../src/settings/read-settings.ts'
import { startTestRedis, type TestRedis } from '../../support/redis-server.ts'
import { expectNothingUnhandled } from '../../support/unhandled.ts'
import { until } from '../../support/until.ts'
import { entry, openProcess, type Process, put, text } from '../failover/cached-setup.ts'
import { foreigner, openGround } from './ground.ts'

expectNothingUnhandled()

let primary: TestRedis
let secondary: TestRedis
// An instance that fell often is trusted ever more slowly.
beforeEach(async () => {
  ;[primary, secondary] = await Promise.all([startTestRedis(), startTestRedis()])
})

// One that is cached and one that is kept, both with home primary, and with copies that nothing but an event ends.
const categories = {
  menu: { instance: 'primary', l1: '1h' },
  orders: { l1: '1h', mirror: true },
} as const
const open = () => openGround({ primary: primary.url, secondary: secondary.url, categories })

describe.each(['menu', 'orders'])('copies of category %s', (category) => {
  it.each([
    ['crashes', () => primary.crash(), () => primary.restart()],
    ['freezes', async () => primary.freeze(), async () => primary.thaw()],
    [
      'takes no writes',
      () => foreigner(primary.url).call('REPLICAOF', '127.0.0.1', '1'),
      () => foreigner(primary.url).call('REPLICAOF', 'NO', 'ONE'),
    ],
  ] as const)('are of no account while home is away, nor after it is back: it %s', async (_, goAway, comeBack) => {
    const { cache, held, source, tiers } = open()
    const read = () => cache.get(`k`, { category })
    await cache.set('k', 1, { category })
    await cache.set('other', 'before', { category })
    await held('k', category)
    await held('other', category)
    await goAway()
    let away = true
    onTestFinished(async () => {
      if (away) await comeBack()
    })
    // Each write is read at once, whoever takes it and whatever is noticed meanwhile.
    for (let version = 2; version < 30; version++) {
      await cache.set('k', version, { category })
      expect(await read()).toBe(version)
    }
    expect(await source('k', category)).not.toBe('l1')
    expect(await source('other', category)).not.toBe('l1')
    await cache.set('k', 30, { category })
    away = false
    await comeBack()
    // Where it lies at home as it was acknowledged, or is gone as a cached value may; never what was before.
    const allowed: readonly unknown[] = category === 'orders' ? [30] : [30, undefined]
    await until('home is well again', async () => {
      expect(allowed).toContain(await read())
      const { state, journal } = tiers.health().instances[0] ?? {}
      return state === 'up' && journal?.entries === 0
    })
    await cache.set('k', 31, { category })
    await until('a copy is kept again', async () => {
      expect(await read()).toBe(31)
      return (await source('k', category)) === 'l1'
    })
  })

  it('are not answered in a drill', async () => {
    const { cache, held, source, tiers } = open()
    await cache.set('k', 1, { category })
    await held('k', category)
    tiers.drill('primary', 60_000)
    expect(await source('k', category)).not.toBe('l1')
    await cache.set('k', 2, { category })
    expect(await cache.get('k', { category })).toBe(2)
    tiers.drill('primary', 0)
    await until('home is well again', () => tiers.health().instances[0]?.state === 'up')
    expect(await cache.get('k', { category })).not.toBe(1)
  })
})

describe('what another server writes while home is away', () => {
  const openShelf = async (process: Process, calm: () => boolean): Promise<Shelf> => {
    const env = { REDIS_PRIMARY_URL: primary.url, REDIS_SECONDARY_URL: secondary.url }
    const settings = readSettings({ categories }, { env, baseDir: primary.dir, production: false })
    const category = settings.categories.get('menu')
    const invalidation = createInvalidation({
      settings,
      instances: process.landscape.instances,
      processId: 'one',
      report: { info: () => undefined, warn: () => undefined, error: () => undefined },
    })
    onTestFinished(() => invalidation.close())
    const changes = invalidation.of('primary')
    if (category === undefined || changes === undefined) throw new Error('nothing is kept')
    const shelf = createL1Shelf(category, process.shelf, { memory: createMemory(1e6), changes, calm })
    await process.shelf.write([put('k', 'old')])
    await until('a copy is kept', async () => (await shelf.locate(entry('k')))?.source === 'l1')
    return shelf
  }

  it.each([
    ['is read, and not the copy of before', false],
    ['would not be, if copies counted meanwhile', true],
  ])('%s', async (_, always) => {
    const urls = { primary: primary.url, secondary: secondary.url }
    const [one, other] = [await openProcess({ urls }), await openProcess({ urls })]
    onTestFinished(async () => {
      primary.thaw()
      await Promise.all([one.close(), other.close()])
    })
    const shelf = await openShelf(one, () => always || one.landscape.calm('primary'))
    primary.freeze()
    await until('both have noticed', async () => {
      await Promise.all([one.shelf.read(entry('x')), other.shelf.read(entry('x'))])
      return !one.home.readable() && !other.home.readable()
    })
    await other.shelf.write([put('k', 'new')])
    const seen = await shelf.read(entry('k'))
    if (always) expect(seen).toBe(text('old'))
    else {
      expect(seen).not.toBe(text('old'))
      await until('the new is read', async () => (await shelf.read(entry('k'))) === text('new'))
    }
  })
})
