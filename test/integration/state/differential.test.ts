import { RedisStateAdapter } from '@motiadev/adapter-redis-state'
import type { StateAdapter, StateFilter } from '@motiadev/core'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createStateAdapter } from '../../../src/motia/adapter/state-adapter.ts'
import { createHotStore } from '../../../src/state/hot-store.ts'
import { startTestRedis } from '../../support/redis-server.ts'
import { collectReport } from '../../unit/state/collect-report.ts'
import { type OpenStore, storeKinds } from './stores.ts'

/** What the built-in adapter gets wrong is left out here and has its tests in built-in-faults.test.ts: groups with a colon or glob characters. */
const group = fc.oneof(
  fc.constantFrom('g1', 'g10', 'orders', '__proto__', '7', ' '),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 8 }).filter((name) => !/[:*?[\]\\^]/.test(name)),
)
const key = fc.oneof(
  fc.constantFrom('k1', 'k10', 'a:b', '*', '{tag}', 'constructor', 'key'),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 8 }),
)
const cycle: unknown[] = []
cycle.push(cycle)
const value = fc.oneof(
  { weight: 4, arbitrary: fc.jsonValue() },
  {
    weight: 2,
    arbitrary: fc.record(
      { s: fc.constantFrom('open', 'shut', ''), n: fc.constantFrom(0, 1, 2, 10) },
      { requiredKeys: [] },
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom<unknown>(
      '',
      0,
      false,
      null,
      -0,
      new Date(0),
      Number.NaN,
      { a: undefined },
      new Map([[1, 2]]),
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom<unknown>(undefined, 1n, Symbol('s'), cycle) },
)
/** `contains` only where no array lies: the built-in adapters differ there (filters.test.ts). */
const filter: fc.Arbitrary<StateFilter> = fc.oneof(
  fc.record({
    valueKey: fc.constantFrom('s', 'n', 'missing'),
    operation: fc.constantFrom('eq', 'neq', 'gt', 'gte', 'lt', 'lte', 'startsWith', 'endsWith', 'isNull', 'isNotNull'),
    value: fc.constantFrom('open', 'o', '', '1', '2'),
  }),
  fc.record({
    valueKey: fc.constant('s'),
    operation: fc.constantFrom('contains', 'notContains'),
    value: fc.constantFrom('o', 'u', ''),
  }),
)

type Call = { readonly says: string; readonly run: (adapter: StateAdapter) => Promise<unknown> }

/** Neither adapter promises an order. */
const unordered = (things: readonly unknown[]): unknown[] => things.map((thing) => JSON.stringify(thing)).sort()
const named = (say: string, run: Call['run']): Call => ({ says: say, run })

const call: fc.Arbitrary<Call> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(group, key, value)
      .map(([g, k, v]) => named(`set ${g} ${k} ${fc.stringify(v)}`, (a) => a.set(g, k, v))),
  },
  { weight: 3, arbitrary: fc.tuple(group, key).map(([g, k]) => named(`get ${g} ${k}`, (a) => a.get(g, k))) },
  { weight: 3, arbitrary: fc.tuple(group, key).map(([g, k]) => named(`delete ${g} ${k}`, (a) => a.delete(g, k))) },
  { weight: 2, arbitrary: group.map((g) => named(`getGroup ${g}`, async (a) => unordered(await a.getGroup(g)))) },
  { weight: 1, arbitrary: group.map((g) => named(`keys ${g}`, async (a) => unordered(await a.keys(g)))) },
  { weight: 1, arbitrary: group.map((g) => named(`clear ${g}`, (a) => a.clear(g))) },
  { weight: 1, arbitrary: fc.constant(named('traceIds', async (a) => unordered(await a.traceIds()))) },
  {
    weight: 3,
    arbitrary: fc
      .record({ groupId: fc.option(group, { nil: '' }), filter: fc.array(filter, { maxLength: 2 }) })
      .map((query) =>
        named(`items ${fc.stringify(query)}`, async (a) =>
          unordered((await a.items(query)).map(({ groupId, key: k, type, value: v }) => [groupId, k, type, v])),
        ),
      ),
  },
)

const outcome = async (adapter: StateAdapter, { run }: Call): Promise<unknown> => {
  try {
    return { answered: await run(adapter) }
  } catch {
    return 'rejected'
  }
}

let theirs: StateAdapter
beforeAll(async () => {
  theirs = new RedisStateAdapter({ url: (await startTestRedis()).url })
})
afterAll(() => theirs.cleanup())

describe.each(storeKinds)("our adapter over $kind beside Motia's Redis adapter", ({ open }) => {
  let opened: OpenStore
  let ours: StateAdapter
  beforeAll(async () => {
    opened = await open()
    const hot = createHotStore(opened.store, { ttl: 3_600_000, report: collectReport().report })
    ours = createStateAdapter(async () => hot, { brand: {}, report: collectReport().report })
  })
  afterAll(() => opened.close())

  it('gives the same answers to any sequence of calls', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(call, { minLength: 5, maxLength: 60 }), async (calls) => {
        for (const adapter of [ours, theirs]) for (const g of await adapter.traceIds()) await adapter.clear(g)
        for (const each of calls) {
          const expected = await outcome(theirs, each)
          expect(await outcome(ours, each), each.says).toStrictEqual(expected)
        }
      }),
      { numRuns: 150 },
    )
  }, 60_000)
})
