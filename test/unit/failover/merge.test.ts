import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Version } from '../../../src/failover/versions/clock.ts'
import { highest, type KeptWrite, type KeyState, merge, noState, put } from '../../../src/failover/versions/merge.ts'

const versionOf = (n: number): Version => n.toString(16).padStart(24, '0')
const ceiling = versionOf(100)

type ValueWrite = Extract<KeptWrite, { kind: 'value' }>
const version = fc.integer({ min: 1, max: 6 }).map(versionOf)
const tag = fc.constantFrom('red', 'blue')
/** Tags belong to the version here: two texts with one version differ in nothing else. */
const tagsOf = (of: Version): string[] => ['red', 'blue'].filter((_, i) => (Number.parseInt(of, 16) >> i) & 1)
/** Times at which values end; as tags they belong to the version. */
const SOON = 10_000
const LATE = 20_000
const endOf = (of: Version): number | undefined => [SOON, LATE, undefined][Number.parseInt(of, 16) % 3]
const value = fc
  .tuple(version, fc.constantFrom('a', 'b'))
  .map(([of, text]): ValueWrite => ({ kind: 'value', version: of, text, tags: tagsOf(of), endsAt: endOf(of) }))
const tombstone = version.map((of): KeptWrite => ({ kind: 'tombstone', version: of }))
const clear = version.map((of): KeptWrite => ({ kind: 'clear', version: of }))
const tagged = fc.tuple(version, tag).map(([of, name]): KeptWrite => ({ kind: 'tag', version: of, tag: name }))
const write = fc.oneof(value, tombstone, clear, tagged)
const writes = fc.array(write, { maxLength: 8 })

const all = (list: readonly KeptWrite[], from: KeyState = noState): KeyState =>
  list.reduce((state, each) => merge(state, each, ceiling), from)
/** Any state a place can be in: kept writes, then perhaps a value of somebody who knows nothing of versions. */
const state = fc
  .tuple(writes, fc.boolean())
  .map(([list, foreign]): KeyState => (foreign ? { ...all(list), slot: 'foreign' } : all(list)))
/** What a repair sends so that another place becomes like this one. */
const writesOf = ({ slot, deleted, cleared, tags }: KeyState): KeptWrite[] => [
  ...(slot === undefined || slot === 'foreign' ? [] : [{ kind: 'value', ...slot } as const]),
  ...(deleted === undefined ? [] : [{ kind: 'tombstone', version: deleted } as const]),
  ...(cleared === undefined ? [] : [{ kind: 'clear', version: cleared } as const]),
  ...[...tags].map(([name, of]) => ({ kind: 'tag', version: of, tag: name }) as const),
]
const join = (a: KeyState, b: KeyState): KeyState => all(writesOf(b), a)

/** What a state lets in: a marker below a clear or below the value itself changes nothing. */
const meaning = ({ slot, deleted, cleared, tags }: KeyState): object => ({
  slot,
  cleared,
  tags,
  floor: highest(deleted, cleared, slot === 'foreign' ? undefined : slot?.version),
})

