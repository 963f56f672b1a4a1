import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stateErrorCode } from '../../../src/errors.ts'
import type { GroupStore } from '../../../src/instances/store.ts'
import type { HotItem } from '../../../src/state/filter.ts'
import { createHotStore, type HotStore } from '../../../src/state/hot-store.ts'
import { collectReport } from '../../unit/state/collect-report.ts'
import { type OpenStore, storeKinds } from './stores.ts'

const sorted = <T>(things: readonly T[]): T[] =>
  [...things].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))

/** Every name that must be kept apart from every other one. */
const ODD_NAMES = [
  ' ',
  ':',
  '{tag}',
  '*',
  '?',
  '[a-z]',
  '\\',
  'a\0b',
  'a\r\nb',
  '😀',
  'é'.normalize('NFC'),
  'é'.normalize('NFD'),
  '__proto__',
  'constructor',
  '7',
  '07',
  'g1',
  'g10',
  'g1:',
  'x'.repeat(512),
  `${'x'.repeat(511)}y`,
]

describe.each(storeKinds)('the hot store over $kind', ({ open }) => {
  let opened: OpenStore
  let store: GroupStore
  let hot: HotStore
  const { lines, report } = collectReport()

  beforeAll(async () => {
    opened = await open()
    store = opened.store
    hot = createHotStore(store, { ttl: 60_000, report })
  })
  afterAll(() => opened.close())

  const code = (call: Promise<unknown>): Promise<string | undefined> => call.then(() => undefined, stateErrorCode)

  it.each<unknown>(['', 0, false, null, 'text', 1.5, true, [], {}, [1, [2]], { a: { b: null } }])(
    'gives %j back, answers it once more when it is deleted, and then null',
    async (value) => {
      expect(await hot.set('values', 'k', value)).toBe(value)
      expect(await hot.get('values', 'k')).toEqual(value)
      expect(await hot.getGroup('values')).toEqual([value])
      expect(await hot.delete('values', 'k')).toEqual(value)
      expect(await hot.get('values', 'k')).toBeNull()
      expect(await hot.delete('values', 'k')).toBeNull()
    },
  )

  it('keeps JSON: what comes back is what JSON makes of a value, and set answers the value itself', async () => {
    const value = { at: new Date(0), none: undefined, nan: Number.NaN }
    expect(await hot.set('json', 'k', value)).toBe(value)
    expect(await hot.get('json', 'k')).toEqual({ at: '1970-01-01T00:00:00.000Z', nan: null })
  })

  it('knows the keys and values of a group, and nothing of a group that holds nothing', async () => {
    await hot.set('group', 'a', 1)
    await hot.set('group', 'b', { n: 2 })
    await hot.set('group', 'a', 3)
    expect(sorted(await hot.keys('group'))).toEqual(['a', 'b'])
    expect(sorted(await hot.getGroup('group'))).toEqual([3, { n: 2 }])
    expect(await hot.keys('empty')).toEqual([])
    expect(await hot.getGroup('empty')).toEqual([])
    expect(await hot.items({ groupId: 'empty' })).toEqual([])
    await hot.clear('empty')
  })

  it('lists a group while it holds something', async () => {
    await hot.set('listed', 'a', 1)
    await hot.set('listed', 'b', 1)
    expect(await hot.traceIds()).toContain('listed')
    await hot.delete('listed', 'a')
    expect(await hot.traceIds()).toContain('listed')
    await hot.delete('listed', 'b')
    expect(await hot.traceIds()).not.toContain('listed')
    await hot.set('listed', 'a', 1)
    await hot.clear('listed')
    expect(await hot.traceIds()).not.toContain('listed')
    expect(await hot.get('listed', 'a')).toBeNull()
  })

  it('lists items with their types, of one group or of all, through filters', async () => {
    const mine: HotItem[] = [
      { groupId: 'i1', key: 'a', type: 'object', value: { status: 'open', n: 1 } },
      { groupId: 'i1', key: 'b', type: 'object', value: { status: 'shut', n: 2 } },
      { groupId: 'i1', key: 'c', type: 'array', value: ['open'] },
      { groupId: 'i2', key: 'a', type: 'object', value: { status: 'open' } },
      { groupId: 'i2', key: 'd', type: 'null', value: null },
      { groupId: 'i2', key: 'e', type: 'number', value: 0 },
      { groupId: 'i2', key: 'f', type: 'boolean', value: false },
      { groupId: 'i2', key: 'g', type: 'string', value: '' },
    ]
    for (const { groupId, key, value } of mine) await hot.set(groupId, key, value)
    const ofMine = (items: HotItem[]): HotItem[] => sorted(items.filter(({ groupId }) => /^i[12]$/.test(groupId)))
    const open = { valueKey: 'status', operation: 'eq', value: 'open' } as const

    expect(sorted(await hot.items({ groupId: 'i1' }))).toEqual(mine.slice(0, 3))
    expect(ofMine(await hot.items({}))).toEqual(mine)
    expect(ofMine(await hot.items({ groupId: '' }))).toEqual(mine)
    expect(ofMine(await hot.items({ groupId: '', filter: [] }))).toEqual(mine)
    expect(ofMine(await hot.items({ filter: [open] }))).toEqual([mine[0], mine[3]])
    const both = [open, { valueKey: 'n', operation: 'lt', value: '2' } as const]
    expect(await hot.items({ groupId: 'i1', filter: both })).toEqual([mine[0]])
  })

  it.each(['x', 5, {}, [null], [{}], [{ valueKey: { toString: 1 } }]])('refuses %j as a filter', async (filter) => {
    const query = { groupId: 'i1', filter } as unknown as Parameters<HotStore['items']>[0]
    expect(await code(hot.items(query))).toBe('STATE_INVALID_VALUE')
  })

  it('keeps odd groups and odd keys apart', async () => {
    for (const [n, name] of ODD_NAMES.entries()) {
      await hot.set(name, 'k', n)
      await hot.set('odd keys', name, n)
    }
    for (const [n, name] of ODD_NAMES.entries()) {
      expect(await hot.get(name, 'k')).toBe(n)
      expect(await hot.keys(name)).toEqual(['k'])
      expect(await hot.getGroup(name)).toEqual([n])
      expect(await hot.get('odd keys', name)).toBe(n)
    }
    expect(sorted(await hot.keys('odd keys'))).toEqual(sorted(ODD_NAMES))
    expect(await hot.traceIds()).toEqual(expect.arrayContaining(ODD_NAMES))
    await hot.clear('*')
    await hot.clear('g1')
    expect(await hot.get('g10', 'k')).toBe(ODD_NAMES.indexOf('g10'))
    expect(await hot.get('g1:', 'k')).toBe(ODD_NAMES.indexOf('g1:'))
    expect(await hot.keys('odd keys')).toHaveLength(ODD_NAMES.length)
    for (const name of ODD_NAMES) await hot.clear(name)
  })

  it('never takes a border of group and key for another one', async () => {
    await hot.set('a:b', 'c', 1)
    await hot.set('a', 'b:c', 2)
    expect(await hot.get('a:b', 'c')).toBe(1)
    await hot.clear('a')
    expect(await hot.get('a:b', 'c')).toBe(1)
  })

  const badNames: unknown[] = [
    '',
    'x'.repeat(513),
    `${'é'.repeat(256)}a`,
    '\ud800',
    'a\udc00b',
    5,
    null,
    undefined,
    {},
    ['a'],
  ]
  it.each(badNames)('refuses %j as a group and as a key, in every method, and writes nothing', async (bad) => {
    const name = bad as string
    const calls = [
      hot.get(name, 'k'),
      hot.get('g', name),
      hot.set(name, 'k', 1),
      hot.set('bad', name, 1),
      hot.delete(name, 'k'),
      hot.delete('g', name),
      hot.getGroup(name),
      hot.clear(name),
      hot.keys(name),
      ...(bad ? [hot.items({ groupId: name })] : []),
    ]
    for (const call of calls) expect(await code(call)).toBe('STATE_INVALID_KEY')
    expect(await hot.keys('bad')).toEqual([])
  })

  it('refuses a value that JSON has no text for, and leaves the old one', async () => {
    const cycle: unknown[] = []
    cycle.push(cycle)
    await hot.set('kept', 'k', 'old')
    for (const value of [
      undefined,
      () => 1,
      Symbol('s'),
      1n,
      cycle,
      {
        toJSON: () => {
          throw new Error('hunter2')
        },
      },
    ]) {
      expect(await code(hot.set('kept', 'k', value))).toBe('STATE_INVALID_VALUE')
    }
    expect(await hot.get('kept', 'k')).toBe('old')
    expect(lines.join('\n')).not.toContain('hunter2')
  })

  it('takes 1 MiB and refuses a byte more', async () => {
    const full = 'x'.repeat(1_048_576 - 2)
    await hot.set('large', 'k', full)
    expect(await code(hot.set('large', 'k', `${full}x`))).toBe('STATE_TOO_LARGE')
    expect(await hot.get('large', 'k')).toBe(full)
    await hot.clear('large')
  })

  it('skips a member that is not JSON, says so once, counts it, and lets it be overwritten or deleted', async () => {
    for (const [key, text] of [
      ['bad', '{"a":'],
      ['worse', ''],
      ['replaced', 'nope'],
      ['good', '"fine"'],
    ] as const) {
      await store.groupSet('corrupt', key, text, false, 10)
    }
    const before = hot.skipped()
    expect(await hot.getGroup('corrupt')).toEqual(['fine'])
    expect(hot.skipped() - before).toBe(3)
    expect(await hot.items({ groupId: 'corrupt' })).toEqual([
      { groupId: 'corrupt', key: 'good', type: 'string', value: 'fine' },
    ])
    expect(await hot.get('corrupt', 'bad')).toBeNull()
    expect(await hot.delete('corrupt', 'bad')).toBeNull()
    await hot.set('corrupt', 'replaced', 1)
    expect(sorted(await hot.getGroup('corrupt'))).toEqual(['fine', 1])
    expect(sorted(await hot.keys('corrupt'))).toEqual(['good', 'replaced', 'worse'])
    expect(lines.filter((line) => line.includes('"corrupt"'))).toHaveLength(1)
  })

  it('deletes atomically: of 20 at once exactly one gets the value', async () => {
    await hot.set('once', 'k', 'prize')
    const answers = await Promise.all(Array.from({ length: 20 }, () => hot.delete('once', 'k')))
    expect(answers.filter((answer) => answer === 'prize')).toHaveLength(1)
    expect(answers.filter((answer) => answer === null)).toHaveLength(19)
  })

  it('lets a whole group live for the ttl after its last write, and for ever without one', async () => {
    const brief = createHotStore(store, { ttl: 1_500, report })
    const forever = createHotStore(store, { ttl: false, report })
    await brief.set('brief', 'a', 1)
    await forever.set('forever', 'a', 1)
    const began = performance.now()
    while (performance.now() - began < 2_000) await brief.set('brief', 'b', 2)
    expect(await brief.get('brief', 'a')).toBe(1)
    await expect.poll(() => hot.keys('brief'), { timeout: 10_000 }).toEqual([])
    expect(await hot.traceIds()).not.toContain('brief')
    expect(await hot.get('forever', 'a')).toBe(1)
  })

  it('holds 100,000 items in a group and refuses one more, while those there can still be changed', async () => {
    const fill = Array.from({ length: 100_000 }, (_, n) => `k${n}`)
    for (let at = 0; at < fill.length; at += 1_000) {
      await Promise.all(fill.slice(at, at + 1_000).map((key) => store.groupSet('full', key, '1', false, 100_000)))
    }
    expect(await code(hot.set('full', 'one more', 1))).toBe('STATE_TOO_LARGE')
    expect(await hot.get('full', 'one more')).toBeNull()
    await hot.set('full', 'k5', 'changed')
    expect(await hot.get('full', 'k5')).toBe('changed')
    await hot.delete('full', 'k6')
    await hot.set('full', 'one more', 1)
    expect(await hot.getGroup('full')).toHaveLength(100_000)
    await hot.clear('full')
  }, 60_000)
})
