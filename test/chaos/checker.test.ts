import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type CheckOptions, check, type Violation } from './checker.ts'
import { createTroubles, isExplained } from './explained.ts'
import { type Call, now } from './history.ts'
import { isKept } from './places.ts'

const options: CheckOptions = { kept: (scope) => scope === 'kept', skew: 0 }
const base = { process: 'p', op: 'call', outcome: 'ok', limit: 300, late: 0 } as const
type Part<D extends Call['does']> = Partial<Extract<Call, { does: D }>>

const put = (key: string, value: string, began: number, more: Part<'put'> = {}): Call => ({
  ...base,
  ...{ does: 'put', key, value, began, ended: began + 1 },
  ...more,
})
const remove = (key: string, began: number, more: Part<'remove'> = {}): Call => ({
  ...base,
  ...{ does: 'remove', key, began, ended: began + 1 },
  ...more,
})
const clear = (scope: string, began: number, more: Part<'clear'> = {}): Call => ({
  ...base,
  ...{ does: 'clear', scope, began, ended: began + 1 },
  ...more,
})
const invalidate = (scope: string, tag: string, began: number, more: Part<'invalidate'> = {}): Call => ({
  ...base,
  ...{ does: 'invalidate', scope, tag, began, ended: began + 1 },
  ...more,
})
const read = (key: string, value: string | null, began: number, more: Part<'read'> = {}): Call => ({
  ...base,
  ...{ does: 'read', key, value, began, ended: began + 1 },
  ...more,
})
const look = (key: string, found: boolean, began: number, more: Part<'look'> = {}): Call => ({
  ...base,
  ...{ does: 'look', key, found, began, ended: began + 1 },
  ...more,
})
const add = (key: string, began: number, more: Part<'add'> = {}): Call => ({
  ...base,
  ...{ does: 'add', key, by: 1, began, ended: began + 1 },
  ...more,
})
const count = (key: string, total: number, began: number, more: Part<'count'> = {}): Call => ({
  ...base,
  ...{ does: 'count', key, total, began, ended: began + 1 },
  ...more,
})
const unknown = { outcome: 'unknown', code: 'CACHE_TIMEOUT' } as const
const failed = { outcome: 'failed', code: 'CACHE_UNAVAILABLE' } as const

/** The promises that are broken. */
const broken = (
  calls: Call[],
  final: Record<string, string | number | null> = {},
  more: Partial<CheckOptions> = {},
): Violation['promise'][] =>
  check({ calls, final: new Map(Object.entries(final)) }, { ...options, ...more }).map(({ promise }) => promise)

describe('1: acknowledged and gone', () => {
  it.each<[string, Call[], string | null, number[]]>([
    ['lost', [put('kept/a', 'x', 0)], null, [1]],
    ['there', [put('kept/a', 'x', 0)], 'x', []],
    ['lost after a delete', [remove('kept/a', 0), put('kept/a', 'x', 2)], null, [1]],
    ['deleted at the same time', [remove('kept/a', 0, { ended: 5 }), put('kept/a', 'x', 2)], null, []],
    ['deleted, nobody knows whether', [put('kept/a', 'x', 0), remove('kept/a', 3, unknown)], null, []],
    ['not deleted after all', [put('kept/a', 'x', 0), remove('kept/a', 3, failed)], null, [1]],
    ['cleared', [put('kept/a', 'x', 0), clear('kept', 3)], null, []],
    ['another scope was cleared', [put('kept/a', 'x', 0), clear('other', 3)], null, [1]],
    ['never acknowledged', [put('kept/a', 'x', 0, unknown)], null, []],
    ['an old unknown delete excuses nothing', [remove('kept/a', 0, unknown), put('kept/a', 'x', 2)], null, [1]],
  ])('kept: %s', (_, calls, final, promises) => {
    expect(broken(calls, { 'kept/a': final })).toEqual(promises)
  })

  it('cached: nothing is always right', () => {
    expect(broken([put('cached/a', 'x', 0)], { 'cached/a': null })).toEqual([])
  })
})

