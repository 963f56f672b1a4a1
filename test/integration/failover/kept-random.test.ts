import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { StoreError } from '../../../src/instances/store.ts'
import { startTestRedis, type TestRedis } from '../../support/redis-server.ts'
import { until } from '../../support/until.ts'
import { dump, envelope, type Ground, openGround, valueIn } from './kept-ground.ts'

/** One process, one call after the other, instances that come and go: it must look as if there were one store. */
let servers: [TestRedis, TestRedis]
beforeAll(async () => {
  servers = await Promise.all([startTestRedis(), startTestRedis()])
})

/** An instance that goes away again and again is trusted ever more slowly. */
const MOST_OUTAGES = 3

type Side = 'home' | 'mirror'
type Step =
  | { readonly do: 'set' | 'delete' | 'get'; readonly group: string; readonly field: string; readonly via: Via }
  | { readonly do: 'clear' | 'all'; readonly group: string; readonly via: Via }
  | { readonly do: 'names' }
  | { readonly do: 'leave' | 'return'; readonly side: Side }
type Via = 'state' | 'cache'

const group = fc.constantFrom('a', 'b')
const field = fc.constantFrom('x', 'y', '*')
const via = fc.constantFrom<Via>('state', 'cache')
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('set' as const), group, field, via }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('delete' as const, 'get' as const), group, field, via }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('clear' as const, 'all' as const), group, via }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('names' as const) }) },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constantFrom('leave' as const, 'return' as const),
        side: fc.constantFrom<Side>('home', 'mirror'),
      }),
    },
  ),
  { minLength: 10, maxLength: 60 },
)

let run = 0

/** Plays the steps; throws at the first answer that isn't the model's. */
const play = async (all: readonly Step[], weakened?: { overlay: false }): Promise<void> => {
  const ground = await openGround({ servers })
  try {
    await playOn(ground, all, weakened)
  } finally {
    await ground.close()
  }
}

