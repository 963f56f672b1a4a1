import { describe, expect, it, onTestFinished } from 'vitest'
import { openJournal } from '../../../src/failover/journal/journal.ts'
import {
  categoryScope,
  everywhere,
  groupScope,
  type JournalEntry,
} from '../../../src/failover/journal/journal-entries.ts'
import { createKeptShelf } from '../../../src/failover/kept/kept-shelf.ts'
import { keyMarker, tagMarker } from '../../../src/failover/versions/markers.ts'
import { MARKER_LIFE } from '../../../src/failover/versions/merge.ts'
import { testFolder } from '../../support/folder.ts'
import { until } from '../../support/until.ts'
import { openServers } from './recovery-ground.ts'
import { envelope, keptOf, layout, raw, type Side, textIn } from './recovery-side.ts'

const { primary, secondary, open, away, back } = openServers()

const orders = categoryScope('orders')
const analytics = categoryScope('analytics')
const flow = groupScope('flow')
const key = (name: string, category = 'analytics'): string => `app:${category}:${name}`
const soon = (): number => Date.now() + 60_000
const entryOf = (side: Side, name: string, more: Partial<JournalEntry> = {}): JournalEntry => {
  const version = side.landscape.clock.next()
  const text = envelope(version, name)
  return { kind: 'value', scope: orders, key: name, version, text, endsAt: soon(), ...more } as JournalEntry
}
const replayed = async (side: Side, entries: readonly JournalEntry[]): Promise<void> => {
  await side.journal.append('primary', entries)
  await side.recovery.drain('primary')
  expect(side.journal.stats('primary').entries).toBe(0)
}

