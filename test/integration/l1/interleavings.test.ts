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

/**
 * Chance for one key, in one play: the seed repeats what happens to a key and when that is begun, whatever the line and
 * the other keys do meanwhile.
 */
const chanceOf = (redisKey: string, use: number): (() => number) => {
  let mixed = seed + use * 7_919
  for (const unit of Buffer.from(redisKey)) mixed = (Math.imul(mixed, 31) + unit) >>> 0
  return seeded(mixed)
}

interface Bench {
  readonly shelf: Shelf
  readonly foreign: Redis
  /** Everything that was changed before was heard of. */
  settled(): Promise<void>
  /** The connection that tells of changes is cut by the server. */
  cut(): Promise<void>
}

/** A category without end of its copies, over a home whose answers arrive late by chance, as those of a busy line do. */
const openBench = async (weakened?: L1ShelfParts['weakened']): Promise<Bench> => {
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
  const chances = new Map<string, () => number>()
  const lateness = (name: EntryName | undefined): number => {
    const key = name?.redisKey ?? ''
    const chance = chances.get(key) ?? chanceOf(key, 1)
    chances.set(key, chance)
    return Math.floor(chance() * 6)
  }
  const late: Shelf = {
    ...store,
    locate: async (name) => {
      const wait = lateness(name)
      const found = await store.locate(name)
      await turns(wait)
      return found
    },
    locateMany: async (names) => {
      const wait = lateness(names[0])
      const found = await store.locateMany(names)
      await turns(wait)
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
      const first = barriers
      // What is set while nobody listens is never heard.
      await until('all was heard', async () => {
        if (changes.tracking() === 'on') await foreign.set(`menu:barrier:${barriers++}`, '1')
        return heard >= first
      })
    },
    cut: async () => {
      const clients = String(await foreign.client('LIST'))
      const id = /^id=(\d+) .*name=\S*:tracking /m.exec(clients)?.[1]
      if (id === undefined) throw new Error('there is no such line')
      await foreign.client('KILL', 'ID', id)
    },
  }
}

/** What was done to a key: from when until when by the clock below, and what lay there then. */
interface Deed {
  readonly text: string | undefined
  readonly ours: boolean
  readonly began: number
  ended: number
}

/** Counts what is begun and what ends: all that can be said of the order of calls is said by it. */
let clock = 0

const done = async <T>(deeds: Deed[], deed: Pick<Deed, 'text' | 'ours'>, work: () => Promise<T>): Promise<T> => {
  const noted = { ...deed, began: clock++, ended: Number.POSITIVE_INFINITY }
  deeds.push(noted)
  const result = await work()
  noted.ended = clock++
  // Nothing was done.
  if (result === 'overtaken') deeds.splice(deeds.indexOf(noted), 1)
  return result
}

/**
 * Whether a read that began then and found this didn't see one of our own changes, which had ended: all that could have
 * left this there had ended when that began.
 */
const isBlind = (deeds: readonly Deed[], found: string | undefined, began: number): boolean =>
  deeds.some(
    (own) =>
      own.ours &&
      own.ended < began &&
      own.text !== found &&
      deeds.filter(({ text }) => text === found).every(({ ended }) => ended < own.began),
  )

/** Plays what happens to one key: reads, changes by others, changes of ours, each at its moment. Counts blind reads. */
const play = async ({ shelf, foreign }: Bench, name: EntryName, deeds: Deed[]): Promise<number> => {
  const chance = chanceOf(name.redisKey, 0)
  let last = 0
  let blind = 0
  const endsAt = Date.now() + 60_000
  const read = async (work: () => Promise<string | undefined>): Promise<void> => {
    const began = clock++
    if (isBlind(deeds, await work(), began)) blind++
  }
  const write = (work: (text: string) => Promise<unknown>, ours: boolean) => {
    const text = `${name.key} ${last++}`
    return done(deeds, { text, ours }, () => work(text))
  }
  const removal = (work: () => Promise<unknown>, ours: boolean) => done(deeds, { text: undefined, ours }, work)
  const fill = async (): Promise<void> => {
    const answer = await shelf.lease(name, { ms: 5_000, despiteFailure: true })
    if ('lease' in answer) await write((text) => answer.lease.fill({ ...name, text, endsAt }), true)
  }
  const acts: (() => Promise<unknown>)[] = [
    () => read(() => shelf.read(name)),
    () => read(() => shelf.read(name)),
    () => read(() => shelf.read(name)),
    () => read(() => shelf.read(name)),
    () => read(async () => (await shelf.readMany([name]))[0]),
    () => read(async () => (await shelf.locate(name))?.text),
    () => write((text) => foreign.set(name.redisKey, text, 'PX', 60_000), false),
    () => write((text) => foreign.set(name.redisKey, text, 'PX', 60_000), false),
    () => write((text) => shelf.write([{ ...name, text, endsAt }]), true),
    () => removal(() => foreign.unlink(name.redisKey), false),
    () => removal(() => foreign.pexpire(name.redisKey, 1), false),
    () => removal(() => shelf.remove([name]), true),
    fill,
  ]
  await Promise.all(
    Array.from({ length: 4 + Math.floor(chance() * 5) }, async () => {
      const act = acts[Math.floor(chance() * acts.length)]
      await turns(Math.floor(chance() * 8))
      await act?.()
    }),
  )
  return blind
}