describe('2: what is left is the last', () => {
  const two = (key: string): Call[] => [put(key, 'x', 0), put(key, 'y', 2)]
  it.each<[string, (key: string) => Call[], string, number[]]>([
    ['the last', two, 'y', []],
    ['an older one', two, 'x', [2]],
    ['either of two at once', (key) => [put(key, 'x', 0, { ended: 5 }), put(key, 'y', 2)], 'x', []],
    ['a later unknown one', (key) => [put(key, 'x', 0), put(key, 'y', 2, unknown)], 'y', []],
    ['an earlier unknown one', (key) => [put(key, 'x', 0, unknown), put(key, 'y', 2)], 'x', [2]],
    ['one that failed', (key) => [put(key, 'x', 0), put(key, 'y', 2, failed)], 'y', [2]],
    ['deleted, and back', (key) => [put(key, 'x', 0), remove(key, 2)], 'x', [2]],
    ['cleared, and back', (key) => [put(key, 'x', 0), clear(key.split('/')[0] ?? '', 2)], 'x', [2]],
    ['the delete failed', (key) => [put(key, 'x', 0), remove(key, 2, failed)], 'x', []],
    ['from nowhere', two, 'z', [2]],
    ['of another key', (key) => [put(key, 'x', 0), put(`${key}b`, 'z', 0)], 'z', [2]],
    [
      'of a process that was killed in the middle',
      (key) => [put(key, 'x', 0), put(key, 'y', 2, { ended: 9, outcome: 'unknown' }), put(key, 'z', 5)],
      'y',
      [],
    ],
  ])('%s', (_, calls, final, promises) => {
    for (const key of ['kept/a', 'cached/a']) expect(broken(calls(key), { [key]: final })).toEqual(promises)
  })

  it('of a tag that was invalidated is nothing older than that', () => {
    const tagged = (key: string, value: string, began: number, more: Part<'put'> = {}) =>
      put(key, value, began, { tag: 't', ...more })
    for (const key of ['kept/a', 'cached/a']) {
      const scope = key.split('/')[0] ?? ''
      const gone = [tagged(key, 'x', 0), invalidate(scope, 't', 2)]
      expect(broken(gone, { [key]: null })).toEqual([])
      expect(broken(gone, { [key]: 'x' })).toEqual([2])
      expect(broken([...gone, read(key, 'x', 4)])).toEqual([7])
      expect(broken([...gone, read(key, 'x', 4, { process: 'q' })])).toEqual([])
      expect(broken([...gone, read(key, 'x', 4, { process: 'q' })], {}, { healedAt: 3 })).toEqual([3])
      expect(broken([...gone, read(key, null, 4)])).toEqual([])
      // Written since, at the same time, or with an invalidation that nobody knows of, that failed, of another one.
      expect(broken([...gone, tagged(key, 'y', 4)], { [key]: 'y' })).toEqual([])
      expect(broken([tagged(key, 'x', 0, { ended: 5 }), invalidate(scope, 't', 2)], { [key]: 'x' })).toEqual([])
      expect(broken([tagged(key, 'x', 0), invalidate(scope, 't', 2, unknown)], { [key]: 'x' })).toEqual([])
      expect(broken([tagged(key, 'x', 0), invalidate(scope, 't', 2, failed)], { [key]: 'x' })).toEqual([])
      expect(broken([tagged(key, 'x', 0), invalidate(scope, 'u', 2)], { [key]: 'x' })).toEqual([])
      expect(broken([tagged(key, 'x', 0), invalidate('other', 't', 2)], { [key]: 'x' })).toEqual([])
      expect(broken([put(key, 'x', 0), invalidate(scope, 't', 2)], { [key]: 'x' })).toEqual([])
    }
    expect(broken([tagged('kept/a', 'x', 0), invalidate('kept', 'u', 2)], { 'kept/a': null })).toEqual([1])
    expect(
      broken([tagged('kept/a', 'x', 0), invalidate('kept', 't', 2), tagged('kept/a', 'y', 4)], { 'kept/a': null }),
    ).toEqual([1])
  })

  it('writes of two processes within the skew of their clocks have no order', () => {
    expect(broken([put('kept/a', 'x', 0), put('kept/a', 'y', 2)], { 'kept/a': 'x' }, { skew: 2 })).toEqual([])
    expect(broken([put('kept/a', 'x', 0), put('kept/a', 'y', 4)], { 'kept/a': 'x' }, { skew: 2 })).toEqual([2])
  })
})

