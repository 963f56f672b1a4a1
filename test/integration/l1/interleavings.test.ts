import type { Redis } from 'ioredis'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createL1Shelf, type L1ShelfParts } from '../../../src/cache/l1/l1-shelf.ts'
import { createMemory } from '../../../src/cache/l1/memory.ts'
import type { EntryName, Shelf } from '../../../src/failover/shelf.ts'
import { createFailClosedShelf } from '../../../src/failover/straight-shelf.ts'
import { createInvalidation } from '../../../src/invalidation/invalidation.ts'
import { readSettings } from '../../../src/settings/read-settings.ts'
import { seeded } from '../../chaos/workload.ts'
import { startTestRedis, type TestRedis } from '../../support/redis-server.ts'
import { openRedisStore } from '../../support/redis-store.ts'
import { expectNothingUnhandled } from '../../support/unhandled.ts'
import { until } from '../../support/until.ts'
import { foreigner } from './ground.ts'

expectNothingUnhandled()

let redis: TestRedis
beforeAll(async () => {
  redis = await startTestRedis()
})

const seed = Number(process.env.L1_SEED ?? Math.floor(Math.random() * 1_000_000))
const KEYS = 200
const ROUNDS = 50

const turns = async (count: number): Promise<void> => {
  for (let n = 0; n < count; n++) await new Promise((resolve) => setImmediate(resolve))
}

interface Bench {
  readonly shelf: Shelf
  readonly foreign: Redis
  /** Everything that was changed before was heard of. */
  settled(): Promise<void>
}

/** A category without end of its copies, over a home whose answers arrive late by chance, as those of a busy line do. */
const openBench = async (random: () => number, weakened?: L1ShelfParts['weakened']): Promise<Bench> => {
  const settings = readSettings(
    { categories: { menu: { l1: '1d' } } },
    { env: { REDIS_PRIMARY_URL: redis.url }, baseDir: redis.dir, production: false },
  )
  const category = settings.categories.get('menu')
  if (category === undefined) throw new Error('no category')
  const home = openRedisStore(redis.url)
  const report = { info: () => undefined, warn: () => undefined, error: () => undefined }
  const instances = new Map([['primary', home]])
  const invalidation = createInvalidation({ settings, instances, processId: 'test', report })
  onTestFinished(async () => {
    await invalidation.close()
    await home.close()
  })
  const changes = invalidation.of('primary')
  if (changes === undefined) throw new Error('nothing is kept')
  const store = createFailClosedShelf(category, home, { stale: () => false })
  const late: Shelf = {
    ...store,
    locate: async (name) => {
      const found = await store.locate(name)
      await turns(Math.floor(random() * 6))
      return found
    },
    locateMany: async (names) => {
      const found = await store.locateMany(names)
      await turns(Math.floor(random() * 6))
      return found
    },
  }
  const shelf = createL1Shelf(category, late, { memory: createMemory(8e6), changes, calm: () => true, weakened })
  const foreign = foreigner(redis.url)
  let barriers = 0
  let heard = -1
  changes.listen((key) => {
    if (typeof key === 'string' && key.startsWith('menu:barrier:')) heard = Number(key.slice('menu:barrier:'.length))
  })
  changes.open()
  await until('it tracks', () => changes.tracking() === 'on')
  return {
    shelf,
    foreign,
    settled: async () => {
      const barrier = barriers++
      await foreign.set(`menu:barrier:${barrier}`, '1')
      await until('all was heard', () => heard === barrier)
    },
  }
}

/** Plays what happens to one key: reads, changes by others, changes of ours, each at its moment. */
const play = async ({ shelf, foreign }: Bench, name: EntryName, random: () => number): Promise<void> => {
  let last = 0
  const text = (): string => `${name.key} ${last++}`
  const endsAt = Date.now() + 60_000
  const acts: (() => Promise<unknown>)[] = [
    () => shelf.read(name),
    () => shelf.read(name),
    () => shelf.readMany([name]),
    () => shelf.locate(name),
    () => foreign.set(name.redisKey, text(), 'PX', 60_000),
    () => foreign.set(name.redisKey, text(), 'PX', 60_000),
    () => foreign.unlink(name.redisKey),
    () => shelf.write([{ ...name, text: text(), endsAt }]),
    () => shelf.remove([name]),
  ]
  await Promise.all(
    Array.from({ length: 4 + Math.floor(random() * 5) }, async () => {
      const act = acts[Math.floor(random() * acts.length)]
      await turns(Math.floor(random() * 8))
      await act?.()
    }),
  )
}

/** How many keys are answered as they no longer are, after everything was heard of; `held`: of how many copies. */
const staleAfter = async (
  weakened?: L1ShelfParts['weakened'],
  enough = Number.POSITIVE_INFINITY,
): Promise<{ stale: number; held: number }> => {
  const random = seeded(seed)
  const bench = await openBench(random, weakened)
  let stale = 0
  let held = 0
  for (let round = 0; round < ROUNDS && stale < enough; round++) {
    const names = Array.from({ length: KEYS }, (_, i) => ({ key: `${round}-${i}`, redisKey: `menu:${round}-${i}` }))
    await Promise.all(names.map((name) => play(bench, name, random)))
    await bench.settled()
    const truth = await bench.foreign.mget(names.map(({ redisKey }) => redisKey))
    names.forEach((name, i) => {
      const copy = bench.shelf.peek?.(name)
      if (copy === undefined) return
      held++
      if (copy.text !== truth[i]) stale++
    })
  }
  return { stale, held }
}

describe(`${(KEYS * ROUNDS).toLocaleString('en')} random interleavings (L1_SEED=${seed})`, () => {
  it('leave no copy that is older than what lies in Redis', { timeout: 120_000 }, async () => {
    const { stale, held } = await staleAfter()
    expect(held).toBeGreaterThan(1_000)
    expect(stale).toBe(0)
  })

  it('leave some where nobody heeds what happened to a key since it was asked for', { timeout: 120_000 }, async () => {
    const { stale } = await staleAfter({ epochs: false }, 1)
    expect(stale).toBeGreaterThan(0)
  })
})
