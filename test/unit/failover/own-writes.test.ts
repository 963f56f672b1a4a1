import { describe, expect, it } from 'vitest'
import type { KeptEntry, ValueEntry } from '../../../src/failover/journal/journal-entries.ts'
import { createOwnWrites } from '../../../src/failover/kept/own-writes.ts'
import { lowestAt } from '../../../src/failover/versions/clock.ts'

const NOW = 1_700_000_000_000
const scope = 'c:orders'
const value = (key: string, n: number, more: Partial<ValueEntry> = {}): ValueEntry => ({
  ...{ kind: 'value', scope, key, version: lowestAt(NOW + n), text: `text ${n}`, endsAt: NOW + 1_000, ...more },
})
const tombstone = (key: string, n: number): KeptEntry => ({
  ...{ kind: 'tombstone', scope, key, version: lowestAt(NOW + n) },
})

describe('what a process wrote itself', () => {
  it('is found as the latest write left it: values, removals, clears, tags, ends', () => {
    let now = NOW
    const own = createOwnWrites({ aloneSince: () => 0, now: () => now })
    own.note(value('a', 2))
    own.note(value('a', 1))
    expect(own.find(scope, 'a')).toEqual({ own: value('a', 2), cleared: undefined, invalid: false })
    expect(own.find(scope, 'never')).toBe(undefined)
    expect(own.find('c:other', 'a')).toBe(undefined)
    own.note(tombstone('a', 3))
    expect(own.find(scope, 'a')?.own).toEqual(tombstone('a', 3))
    own.note(value('b', 4, { tags: ['red'] }))
    own.note(value('c', 9, { tags: ['red'] }))
    own.note({ kind: 'tag', scope, tag: 'red', version: lowestAt(NOW + 5) })
    expect(own.find(scope, 'b')?.own).toEqual(tombstone('b', 4))
    expect(own.find(scope, 'c')?.own).toMatchObject({ text: 'text 9' })
    own.note({ kind: 'clear', scope, version: lowestAt(NOW + 10) })
    expect(own.find(scope, 'never')).toEqual({ own: undefined, cleared: lowestAt(NOW + 10), invalid: false })
    own.note(value('d', 11))
    now = NOW + 1_000
    expect(own.find(scope, 'd')?.own).toEqual(tombstone('d', 11))
  })

  it('tells nothing where somebody else may have written since', () => {
    let since = Number.POSITIVE_INFINITY
    const own = createOwnWrites({ aloneSince: () => since, now: () => NOW })
    own.note(value('a', 1))
    own.note({ kind: 'clear', scope, version: lowestAt(NOW) })
    expect(own.find(scope, 'a')).toBe(undefined)
    since = performance.timeOrigin + performance.now() + 1
    expect(own.find(scope, 'a')).toBe(undefined)
    since = 0
    expect(own.find(scope, 'a')?.own).toEqual(value('a', 1))
  })

  it('is bounded: what was written longest ago goes first', () => {
    const own = createOwnWrites({ aloneSince: () => 0, now: () => NOW, maxSize: 2_000 })
    for (let i = 0; i < 20; i++) own.note(value(`k${i}`, i))
    own.note(value('k12', 30))
    own.note(value('large', 31, { text: 'x'.repeat(1_300) }))
    expect(own.find(scope, 'k11')).toBe(undefined)
    expect(own.find(scope, 'k12')?.own).toMatchObject({ text: 'text 30' })
    expect(own.find(scope, 'large')?.own).toBeDefined()
    own.note(value('too large', 32, { text: 'x'.repeat(3_000) }))
    expect(own.find(scope, 'too large')).toBe(undefined)
  })

  it('says of nothing that it was cleared which was written since, and had to go', () => {
    const own = createOwnWrites({ aloneSince: () => 0, now: () => NOW, maxSize: 2_000 })
    const cleared = lowestAt(NOW + 5)
    own.note(value('before', 1))
    own.note({ kind: 'clear', scope, version: cleared })
    own.note(value('large', 2, { text: 'x'.repeat(1_700) }))
    // Only what is of before had to go.
    expect(own.find(scope, 'before')?.cleared).toBe(cleared)
    own.note(value('since', 6))
    for (let i = 10; i < 20; i++) own.note(value(`k${i}`, i))
    expect(own.find(scope, 'since')).toBe(undefined)
    expect(own.find(scope, 'k19')?.own).toBeDefined()
  })
})