describe('merge', () => {
  it('comes to the same in any order and with any repetition, from any state', () => {
    const shuffled = writes.chain((list) =>
      fc.tuple(
        fc.constant(list),
        fc.shuffledSubarray(list, { minLength: list.length }),
        fc.shuffledSubarray([...list, ...list], { minLength: list.length * 2 }),
      ),
    )
    fc.assert(
      fc.property(state, shuffled, (from, [list, another, twice]) => {
        const expected = all(list, from)
        expect(meaning(all(another, from))).toEqual(meaning(expected))
        expect(meaning(all(twice, from))).toEqual(meaning(expected))
      }),
      { numRuns: 2_000 },
    )
  })

  it('of whole states is commutative, associative and idempotent', () => {
    const kept = writes.map((list) => all(list))
    fc.assert(
      fc.property(kept, kept, kept, (a, b, c) => {
        expect(meaning(join(a, b))).toEqual(meaning(join(b, a)))
        expect(meaning(join(join(a, b), c))).toEqual(meaning(join(a, join(b, c))))
        expect(join(a, a)).toEqual(a)
      }),
      { numRuns: 1_000 },
    )
  })

  it('never answers an older value than the highest write says', () => {
    fc.assert(
      fc.property(writes, (list) => {
        const { slot } = all(list)
        const ofKey = list.filter(({ kind }) => kind === 'value' || kind === 'tombstone')
        const top = highest(...ofKey.map((each) => each.version))
        if (slot !== undefined) expect(slot).toMatchObject({ version: top })
      }),
    )
  })

  it('what a value with a shorter life replaced does not come back when that has ended', () => {
    const isLive = ({ endsAt }: { readonly endsAt?: number | undefined }): boolean =>
      endsAt === undefined || endsAt > SOON
    const values = fc.uniqueArray(value, {
      selector: (each) => (each.kind === 'value' ? each.version : ''),
      minLength: 1,
    })
    const seen = values.chain((list) =>
      fc.tuple(fc.constant(list), fc.shuffledSubarray([...list], { minLength: list.length })),
    )
    fc.assert(
      fc.property(seen, ([list, again]) => {
        const before = all(list)
        const ended: KeyState =
          typeof before.slot === 'object' && !isLive(before.slot) ? { ...before, slot: undefined } : before
        // What has ended is nowhere any more; the others come once more.
        const after = all(again.filter(isLive), ended)
        const top = list.reduce((most, each) => (each.version > most.version ? each : most))
        expect(after.slot).toEqual(isLive(top) ? expect.objectContaining({ version: top.version }) : undefined)
      }),
      { numRuns: 1_000 },
    )
  })

  it('a value and a foreign value end each other, and only what is later than that comes in', () => {
    const foreign: KeyState = { ...noState, slot: 'foreign' }
    const met = merge(foreign, { kind: 'value', version: versionOf(5), text: 'x' }, versionOf(8))
    expect(met).toEqual({ ...noState, deleted: versionOf(8) })
    expect(merge(met, { kind: 'value', version: versionOf(7), text: 'x' }, versionOf(9))).toEqual(met)
    expect(merge(met, { kind: 'value', version: versionOf(9), text: 'x' }, versionOf(9)).slot).toBeDefined()
  })

  it('a value that its tag keeps out still ends the one before it', () => {
    const before: KeyState = { ...noState, slot: { version: versionOf(1), text: 'old' } }
    const late: KeptWrite = { kind: 'value', version: versionOf(2), text: 'new', tags: ['red'] }
    const invalidated = merge(before, { kind: 'tag', version: versionOf(3), tag: 'red' }, ceiling)
    expect(merge(invalidated, late, ceiling)).toMatchObject({ slot: undefined, deleted: versionOf(2) })
  })
})

describe('put', () => {
  const live = fc.oneof(value, tombstone) as fc.Arbitrary<Extract<KeptWrite, { kind: 'value' | 'tombstone' }>>

  it('is refused by whatever is later, and else is what is there', () => {
    fc.assert(
      fc.property(state, live, (from, each) => {
        const outcome = put(from, each)
        const floors = [from.deleted, from.cleared, from.slot === 'foreign' ? undefined : from.slot?.version]
        if ('refused' in outcome) expect(outcome.refused >= each.version).toBe(true)
        else {
          for (const floor of floors) if (floor !== undefined) expect(floor <= each.version).toBe(true)
          if (each.kind === 'value')
            expect(outcome.state.slot).toMatchObject({ version: each.version, text: each.text })
          else expect(outcome.state).toMatchObject({ slot: undefined, deleted: each.version })
        }
      }),
      { numRuns: 1_000 },
    )
  })

  it('above what refused it is taken, and a second time changes nothing', () => {
    fc.assert(
      fc.property(state, live, (from, each) => {
        const first = put(from, each)
        const raised = 'refused' in first ? { ...each, version: `${first.refused.slice(0, 23)}f` } : each
        const second = put(from, raised)
        if ('refused' in second) throw new Error('refused twice')
        expect(put(second.state, raised)).toEqual(second)
      }),
    )
  })

  it('stays when older writes are merged after it', () => {
    fc.assert(
      fc.property(state, live, writes, (from, each, list) => {
        const last = { ...each, version: versionOf(99) }
        const outcome = put(from, last)
        if ('refused' in outcome) return
        expect(all(list, outcome.state).slot).toEqual(outcome.state.slot)
      }),
    )
  })
})