describe('3 and 7: what a process may read', () => {
  const other = { process: 'q' }
  it.each<[string, string, Call[], number[], number[]]>([
    ['its own write', 'kept/a', [put('kept/a', 'x', 0), read('kept/a', 'x', 2)], [], []],
    ['not its own write', 'kept/a', [put('kept/a', 'x', 0), read('kept/a', null, 2)], [7], [3]],
    [
      'its own older one',
      'cached/a',
      [put('cached/a', 'x', 0), put('cached/a', 'y', 2), read('cached/a', 'x', 4)],
      [7],
      [3],
    ],
    ['a miss of cached data', 'cached/a', [put('cached/a', 'x', 0), read('cached/a', null, 2)], [], []],
    [
      'what it deleted',
      'cached/a',
      [put('cached/a', 'x', 0), remove('cached/a', 2), read('cached/a', 'x', 4)],
      [7],
      [3],
    ],
    ['what it cleared', 'kept/a', [put('kept/a', 'x', 0), clear('kept', 2), read('kept/a', 'x', 4)], [7], [3]],
    [
      "somebody's later write",
      'kept/a',
      [put('kept/a', 'x', 0), put('kept/a', 'y', 2, other), read('kept/a', 'y', 4)],
      [],
      [],
    ],
    [
      "somebody's later delete",
      'kept/a',
      [put('kept/a', 'x', 0), remove('kept/a', 2, other), read('kept/a', null, 4)],
      [],
      [],
    ],
    [
      "not somebody's later write",
      'kept/a',
      [put('kept/a', 'x', 0), put('kept/a', 'y', 2, other), read('kept/a', 'x', 4)],
      [],
      [3],
    ],
    [
      "somebody's earlier write",
      'kept/a',
      [put('kept/a', 'x', 0, other), put('kept/a', 'y', 2), read('kept/a', 'x', 4)],
      [7],
      [3],
    ],
    [
      "somebody's earlier delete",
      'kept/a',
      [remove('kept/a', 0, other), put('kept/a', 'y', 2), read('kept/a', null, 4)],
      [7],
      [3],
    ],
    [
      'at the time of a write',
      'kept/a',
      [put('kept/a', 'x', 0), put('kept/a', 'y', 3, { ended: 9 }), read('kept/a', 'x', 4)],
      [],
      [],
    ],
    [
      'not the absence that was yet to come',
      'kept/a',
      [put('kept/a', 'x', 0), remove('kept/a', 9), read('kept/a', null, 4)],
      [7],
      [3],
    ],
    ['a failed write', 'kept/a', [put('kept/a', 'x', 0, failed), read('kept/a', 'x', 4)], [2], [2]],
    ['a failed read', 'kept/a', [put('kept/a', 'x', 0), read('kept/a', null, 2, failed)], [], []],
    ['what nobody wrote', 'kept/a', [put('kept/a', 'x', 0), read('kept/a', 'z', 4)], [7], [3]],
  ])('%s', (_, __, calls, meanwhile, healed) => {
    expect(broken(calls)).toEqual(meanwhile)
    expect(broken(calls, {}, { healedAt: -1 })).toEqual(healed)
  })
})

