import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { EntryName, Shelf } from '../../../src/failover/shelf.ts'
import { seeded } from '../../chaos/workload.ts'
import { expectNothingUnhandled } from '../../support/unhandled.ts'
import { type LeaseGround, leaseGrounds, valueIn, writeOf } from './lease-ground.ts'

/**
 * A value is computed from a source that changes meanwhile, and each change is followed by a write or an invalidation.
 * What is read afterwards must be no older. Beside each run one in which what is computed is simply written.
 */
expectNothingUnhandled()

const SEED = Number(process.env.MOTIA_REDIS_SEED ?? Math.floor(Math.random() * 2 ** 31))

const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

type Fill = (shelf: Shelf, name: EntryName, compute: () => Promise<number>) => Promise<void>

const WORKERS = 8
const TAGS = ['of it']
const leased: Fill = async (shelf, name, compute) => {
  const answer = await shelf.lease(name, { ms: 5_000 })
  if (!('lease' in answer)) return
  await answer.lease.fill(writeOf(name, await compute(), { tags: TAGS }))
}
const unleased: Fill = async (shelf, name, compute) => shelf.write([writeOf(name, await compute(), { tags: TAGS })])

/** What versions of two processes can tell apart: their clocks have milliseconds. */
const tick = async (): Promise<void> => {
  const now = Date.now()
  while (Date.now() === now) await turns(1)
}

describe.each(Object.entries(leaseGrounds))('Races: %s', (title, open) => {
  /** After a change of the source, so that what is sent then is later than all that was granted before it. */
  const apart = title.startsWith('kept') ? tick : async () => undefined
  /** As long as a change takes, about. Drawn at once, so that the next draw is the same whatever is granted when. */
  const workOf = (random: () => number): (() => Promise<void>) => {
    const [ticks, rest] = [random() * 3, random() * 7]
    return async () => {
      for (let i = ticks; i > 1; i--) await apart()
      await turns(rest)
    }
  }
  let ground: LeaseGround
  beforeAll(async () => {
    ground = await open()
  })
  afterAll(() => ground.close())

  const changes: ((shelf: Shelf, name: EntryName, value: number) => Promise<unknown>)[] = [
    (shelf, name, value) => shelf.write([writeOf(name, value, { tags: TAGS })]),
    (shelf, name) => shelf.remove([name]),
    (shelf, name, value) => shelf.write([writeOf(name, value, { life: 2, tags: TAGS })]),
    (shelf) => shelf.invalidate(TAGS),
    (shelf) => shelf.clear(),
  ]

  /** Races while all is well: of a run in which an instance seemed to be away nothing is said here. */
  const undisturbed = async (run: () => Promise<number>): Promise<number> => {
    for (let tries = 1; ; tries++) {
      const begun = Date.now()
      const stale = await run()
      if (ground.disturbedSince?.(begun) !== true || tries === 3) return stale
    }
  }

  /** How many of 400 keys are old in the end. */
  const race = async (fill: Fill, seed: number): Promise<number> => {
    const random = seeded(seed)
    let stale = 0
    for (let round = 0; round < 400; round++) {
      const name = ground.name(`race${round}`)
      const [here, there] = ground.shelves
      const [work, wait, dice] = [workOf(random), random() * 4, random()]
      let source = 1
      const computing = fill(here, name, async () => {
        const seen = source
        await work()
        return seen
      })
      await turns(wait)
      source = 2
      await apart()
      const change = changes[dice < 0.8 ? round % 2 : round % changes.length]
      await Promise.all([computing, change?.(there, name, source)])
      const value = valueIn(await here.read(name))
      if (value !== undefined && value !== source) stale++
    }
    return stale
  }

  it('no fill outlives a later write or removal', async () => {
    expect(await undisturbed(() => race(leased, SEED)), `seed ${SEED}`).toBe(0)
    expect(await race(unleased, SEED)).toBeGreaterThan(0)
  })

  /** How many reads saw what was older than the last change that was acknowledged before they began. */
  const interleave = async (fill: Fill, seed: number, ops: number): Promise<number> => {
    const pick = <T>(list: readonly T[], random: () => number): T => {
      const picked = list[Math.floor(random() * list.length)]
      if (picked === undefined) throw new Error('nothing to pick')
      return picked
    }
    const keys = ['a', 'b', 'c'].map((key) => ({ name: ground.name(`${seed} ${key}`), source: 1, acknowledged: 0 }))
    /** Two writers at once have no order that a reader could know. */
    const changing = new Map<unknown, Promise<unknown>>()
    let stale = 0
    const look = async (random: () => number): Promise<void> => {
      const { name, acknowledged } = pick(keys, random)
      const value = valueIn(await pick(ground.shelves, random).read(name))
      if (typeof value === 'number' && value < acknowledged) stale++
    }
    const change = async (random: () => number): Promise<void> => {
      const key = pick(keys, random)
      const how = pick(changes, random)
      const shelf = pick(ground.shelves, random)
      const before = changing.get(key)
      const mine = (async () => {
        await before
        key.source++
        const value = key.source
        await apart()
        await how(shelf, key.name, value)
        key.acknowledged = value
      })()
      changing.set(key, mine)
      await mine
    }
    const compute = async (random: () => number): Promise<void> => {
      const key = pick(keys, random)
      const work = workOf(random)
      await fill(pick(ground.shelves, random), key.name, async () => {
        const seen = key.source
        await work()
        return seen
      })
    }
    /** Each has a stream of its own: what it does is the same for the same seed, only not when. */
    const worker = async (_: unknown, i: number): Promise<void> => {
      const random = seeded(seed + i)
      for (let left = ops / WORKERS; left > 0; left--) {
        const dice = random()
        await (dice < 0.4 ? compute(random) : dice < 0.6 ? change(random) : look(random))
        await turns(random() * 3)
      }
    }
    await Promise.all(Array.from({ length: WORKERS }, worker))
    for (const { name, acknowledged } of keys) {
      for (const shelf of ground.shelves) {
        const value = valueIn(await shelf.read(name))
        if (typeof value === 'number' && value < acknowledged) stale++
      }
    }
    return stale
  }

  it('no read sees what is older than a change before it, in random order', async () => {
    expect(await undisturbed(() => interleave(leased, SEED, 3_000)), `seed ${SEED}`).toBe(0)
    expect(await interleave(unleased, SEED, 3_000)).toBeGreaterThan(0)
  }, 60_000)
})