describe('replay', () => {
  it('is over when an instance has everything, not when its copies are gone and it may be away again', async () => {
    const side = await open()
    side.outages.enter('primary', () => 0)
    secondary().freeze() // it takes a while to say goodbye there
    const drained = side.recovery.drain('primary')
    await Promise.resolve()
    side.primary.drill(60_000)
    await drained
    expect(side.failbacks).toMatchObject([{ instance: 'primary', readable: true }])
  })

  it('that moves nothing is tried more seldom, and as often as ever once the instance stands otherwise', async () => {
    const journal = openJournal({ dir: testFolder(), refresh: 10 })
    onTestFinished(() => journal.close())
    let stuck = true
    const batches: typeof journal.batches = (...asked) =>
      stuck ? (async function* () {})() : journal.batches(...asked)
    const side = await open({ journal: { ...journal, batches } })
    const tries = async (many: number): Promise<boolean[]> => {
      const due: boolean[] = []
      for (let n = 0; n < many; n++) {
        await side.recovery.drain('primary')
        due.push(side.recovery.drainable('primary'))
      }
      return due
    }
    await journal.append('primary', [entryOf(side, 'k')])
    expect(await tries(2)).toEqual([true, false])
    side.recovery.met('primary')
    expect(await tries(2)).toEqual([true, false])
    stuck = false
    expect(await tries(1)).toEqual([true])
    expect(journal.stats('primary').entries).toBe(0)
  })

  it('of every kind of entry does what it says', async () => {
    const side = await open()
    const kept = keptOf(side)
    const write = (name: string, category?: string, text = '1') =>
      side.primary.write([{ key: key(name, category), text, endsAt: soon() }])
    const read = (name: string, category?: string) => side.primary.read(key(name, category))

    await write('gone')
    await write('stays')
    await replayed(side, [{ kind: 'invalid', scope: analytics, key: 'gone' }])
    expect([await read('gone'), await read('stays')]).toEqual([undefined, '1'])

    const text = '{"value":1,"meta":{"t":["red"]}}'
    const tags = { category: 'analytics', names: ['red'] }
    await side.primary.write([{ key: key('tagged'), text, endsAt: soon(), tags }])
    await replayed(side, [{ kind: 'invalid-tag', scope: analytics, tag: 'red' }])
    expect([await read('tagged'), await read('stays')]).toEqual([undefined, '1'])

    await write('elsewhere', 'menu')
    await kept.put([side.primary], 'orders', 'k', 'kept')
    await replayed(side, [{ kind: 'invalid-all', scope: everywhere }])
    // Only what is cached and at home here.
    expect([await read('stays'), await read('elsewhere', 'menu')]).toEqual([undefined, '1'])
    expect(await kept.read(side.primary, 'orders', 'k')).toBe('kept')
    await write('b')
    await replayed(side, [{ kind: 'invalid-all', scope: analytics }])
    expect(await read('b')).toBe(undefined)

    const ended = { ...entryOf(side, 'k'), endsAt: Date.now() + 30 } as JournalEntry
    await side.journal.append('primary', [ended, entryOf(side, 'new')])
    await until('its life is over', () => Date.now() > (ended.kind === 'value' ? Number(ended.endsAt) : 0))
    await side.recovery.drain('primary')
    expect(await kept.read(side.primary, 'orders', 'k')).toBe(undefined)
    expect(await kept.read(side.primary, 'orders', 'new')).toBe('new')
    await replayed(side, [{ kind: 'clear', scope: orders, version: side.landscape.clock.next() }])
    expect(await kept.read(side.primary, 'orders', 'new')).toBe(undefined)

    const version = side.landscape.clock.next()
    const tagged = `{"ver":"${version}","value":"t","meta":{"t":["blue"]}}`
    const entry: JournalEntry = {
      kind: 'value',
      scope: orders,
      key: 't',
      version,
      text: tagged,
      endsAt: soon(),
      tags: ['blue'],
    }
    await replayed(side, [entry])
    expect(await kept.read(side.primary, 'orders', 't')).toBe('t')
    const invalidated = side.landscape.clock.next()
    await replayed(side, [{ kind: 'tag', scope: orders, tag: 'blue', version: invalidated }])
    expect(await kept.read(side.primary, 'orders', 't')).toBe(undefined)
    expect(await raw(primary(), 'HGET', layout.markers, tagMarker('orders', 'blue'))).toBe(invalidated)

    const item = (field: string): JournalEntry =>
      ({ ...entryOf(side, field), scope: flow, text: '"i"' }) as JournalEntry
    await replayed(side, [item('a'), item('b')])
    expect(await kept.group(side.primary, 'flow')).toEqual({ a: 'i', b: 'i' })
    await replayed(side, [{ kind: 'tombstone', scope: flow, key: 'a', version: side.landscape.clock.next() }])
    expect(await kept.group(side.primary, 'flow')).toEqual({ b: 'i' })
    await replayed(side, [{ kind: 'clear', scope: flow, version: side.landscape.clock.next() }])
    expect(await kept.group(side.primary, 'flow')).toEqual({})
    // Of the instance that mirrors it.
    await replayed(side, [{ ...entryOf(side, 'm'), scope: categoryScope('baskets') } as JournalEntry])
    expect(await kept.read(side.primary, 'baskets', 'm')).toBe('m')
    expect(side.said).toEqual([])
  })

  it('adds each increment once, however often it is replayed', async () => {
    const side = await open()
    const delta = (id: number, kept = false): JournalEntry => ({
      ...{ kind: 'delta', scope: kept ? orders : analytics, key: 'hits', id: `i${id}${kept}`, by: 2 },
      ...{ endsAt: soon(), kept },
    })
    const all = Array.from({ length: 700 }, (_, i) => [delta(i), delta(i, true)]).flat()
    for (let round = 0; round < 3; round++) {
      await replayed(side, all)
      // Also at once, as by several processes that found the same.
      await side.journal.append('primary', all)
      await Promise.all([side.recovery.drain('primary'), drainBeside(side)])
    }
    expect(await side.primary.read(key('hits'))).toBe('1400')
    expect(await side.primary.read(key('hits', 'orders'))).toBe('1400')
    expect(await raw(primary(), 'PTTL', key('hits'))).toBeGreaterThan(50_000)
    await side.recovery.sweep('primary')
    expect(await raw(primary(), 'HLEN', layout.deltas)).toBe(1_400)
    // Control: it is the ids that help.
    await raw(primary(), 'DEL', layout.deltas)
    await replayed(side, all)
    expect(await side.primary.read(key('hits'))).toBe('2800')
  })

  const drainBeside = async (side: Side): Promise<void> => {
    const other = await open({ processId: 'bbbbbbbb', journal: side.journal })
    await other.recovery.drain('primary')
  }

  it('of increments: starts no counter that has ended, goes on with one that lives, and leaves what is no counter', async () => {
    const side = await open()
    const delta = (name: string, id: string): JournalEntry => ({
      ...{ kind: 'delta', scope: analytics, key: name, id, by: 3, endsAt: Date.now() - 1, kept: false },
    })
    await side.primary.write([{ key: key('lives'), text: '4', endsAt: soon() }])
    await side.primary.write([{ key: key('envelope'), text: '{"value":5,"expires":99999999999999}', endsAt: soon() }])
    await side.primary.write([{ key: key('text'), text: '{"value":"x"}', endsAt: soon() }])
    await replayed(side, [delta('lives', '1'), delta('ended', '2'), delta('envelope', '3'), delta('text', '4')])
    const read = (name: string) => side.primary.read(key(name))
    expect(await Promise.all(['lives', 'ended', 'envelope', 'text'].map(read))).toEqual([
      '7',
      undefined,
      '8',
      '{"value":"x"}',
    ])
    expect(side.journal.listAside(9)).toMatchObject([{ instance: 'primary', entry: { key: 'text' } }])
  })

  it('sets aside what is refused, and goes on with the rest', async () => {
    const side = await open()
    const kept = keptOf(side)
    await raw(primary(), 'LPUSH', layout.group('list'), 'x')
    await raw(primary(), 'CONFIG', 'SET', 'proto-max-bulk-len', '1mb')
    const large = entryOf(side, 'large')
    const entries: JournalEntry[] = [
      { ...entryOf(side, 'a'), scope: groupScope('list'), text: '1' } as JournalEntry,
      { ...large, text: envelope(side.landscape.clock.next(), 'x'.repeat(2_000_000)) } as JournalEntry,
      { kind: 'clear', scope: groupScope('list'), version: side.landscape.clock.next() },
    ]
    for (let i = 0; i < 50; i++) entries.push(entryOf(side, `fine${i}`))
    primary().freeze()
    await away(side)
    await side.journal.append('primary', entries)
    primary().thaw()
    await back(side)
    for (let i = 0; i < 50; i++) expect(await kept.read(side.primary, 'orders', `fine${i}`)).toBe(`fine${i}`)
    const aside = side.journal.listAside(9)
    expect(aside.map(({ entry }) => entry.kind).sort()).toEqual(['clear', 'value', 'value'])
    expect(side.said.filter((line) => line.includes('set aside')).join()).toMatch(/another type of data|larger than/)
    expect(side.said.join()).not.toContain('fine')
  })

  it('of what is older than 24 h: cached data goes, kept data is set aside', async () => {
    let ahead = 0
    const side = await open({ now: () => Date.now() + ahead })
    await side.primary.write([{ key: key('c'), text: '1', endsAt: soon() }])
    await side.primary.write([{ key: key('hits'), text: '1', endsAt: soon() }])
    await side.journal.append('primary', [
      { kind: 'invalid', scope: analytics, key: 'c' },
      { kind: 'delta', scope: analytics, key: 'hits', id: 'i', by: 1, endsAt: soon(), kept: false },
      { kind: 'delta', scope: orders, key: 'hits', id: 'i', by: 1, endsAt: soon(), kept: true },
      entryOf(side, 'k'),
      { kind: 'tombstone', scope: flow, key: 'a', version: side.landscape.clock.next() },
    ])
    ahead = MARKER_LIFE + 1
    await side.recovery.drain('primary')
    expect(await side.primary.read(key('c'))).toBe(undefined)
    expect(await side.primary.read(key('hits'))).toBe(undefined)
    expect(await keptOf(side).read(side.primary, 'orders', 'k')).toBe(undefined)
    expect(side.journal.listAside(9).map(({ reason }) => reason)).toEqual(Array(3).fill('older than 24 h'))
    expect(side.journal.stats('primary').entries).toBe(0)
  })

  it('leaves out a value that its other place knows to be gone', async () => {
    const side = await open()
    const late = entryOf(side, 'late') as JournalEntry & { version: string }
    await raw(secondary(), 'HSET', layout.markers, keyMarker('orders', 'late'), late.version)
    await replayed(side, [late, entryOf(side, 'fine')])
    expect(await keptOf(side).read(side.primary, 'orders', 'late')).toBe(undefined)
    expect(await keptOf(side).read(side.primary, 'orders', 'fine')).toBe('fine')
  })

  it('brings what belongs to another instance by now to that one', async () => {
    const side = await open()
    await side.journal.append('primary', [entryOf(side, 'moved', { scope: categoryScope('menu') } as never)])
    await side.recovery.drain('primary')
    expect(side.journal.stats('secondary').entries).toBe(1)
    await side.recovery.drain('secondary')
    expect(textIn(await side.secondary.read(key('moved', 'menu')))).toBe('moved')
  })

  it('of few keys that are written all the time ends too', async () => {
    const side = await open()
    const { landscape } = side
    const shelf = createKeptShelf(landscape.categoryOf('orders'), side.primary, { landscape, layout, now: Date.now })
    primary().freeze()
    await away(side)
    let writing = true
    const kept = keptOf(side)
    const writer = async (name: string): Promise<void> => {
      for (let i = 0; writing; i++) {
        const text = `{"value":"${name}-${i}"}`
        await shelf.write([{ key: name, redisKey: key(name, 'orders'), text, endsAt: soon() }])
      }
    }
    const writers = Array.from({ length: 32 }, (_, i) => writer('abcd'[i % 4] ?? 'a'))
    await until('all of them wait', () => side.journal.stats('primary').entries === 4)
    primary().thaw()
    await back(side).finally(() => {
      writing = false
    })
    await until('nothing waits any more', () => side.journal.stats('primary').entries === 0)
    writing = false
    await Promise.all(writers)
    for (const name of 'abcd') {
      const there = await Promise.all([side.primary, side.secondary].map((at) => kept.read(at, 'orders', name)))
      expect(there[0]).toBe(there[1])
      expect(there[0]).toMatch(new RegExp(`^${name}-`))
    }
  })

  it('of 20,000 entries ends while others go on writing, and keeps what they wrote', async () => {
    const side = await open()
    const kept = keptOf(side)
    primary().freeze()
    await away(side)
    const entries: JournalEntry[] = []
    for (let i = 0; i < 10_000; i++)
      entries.push(entryOf(side, `k${i}`), { kind: 'invalid', scope: analytics, key: `c${i}` })
    await side.journal.append('primary', entries)
    primary().thaw()
    await until('it catches up', () => side.primary.catchingUp())
    let writing = true
    const written = new Map<string, string>()
    const writer = async (lane: number): Promise<void> => {
      for (let i = 0; writing; i++) {
        const name = `k${(i * 8 + lane) % 10_000}`
        written.set(name, `w${lane}-${i}`)
        await kept.put([side.primary, side.secondary], 'orders', name, `w${lane}-${i}`)
      }
    }
    const writers = Array.from({ length: 8 }, (_, lane) => writer(lane))
    await back(side)
    writing = false
    await Promise.all(writers)
    expect(written.size).toBeGreaterThan(100)
    await until('it is told', () => side.failbacks.length === 1)
    expect(side.failbacks[0]?.replayed).toBeGreaterThanOrEqual(20_000)
    const names = Array.from({ length: 10_000 }, (_, i) => `k${i}`)
    const texts = await side.primary.readMany(names.map((name) => key(name, 'orders')))
    expect(texts.map((text) => textIn(text))).toEqual(names.map((name) => written.get(name) ?? name))
    expect(side.failbacks[0]?.ms).toBeLessThan(10_000)
  }, 60_000)
})