describe('3 and 7: whether something is there, as touch and keys tell', () => {
  const other = { process: 'q' }
  it.each<[string, string, Call[], number[], number[]]>([
    ['what it wrote', 'kept/a', [put('kept/a', 'x', 0), look('kept/a', true, 2)], [], []],
    ['not what it wrote', 'kept/a', [put('kept/a', 'x', 0), look('kept/a', false, 2)], [7], [3]],
    ['a miss of cached data', 'cached/a', [put('cached/a', 'x', 0), look('cached/a', false, 2)], [], []],
    ["not somebody's write", 'kept/a', [put('kept/a', 'x', 0, other), look('kept/a', false, 2)], [], [3]],
    [
      'what it deleted',
      'cached/a',
      [put('cached/a', 'x', 0), remove('cached/a', 2), look('cached/a', true, 4)],
      [7],
      [3],
    ],
    ['what it cleared', 'kept/a', [put('kept/a', 'x', 0), clear('kept', 2), look('kept/a', true, 4)], [7], [3]],
    [
      'what it invalidated',
      'cached/a',
      [put('cached/a', 'x', 0, { tag: 't' }), invalidate('cached', 't', 2), look('cached/a', true, 4)],
      [7],
      [3],
    ],
    [
      'what somebody deleted',
      'kept/a',
      [put('kept/a', 'x', 0), remove('kept/a', 2, other), look('kept/a', true, 4)],
      [],
      [3],
    ],
    [
      'what was written since, nobody knows whether',
      'kept/a',
      [remove('kept/a', 0), put('kept/a', 'x', 2, unknown), look('kept/a', true, 4)],
      [],
      [],
    ],
    [
      'what was written in vain',
      'kept/a',
      [remove('kept/a', 0), put('kept/a', 'x', 2, failed), look('kept/a', true, 4)],
      [7],
      [3],
    ],
    [
      'what is being written',
      'kept/a',
      [remove('kept/a', 0), put('kept/a', 'x', 3, { ended: 9 }), look('kept/a', true, 4)],
      [],
      [],
    ],
    [
      'what is not yet written',
      'kept/a',
      [remove('kept/a', 0), look('kept/a', true, 4), put('kept/a', 'x', 6)],
      [7],
      [3],
    ],
    ['what nobody wrote', 'cached/a', [look('cached/a', true, 4)], [7], [3]],
    [
      'nothing, while it is deleted',
      'kept/a',
      [put('kept/a', 'x', 0), remove('kept/a', 3, { ...other, ended: 9 }), look('kept/a', false, 4)],
      [],
      [],
    ],
    ['a look that failed', 'kept/a', [put('kept/a', 'x', 0), look('kept/a', false, 2, failed)], [], []],
  ])('%s', (_, __, calls, meanwhile, healed) => {
    expect(broken(calls)).toEqual(meanwhile)
    expect(broken(calls, {}, { healedAt: -1 })).toEqual(healed)
  })
})

describe('4: calls end', () => {
  it.each<[string, Part<'put'>, number[]]>([
    ['in time', { ended: 340 }, []],
    ['too late', { ended: 400 }, [4]],
    ['too late, also when it fails', { ended: 400, ...failed }, [4]],
    ['late, because the process was', { ended: 400, late: 60 }, []],
    ['never, because the process was killed', { ended: 4_000, outcome: 'unknown' }, []],
  ])('%s', (_, more, promises) => {
    expect(broken([put('kept/a', 'x', 0, more)])).toEqual(promises)
  })
})

describe('counters', () => {
  const calls = [add('cached/n', 0), add('cached/n', 1, unknown), add('cached/n', 2), add('cached/n', 3, failed)]
  it.each([
    [2, []],
    [3, []],
    [1, [1]],
    [4, [6]],
  ])('2 acknowledged and 1 unknown counted as %s', (count, promises) => {
    expect(broken(calls, { 'cached/n': count })).toEqual(promises)
  })
  it('whose home lost its data may count less, never more', () => {
    expect(broken(calls, { 'cached/n': 0 }, { mayShrink: () => true })).toEqual([])
    expect(broken(calls, { 'cached/n': 4 }, { mayShrink: () => true })).toEqual([6])
  })
})

