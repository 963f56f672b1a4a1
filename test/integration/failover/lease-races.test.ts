import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { EntryName, Shelf } from '../../../src/failover/shelf.ts'
import { expectNothingUnhandled } from '../../support/unhandled.ts'
import { type LeaseGround, leaseGrounds, valueIn, writeOf } from './lease-ground.ts'

/**
 * A value is computed from a source that changes meanwhile, and each change is followed by a write or an invalidation.
 * What is read afterwards must be no older. Beside each run one in which what is computed is simply written.
 */
expectNothingUnhandled()

const SEED = Number(process.env.MOTIA_REDIS_SEED ?? Math.floor(Math.random() * 2 ** 31))

/** mulberry32: small, and the same for the same seed. */
const randomFrom = (seed: number): (() => number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

type Fill = (shelf: Shelf, name: EntryName, compute: () => Promise<number>) => Promise<void>

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
  /** As long as a change takes, about. */
  const work = async (random: () => number): Promise<void> => {
    for (let i = random() * 3; i > 1; i--) await apart()
    await turns(random() * 7)
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

  /** How many of 400 keys are old in the end. */
  const race = async (fill: Fill, random: () => number): Promise<number> => {
    let stale = 0
    for (let round = 0; round < 400; round++) {
      const name = ground.name(`race${round}`)
      const [here, there] = ground.shelves
      let source = 1
      const computing = fill(here, name, async () => {
        const seen = source
        await work(random)
        return seen
      })
      await turns(random() * 4)
      source = 2
      await apart()
      const change = changes[random() < 0.8 ? round % 2 : round % changes.length]
      await Promise.all([computing, change?.(there, name, source)])
      const value = valueIn(await here.read(name))
      if (value !== undefined && value !== source) stale++
    }
    return stale
  }

  it('no fill outlives a later write or removal', async () => {
    expect(await race(leased, randomFrom(SEED)), `seed ${SEED}`).toBe(0)
    expect(await race(unleased, randomFrom(SEED))).toBeGreaterThan(0)
  })

  /** How many reads saw what was older than the last change that was acknowledged before they began. */
  const interleave = async (fill: Fill, seed: number, ops: number): Promise<number> => {
    const random = randomFrom(seed)
    const pick = <T>(list: readonly T[]): T => {
      const picked = list[Math.floor(random() * list.length)]
      if (picked === undefined) throw new Error('nothing to pick')
      return picked
    }
    const keys = ['a', 'b', 'c'].map((key) => ({ name: ground.name(`${seed} ${key}`), source: 1, acknowledged: 0 }))
    /** Two writers at once have no order that a reader could know. */
    const changing = new Map<unknown, Promise<unknown>>()
    let stale = 0
    let left = ops
    const look = async (): Promise<void> => {
      const { name, acknowledged } = pick(keys)
      const key = keys.find((each) => each.name === name)
      const value = valueIn(await pick(ground.shelves).read(name))
      if (key !== undefined && typeof value === 'number' && value < acknowledged) stale++
    }
    const change = async (): Promise<void> => {
      const key = pick(keys)
      const how = pick(changes)
      const shelf = pick(ground.shelves)
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
    const compute = async (): Promise<void> => {
      const key = pick(keys)
      await fill(pick(ground.shelves), key.name, async () => {
        const seen = key.source
        await work(random)
        return seen
      })
    }
    const worker = async (): Promise<void> => {
      while (left-- > 0) {
        const dice = random()
        await (dice < 0.4 ? compute() : dice < 0.6 ? change() : look())
        await turns(random() * 3)
      }
    }
    await Promise.all(Array.from({ length: 8 }, worker))
    for (const { name, acknowledged } of keys) {
      for (const shelf of ground.shelves) {
        const value = valueIn(await shelf.read(name))
        if (typeof value === 'number' && value < acknowledged) stale++
      }
    }
    return stale
  }

  it('no read sees what is older than a change before it, in random order', async () => {
    expect(await interleave(leased, SEED, 3_000), `seed ${SEED}`).toBe(0)
    expect(await interleave(unleased, SEED, 3_000)).toBeGreaterThan(0)
  }, 60_000)
})