describe('the sweep of tags', () => {
  it('removes from indexes what has ended, and moments that nobody asks about any more', async () => {
    const side = await open()
    const { primary: home } = side
    const text = '{"value":1,"meta":{"t":["red"]}}'
    const tags = { category: 'analytics', names: ['red'] }
    const write = (name: string, life: number) => ({ key: key(name), text, endsAt: Date.now() + life, tags })
    const index = layout.tag('analytics', 'red')
    await home.write([write('lives', 60_000), ...Array.from({ length: 700 }, (_, i) => write(`ended${i}`, 300))])
    await home.invalidateEverywhere(['blue'])
    const lastHour = (Date.now() - 61 * 60_000) * 1_000
    for (let i = 0; i < 700; i++) await raw(primary(), 'ZADD', layout.invalidated, lastHour + i, `:old${i}`)
    await until('they have ended', async () => (await home.read(key('ended0'))) === undefined)
    await until('all of them', async () => (await home.read(key('ended699'))) === undefined)
    expect(await raw(primary(), 'ZCARD', index)).toBeGreaterThan(1)
    await side.recovery.sweep('primary')
    expect(await raw(primary(), 'ZRANGE', index, 0, -1)).toEqual([key('lives')])
    expect(await raw(primary(), 'ZRANGE', layout.invalidated, 0, -1)).toEqual(['^', '', ':blue'])
    expect(await raw(primary(), 'ZSCORE', layout.invalidated, '^')).toBe(String(lastHour + 699))
    expect(await home.removeTagged(tags)).toBe(1)
  })
})