describe('numbers of a counter', () => {
  const calls = [add('tally/n', 0), add('tally/n', 2, unknown), add('tally/n', 4, failed), add('tally/n', 6)]
  const keptCounter = (scope: string): boolean => scope === 'tally'
  const told = (call: Call, more: Partial<CheckOptions> = {}) => broken([...calls, call], {}, { keptCounter, ...more })
  it.each<[string, Call, number[]]>([
    ['with all that were acknowledged', count('tally/n', 2, 10), []],
    ['with the one nobody knows of', count('tally/n', 3, 10), []],
    ['with one twice', count('tally/n', 4, 10), [6]],
    ['with one twice, after it had waited in vain', count('tally/n', 4, 10, { ended: 90 }), []],
    ['with one too few', count('tally/n', 1, 10), [7]],
    ['with one too few, for somebody else', count('tally/n', 1, 10, { process: 'q' }), []],
    ['with one that is under way', count('tally/n', 3, 6), []],
    ['with one that has not begun', count('tally/n', 3, 4), [6]],
    ['as an increment was told', add('tally/n', 10, { by: 2, total: 4 }), []],
    ['as an increment was told, without itself', add('tally/n', 10, { by: 2, total: 2 }), [7]],
    ['as an increment was told, with itself twice', add('tally/n', 10, { by: 2, total: 6 }), [6]],
    ['of a read that failed', count('tally/n', 9, 10, { outcome: 'failed' }), []],
  ])('%s', (_, call, promises) => {
    expect(told(call)).toEqual(promises)
  })
  it('is one for all once everything has healed', () => {
    const call = count('tally/n', 1, 10, { process: 'q' })
    expect(told(call, { healedAt: 10 })).toEqual([3])
    expect(told(call, { healedAt: 10, mayShrink: () => true })).toEqual([])
  })
  it('may hold each twice while an instance is away, and never more', () => {
    const away = () => 1
    expect(told(count('tally/n', 6, 10), { away })).toEqual([])
    expect(told(count('tally/n', 7, 10), { away })).toEqual([6])
    expect(told(count('tally/n', 1, 10), { away })).toEqual([7])
  })
  it('is what is known here while home and mirror are away', () => {
    const away = () => 2
    expect(told(add('tally/n', 10, { total: 1 }), { away })).toEqual([])
    expect(told(count('tally/n', 1, 10), { away })).toEqual([])
  })
  it('of a cached one begins anew in an outage', () => {
    const cached = [add('cached/n', 0), count('cached/n', 0, 10)]
    expect(broken(cached, {}, { keptCounter })).toEqual([])
    expect(broken(cached, {}, { keptCounter, healedAt: 10 })).toEqual([3])
  })
})

describe('errors', () => {
  const error = (
    op: string,
    code: string,
    does: 'read' | 'put' | 'add',
    key: string,
    more: Partial<Call> = {},
  ): Call => {
    const how = { op, code, outcome: 'unknown', reason: 'why' } as const
    const call = does === 'read' ? read(key, null, 0, how) : does === 'put' ? put(key, 'x', 0, how) : add(key, 0, how)
    return { ...call, ...more } as Call
  }
  it.each<[string, Call, (readonly string[])[]]>([
    ['a lost increment', error('cache.increment', 'CACHE_TIMEOUT', 'add', 'visits/a'), [[], [], []]],
    [
      'an increment that was not made',
      error('cache.increment', 'CACHE_TIMEOUT', 'add', 'visits/a', { outcome: 'failed' }),
      [['errors'], ['errors'], ['errors']],
    ],
    [
      'what no error of ours says',
      error('cache.get', 'UNEXPECTED', 'read', 'analytics/a'),
      [['errors'], ['errors'], ['errors']],
    ],
    [
      'a cached key that is not read',
      error('cache.get', 'CACHE_UNAVAILABLE', 'read', 'analytics/a'),
      [['errors'], ['errors'], ['errors']],
    ],
    [
      'a kept key that nobody knows',
      error('cache.get', 'CACHE_UNAVAILABLE', 'read', 'orders/a'),
      [['errors'], ['errors'], []],
    ],
    ['state that nobody knows', error('state.get', 'STATE_UNKNOWN', 'read', 'flow/a'), [['errors'], ['errors'], []]],
    [
      'state that fails by our own mistake',
      error('state.get', 'STATE_UNAVAILABLE', 'read', 'flow/a'),
      [['errors'], ['errors'], ['errors']],
    ],
    ['a write in vain', error('state.set', 'STATE_TIMEOUT', 'put', 'flow/a'), [['errors'], ['errors'], ['errors']]],
    [
      'a write by a process that stood still',
      error('state.set', 'STATE_TIMEOUT', 'put', 'flow/a', { late: 200 }),
      [[], [], []],
    ],
    [
      'a call that goes in batches, by a process that stood still for most of one of them',
      error('cache.setMany', 'CACHE_TIMEOUT', 'put', 'orders/a', { limit: 900, each: 300, late: 200 }),
      [[], [], []],
    ],
    [
      'a long call, by a process that stood still for as long',
      error('cache.set', 'CACHE_TIMEOUT', 'put', 'orders/a', { limit: 900, late: 90 }),
      [['errors'], ['errors'], ['errors']],
    ],
    [
      'a long call, by a process that stood still for longer than the files have where two are away',
      error('cache.set', 'CACHE_TIMEOUT', 'put', 'orders/a', { limit: 900, late: 200 }),
      [['errors'], ['errors'], []],
    ],
    [
      'a write that is refused',
      error('state.set', 'STATE_JOURNAL_FULL', 'put', 'flow/a'),
      [['errors'], ['errors'], ['errors']],
    ],
  ])('%s, with 0, 1 or 2 instances away', (_, call, expected) => {
    for (const [away, promises] of expected.entries())
      expect(broken([call], {}, { mayFail: (each) => isExplained(each, away) })).toEqual(promises)
  })

  it('are none where nothing failed, nor of a process that was killed', () => {
    const calls = [put('flow/a', 'x', 0), put('flow/b', 'x', 0, { outcome: 'unknown' })]
    expect(broken(calls, {}, { mayFail: () => false })).toEqual([])
  })

  it('count the instances that are away meanwhile', () => {
    const troubles = createTroubles()
    const before = now()
    const end = troubles.begin('primary')
    const first = now()
    const endOther = troubles.begin('secondary')
    const both = now()
    end()
    endOther()
    const after = now()
    troubles.begin('primary', 'q', after)
    const counted = (began: number, ended: number): number => troubles.during({ began, ended, process: 'p' })
    expect(counted(before - 1, before)).toBe(0)
    expect(counted(before, first)).toBe(1)
    expect(counted(both, both)).toBe(2)
    expect(counted(after, after + 1)).toBe(0)
    expect(troubles.during({ began: after, ended: after + 1, process: 'q' })).toBe(1)
  })
})