/** The same for a counter that only grows: no read finds less than was answered before it began. */
const count = async ({ shelf, foreign }: Bench, name: EntryName): Promise<number> => {
  const chance = chanceOf(name.redisKey, 0)
  let known = 0
  let blind = 0
  const endsAt = Date.now() + 60_000
  const acts: (() => Promise<unknown>)[] = [
    async () => {
      const least = known
      if (Number((await shelf.read(name)) ?? 0) < least) blind++
    },
    async () => {
      known = Math.max(known, await shelf.increment(name, 1, endsAt))
    },
    () => foreign.incr(name.redisKey),
  ]
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      const act = acts[Math.floor(chance() * acts.length)]
      await turns(Math.floor(chance() * 8))
      await act?.()
    }),
  )
  return blind
}

/**
 * stale: how many keys are answered as they no longer are, after everything was heard of; `held`: of how many copies.
 * blind: how many reads on the way didn't see a change of ours that had ended.
 */
const staleAfter = async (
  weakened?: L1ShelfParts['weakened'],
): Promise<{ stale: number; held: number; blind: number }> => {
  const bench = await openBench(weakened)
  let [stale, held, blind] = [0, 0, 0]
  for (let round = 0; round < ROUNDS && (stale === 0 || blind === 0); round++) {
    const names = Array.from({ length: KEYS }, (_, i) => ({ key: `${round}-${i}`, redisKey: `menu:${round}-${i}` }))
    const deeds = names.map((): Deed[] => [])
    const flushes = round % 10 === 9
    const counts = (i: number): boolean => i % 10 === 0 && !flushes
    const plays = names.map((name, i) => (counts(i) ? count(bench, name) : play(bench, name, deeds[i] ?? [])))
    const harm = flushes ? flush(bench, round, deeds) : round % 5 === 4 ? cut(bench, round) : undefined
    for (const missed of await Promise.all(plays)) blind += missed
    await harm
    const truth = () => bench.foreign.mget(names.map(({ redisKey }) => redisKey))
    // What has ended is only told of when somebody meets it.
    await truth()
    await bench.settled()
    const texts = await truth()
    names.forEach((name, i) => {
      const copy = bench.shelf.peek?.(name)
      if (copy === undefined) return
      held++
      if (copy.text !== texts[i]) stale++
    })
  }
  return { stale, held, blind }
}

/** In the middle of a round the line that tells is cut. */
const cut = async (bench: Bench, round: number): Promise<void> => {
  await turns(Math.floor(chanceOf(`round ${round}`, 0)() * 12))
  await bench.cut()
}

/** In the middle of a round somebody removes everything. */
const flush = async ({ foreign }: Bench, round: number, deeds: readonly Deed[][]): Promise<void> => {
  await turns(Math.floor(chanceOf(`round ${round}`, 0)() * 12))
  const noted = deeds.map((of) => {
    const deed: Deed = { text: undefined, ours: false, began: clock++, ended: Number.POSITIVE_INFINITY }
    of.push(deed)
    return deed
  })
  await foreign.flushall()
  for (const deed of noted) deed.ended = clock++
}

describe(`${(KEYS * ROUNDS).toLocaleString('en')} random interleavings (L1_SEED=${seed})`, () => {
  it('leave no copy that is older than what lies in Redis, and hide no change of ours', {
    timeout: 120_000,
  }, async () => {
    const { stale, held, blind } = await staleAfter()
    expect(held).toBeGreaterThan(1_000)
    expect([stale, blind]).toEqual([0, 0])
  })

  it('leave some where nobody heeds what happened to a key since it was asked for', { timeout: 120_000 }, async () => {
    const { stale, blind } = await staleAfter({ epochs: false })
    expect(stale).toBeGreaterThan(0)
    expect(blind).toBeGreaterThan(0)
  })
})