const playOn = async (ground: Ground, all: readonly Step[], weakened?: { overlay: false }): Promise<void> => {
  const own = `r${run++}`
  const store = ground.groups(weakened && { weakened })
  const shelves = new Map(
    ['a', 'b'].map((each) => {
      const category = { name: `${own}${each}`, keyPrefix: `app:${own}${each}:` }
      return [each, { category, shelf: ground.shelf(category, weakened) }]
    }),
  )
  const model = new Map<string, Map<string, string>>()
  const away = new Set<Side>()
  /** What was written since one is away is known even while both are. */
  let known = new Set<string>()
  let count = 0
  const outages = { home: 0, mirror: 0 }

  const instanceOf = (side: Side) => (side === 'home' ? ground.home : ground.mirror)
  const of = (at: Via, name: string) => {
    const key = `${at} ${name}`
    const found = model.get(key) ?? new Map<string, string>()
    model.set(key, found)
    return found
  }
  const shelfOf = (name: string) => {
    const found = shelves.get(name)
    if (found === undefined) throw new Error(name)
    return { ...found, name: (key: string) => ({ key, redisKey: found.category.keyPrefix + key }) }
  }
  const unlessUnknown = async <T>(what: string, call: Promise<T>): Promise<{ value: T } | undefined> => {
    try {
      return { value: await call }
    } catch (error) {
      const may = away.size === 2 && !known.has(what)
      if (may && error instanceof StoreError && error.kind === 'unknown') return undefined
      throw error
    }
  }
  const keysOf = async (name: string): Promise<{ keys: string[]; partial: boolean }> => {
    const { shelf, category } = shelfOf(name)
    const keys = new Set<string>()
    let partial = false
    let cursor: string | undefined
    do {
      const page = await shelf.scan('', cursor, 10)
      for (const key of page.keys) keys.add(key.slice(category.keyPrefix.length))
      partial ||= page.partial === true
      cursor = page.cursor
    } while (cursor !== undefined)
    return { keys: [...keys].toSorted(), partial }
  }
  const comeBack = async (side: Side): Promise<void> => {
    instanceOf(side).drill(0)
    await ground.recover(instanceOf(side))
    away.delete(side)
    known = new Set()
  }

  const step = async (each: Step): Promise<void> => {
    switch (each.do) {
      case 'leave':
        if (away.has(each.side) || outages[each.side] === MOST_OUTAGES) return
        outages[each.side]++
        instanceOf(each.side).drill(60_000)
        await until('it is away', () => !instanceOf(each.side).readable())
        away.add(each.side)
        return
      case 'return':
        if (away.has(each.side)) await comeBack(each.side)
        return
      case 'names': {
        const expected = ['a', 'b'].filter((name) => of('state', name).size > 0).map((name) => `${own}${name}`)
        const names = await unlessUnknown('names', store.groups())
        if (names !== undefined) expect(names.value.filter((name) => name.startsWith(own))).toEqual(expected)
        return
      }
      case 'set': {
        const text = String(count++)
        const what = `${each.via} ${each.group} ${each.field}`
        const { shelf, name } = shelfOf(each.group)
        const endsAt = Date.now() + 600_000
        if (each.via === 'state') await store.groupSet(own + each.group, each.field, text, 600_000, 100)
        else await shelf.write([{ ...name(each.field), text: envelope(text, endsAt), endsAt }])
        of(each.via, each.group).set(each.field, text)
        if (away.size > 0) known.add(what)
        return
      }
      case 'delete': {
        const before = of(each.via, each.group).get(each.field)
        const sure = away.size < 2
        if (each.via === 'state') {
          const old = await store.groupDelete(own + each.group, each.field)
          if (sure) expect(old).toBe(before)
        } else {
          const { shelf, name } = shelfOf(each.group)
          const [was] = await shelf.remove([name(each.field)])
          if (sure) expect(was).toBe(before !== undefined)
        }
        of(each.via, each.group).delete(each.field)
        if (away.size > 0) known.add(`${each.via} ${each.group} ${each.field}`)
        return
      }
      case 'get': {
        const { shelf, name } = shelfOf(each.group)
        const read =
          each.via === 'state'
            ? store.groupGet(own + each.group, each.field)
            : shelf.read(name(each.field)).then((text) => valueIn(text) as string | undefined)
        const got = await unlessUnknown(`${each.via} ${each.group} ${each.field}`, read)
        if (got !== undefined) expect(got.value).toBe(of(each.via, each.group).get(each.field))
        return
      }
      case 'clear': {
        if (each.via === 'state') await store.groupClear(own + each.group)
        else await shelfOf(each.group).shelf.clear()
        of(each.via, each.group).clear()
        if (away.size > 0) for (const one of ['x', 'y', '*']) known.add(`${each.via} ${each.group} ${one}`)
        return
      }
      case 'all': {
        const expected = [...of(each.via, each.group)].toSorted()
        if (each.via === 'state') {
          const items = await unlessUnknown('all', store.groupAll(own + each.group))
          if (items !== undefined) expect(items.value.toSorted()).toEqual(expected)
        } else {
          const { keys, partial } = await keysOf(each.group)
          if (!partial) expect(keys).toEqual(expected.map(([key]) => key))
        }
      }
    }
  }

  try {
    for (const each of all) await step(each)
  } finally {
    for (const side of [...away]) await comeBack(side)
  }
  for (const name of ['a', 'b']) {
    expect((await store.groupAll(own + name)).toSorted()).toEqual([...of('state', name)].toSorted())
    expect((await keysOf(name)).keys).toEqual([...of('cache', name).keys()].toSorted())
  }
  expect(await dump(ground.a)).toEqual(await dump(ground.b))
}

describe('kept data, whatever is done while either side or both are away', () => {
  it('reads as one store would, and both sides end alike', async () => {
    await fc.assert(
      fc.asyncProperty(steps, (all) => play(all)),
      { numRuns: Number(process.env.KEPT_RUNS ?? 12), endOnFailure: true },
    )
  }, 120_000)

  it('control: without what waits in the journal it does not', async () => {
    const away: Step[] = [
      { do: 'set', group: 'a', field: 'x', via: 'state' },
      { do: 'leave', side: 'mirror' },
      { do: 'set', group: 'a', field: 'x', via: 'state' },
      { do: 'leave', side: 'home' },
      { do: 'get', group: 'a', field: 'x', via: 'state' },
    ]
    await play(away)
    await expect(play(away, { overlay: false })).rejects.toThrow()
  })
})