it('what is written once all is well has to be there, of cached data too', () => {
  const calls = [put('fresh-menu/a', 'x', 0), read('fresh-menu/a', null, 2, { process: 'q' })]
  expect(broken(calls, { 'fresh-menu/a': null }, { kept: isKept, healedAt: 0 })).toEqual([3, 1])
  const old = [put('menu/a', 'x', 0), read('menu/a', null, 2, { process: 'q' })]
  expect(broken(old, { 'menu/a': null }, { kept: isKept, healedAt: 0 })).toEqual([])
})

describe('any history of a register', () => {
  interface Step {
    readonly what: 'put' | 'remove' | 'read'
    readonly process: string
    readonly before: number
    readonly after: number
    readonly outcome: 'ok' | 'unknown'
    readonly applied: boolean
  }
  const step: fc.Arbitrary<Step> = fc.record({
    what: fc.constantFrom('put', 'remove', 'read'),
    process: fc.constantFrom('p', 'q'),
    before: fc.integer({ min: 0, max: 30 }),
    after: fc.integer({ min: 0, max: 30 }),
    outcome: fc.constantFrom('ok', 'ok', 'unknown'),
    applied: fc.boolean(),
  })
  /** Each step happens at 10 times its number, somewhere inside its call. */
  const played = (steps: readonly Step[]): { calls: Call[]; final: string | null } => {
    let current: string | null = null
    const calls = steps.map((each, i): Call => {
      const times = { began: i * 10 - each.before, ended: i * 10 + each.after + 1, process: each.process }
      if (each.what === 'read') return read('kept/a', current, times.began, times)
      const outcome = each.outcome === 'ok' ? {} : unknown
      if (each.outcome === 'ok' || each.applied) current = each.what === 'put' ? `v${i}` : null
      if (each.what === 'remove') return remove('kept/a', times.began, { ...times, ...outcome })
      return put('kept/a', `v${i}`, times.began, { ...times, ...outcome })
    })
    return { calls, final: current }
  }

  it('keeps every promise', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const { calls, final } = played(steps)
        expect(broken(calls, { 'kept/a': final })).toEqual([])
        expect(broken(calls, { 'kept/a': final }, { healedAt: -100 })).toEqual([])
      }),
    )
  })

  it('breaks one as soon as its end is one write older', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const { calls } = played(steps)
        const at = 10_000
        const last = [put('kept/a', 'before', at), put('kept/a', 'last', at + 10)]
        expect(broken([...calls, ...last], { 'kept/a': 'last' })).toEqual([])
        expect(broken([...calls, ...last], { 'kept/a': 'before' })).toEqual([2])
        expect(broken([...calls, ...last], { 'kept/a': null })).toEqual([1])
      }),
    )
  })
})
