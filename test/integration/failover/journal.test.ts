import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Journal, type JournalOptions, openJournal, type Pending } from '../../../src/failover/journal/journal.ts'
import {
  categoryScope,
  type DeltaEntry,
  everywhere,
  groupScope,
  type JournalEntry,
  type KeptEntry,
  type ValueEntry,
} from '../../../src/failover/journal/journal-entries.ts'
import type { JournalStats } from '../../../src/failover/journal/journal-known.ts'
import { lowestAt, type Version } from '../../../src/failover/versions/clock.ts'
import { expectNothingUnhandled } from '../../support/unhandled.ts'
import { until } from '../../support/until.ts'

expectNothingUnhandled()

let dir: string
const journals: Journal[] = []
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'motia-redis-journal-'))
})
afterEach(async () => {
  for (const journal of journals.splice(0)) await journal.close()
  rmSync(dir, { recursive: true, force: true })
})

let now = Date.now()
const open = (options: Partial<JournalOptions> = {}): Journal => {
  const journal = openJournal({ dir, now: () => now, ...options })
  journals.push(journal)
  return journal
}
const DAY = 24 * 60 * 60_000
const orders = categoryScope('orders')
const menu = categoryScope('menu')
const at = (n: number): Version => lowestAt(now + n)
const value = (key: string, n: number, more: Partial<ValueEntry> = {}): ValueEntry => ({
  kind: 'value',
  scope: orders,
  key,
  version: at(n),
  text: `text ${n}`,
  endsAt: now + DAY,
  ...more,
})
const tombstone = (key: string, n: number, scope = orders): JournalEntry => ({
  kind: 'tombstone',
  scope,
  key,
  version: at(n),
})
const invalid = (key: string, scope = menu): JournalEntry => ({ kind: 'invalid', scope, key })
const delta = (id: string, more: { scope?: string; key?: string; kept?: boolean } = {}): JournalEntry => ({
  kind: 'delta',
  scope: menu,
  key: 'n',
  id,
  by: 1,
  endsAt: now + DAY,
  kept: false,
  ...more,
})
const all = async (journal: Journal, instance = 'primary', limit = 1_000): Promise<Pending[]> => {
  const pending: Pending[] = []
  for await (const batch of journal.batches(instance, limit)) pending.push(...batch)
  return pending
}
const entries = async (journal: Journal, instance = 'primary'): Promise<JournalEntry[]> =>
  (await all(journal, instance)).map(({ entry }) => entry)

describe('the journal', () => {
  it('keeps what was appended over close and open, by instance', async () => {
    const first = open()
    await first.append('primary', [value('a', 1), tombstone('b', 1)])
    await first.append('secondary', [invalid('x')])
    await first.close()
    const second = open()
    expect(await entries(second)).toEqual([value('a', 1), tombstone('b', 1)])
    expect(await entries(second, 'secondary')).toEqual([invalid('x')])
    expect(await entries(second, 'prim')).toEqual([])
    expect(second.find('primary', orders, 'a')?.own).toEqual(value('a', 1))
    expect(second.stats('primary')).toMatchObject({ entries: 2, aside: 0 })
  })

  it('one commit takes all appends of a moment', async () => {
    const journal = open()
    await Promise.all(Array.from({ length: 500 }, (_, i) => journal.append('primary', [value(`k${i}`, 1)])))
    expect(journal.commits()).toBe(1)
    expect(journal.stats('primary').entries).toBe(500)
  })

  it('what is acknowledged is counted at every moment, also when a transaction is over and nobody has heard of it', async () => {
    const journal = open()
    await Promise.all(Array.from({ length: 500 }, (_, i) => journal.append('primary', [value(`k${i}`, 1)])))
    const seen: JournalStats[] = []
    // This figure is told to processes on other machines, which read from home as soon as nobody has anything for it.
    const standStill = (): void => {
      for (const end = performance.now() + 300; performance.now() < end; ) {
        // What is read from here on is as new as what is committed.
        journal.adding('primary')
        seen.push(journal.stats('primary'))
      }
    }
    // In the turn after its actions, while it is committed: this process can't hear that it is done.
    await journal.whenEmpty('elsewhere', () => setImmediate(standStill))
    await until('it stood still', () => seen.length > 0)
    expect(new Set(seen.map(({ entries }) => entries))).toEqual(new Set([500]))
    expect(new Set(seen.map(({ bytes }) => bytes))).toEqual(new Set([journal.stats('primary').bytes]))
    expect(new Set(seen.map(({ oldest }) => oldest))).toEqual(new Set([journal.stats('primary').oldest]))
    expect(journal.stats('primary').oldest).toBe(now)
  })

  it('has an oldest entry as soon as it has one', async () => {
    const journal = open()
    await journal.append('primary', [value('a', -5_000)])
    expect(journal.stats('primary')).toMatchObject({ entries: 1, oldest: now - 5_000 })
    await journal.append('primary', [invalid('x')])
    expect(journal.stats('primary')).toMatchObject({ entries: 2, oldest: now - 5_000 })
    await journal.remove('primary', await all(journal))
    expect(journal.stats('primary')).toEqual({ entries: 0, bytes: 0, aside: 0 })
  })

  it('what is acknowledged can be found at once', async () => {
    const journal = open()
    for (let i = 0; i < 20; i++) {
      // A read before, in the same turn as the commit, must not hide it.
      const reading = setInterval(() => journal.find('primary', orders, 'a'))
      await journal.append('primary', [value('a', i)])
      clearInterval(reading)
      expect(journal.find('primary', orders, 'a')?.own).toEqual(value('a', i))
    }
  })

  it('of one key the highest version stays, whatever comes in whatever order', async () => {
    const journal = open()
    const write = fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 5 }), fc.constantFrom('a', 'b'))
    await fc.assert(
      fc.asyncProperty(fc.array(write, { minLength: 1, maxLength: 12 }), async (writes) => {
        const list = writes.map(([gone, n, key]) => (gone ? tombstone(key, n) : value(key, n)))
        await Promise.all(list.map((entry) => journal.append('primary', [entry])))
        for (const key of ['a', 'b']) {
          const found = journal.find('primary', orders, key)
          const top = Math.max(0, ...writes.filter((each) => each[2] === key).map(([, n]) => n))
          const gone = writes.some(([isGone, n, of]) => isGone && n === top && of === key)
          expect(found?.own).toEqual(top === 0 ? undefined : gone ? tombstone(key, top) : value(key, top))
        }
        await journal.remove('primary', await all(journal))
        expect(journal.stats('primary')).toMatchObject({ entries: 0, bytes: 0 })
      }),
      { numRuns: 40 },
    )
  })

  it('removes an entry only if it is unchanged since it was handed out', async () => {
    const journal = open()
    await journal.append('primary', [value('a', 1), value('b', 1), invalid('x')])
    const handedOut = await all(journal)
    await journal.append('primary', [value('a', 2), value('b', 0), invalid('x')])
    expect(await journal.remove('primary', handedOut)).toBe(1)
    expect(await entries(journal)).toEqual([value('a', 2), invalid('x')])
    expect(await journal.remove('primary', handedOut)).toBe(0)
  })

  it('what is invalid already needs no further entry, until somebody begins to replay it', async () => {
    const journal = open()
    await journal.append('primary', [invalid('x'), invalid('y')])
    const commits = journal.commits()
    await journal.append('primary', [invalid('y'), invalid('x'), delta('1', { key: 'x' })])
    expect(journal.commits()).toBe(commits)
    await journal.append('secondary', [invalid('x')])
    await journal.append('primary', [invalid('x'), invalid('z')])
    expect(journal.commits()).toBe(commits + 2)

    const handedOut = await all(journal)
    await journal.append('primary', [invalid('x')])
    // Once again there is one that nobody replays.
    const later = journal.commits()
    await journal.append('primary', [invalid('x')])
    expect(journal.commits()).toBe(later)
    await journal.remove('primary', handedOut)
    expect(await entries(journal)).toEqual([invalid('x')])
  })

  it('what another process replays needs a further entry, too', async () => {
    const journal = open()
    const other = open({ refresh: 60_000 })
    await journal.append('primary', [invalid('x')])
    const handedOut = await all(other)
    await journal.append('primary', [invalid('x')])
    expect(await other.remove('primary', handedOut)).toBe(0)
  })

  it('where the whole category is invalid its keys need no entry', async () => {
    const journal = open()
    await journal.append('primary', [{ kind: 'invalid-all', scope: menu }])
    await journal.append('primary', [invalid('x'), delta('1')])
    expect(await entries(journal)).toEqual([{ kind: 'invalid-all', scope: menu }])
  })

  it('hands out in batches, oldest first, and does not follow what is written meanwhile', async () => {
    const journal = open()
    for (let i = 0; i < 25; i++) await journal.append('primary', [value(`k${i}`, i)])
    const seen: string[] = []
    for await (const batch of journal.batches('primary', 10)) {
      expect(batch.length).toBeLessThanOrEqual(10)
      for (const { entry } of batch) if (entry.kind === 'value') seen.push(entry.key)
      await journal.append('primary', [value('k24', 100 + seen.length), value(`new${seen.length}`, 1)])
      await journal.remove('primary', batch)
    }
    expect(seen).toEqual(Array.from({ length: 24 }, (_, i) => `k${i}`))
    expect(await journal.whenEmpty('primary', () => expect.unreachable())).toBe(false)
    await journal.remove('primary', await all(journal))
    let decided = false
    expect(
      await journal.whenEmpty('primary', () => {
        decided = true
      }),
    ).toBe(true)
    expect(decided).toBe(true)
  })

  it('is told apart by whatever names hold', async () => {
    const journal = open()
    const names = ['a', 'a:b', '*', '\0', 'a\0', '', '😀', 'x'.repeat(512)]
    const places = names.flatMap((group) => names.map((key) => [groupScope(group), key] as const))
    await journal.append(
      'primary',
      places.map(([scope, key], i) => value(key, 1, { scope, text: `${i}` })),
    )
    places.forEach(([scope, key], i) => {
      expect(journal.find('primary', scope, key)?.own).toMatchObject({ text: `${i}` })
    })
    for (const group of names) expect(journal.findAll('primary', groupScope(group))?.own.size).toBe(names.length)
    await journal.append('primary', [
      value('a', 1),
      { kind: 'clear', scope: groupScope('only cleared'), version: at(1) },
    ])
    for (const group of names) {
      expect(journal.keysWaiting('primary', groupScope(group)).toSorted()).toEqual(names.toSorted())
    }
    expect(journal.scopesOfGroups('primary').toSorted()).toEqual([...names, 'only cleared'].map(groupScope).toSorted())
    const tooLong = journal.append('primary', [value('k', 1, { scope: groupScope('g'.repeat(2_000)) })])
    await expect(tooLong).rejects.toMatchObject({ kind: 'refused', applied: 'no' })
  })
})

describe('the overlay', () => {
  it('answers nothing, without a look at the files, while nothing waits', async () => {
    const journal = open()
    await journal.append('primary', [value('a', 1)])
    expect(journal.find('secondary', orders, 'a')).toBe(undefined)
    expect(journal.find('primary', orders, 'b')).toBe(undefined)
    await journal.close()
    // Closed files would throw.
    expect(journal.find('secondary', orders, 'a')).toBe(undefined)
    expect(journal.findAll('secondary', orders)).toBe(undefined)
    expect(journal.scopesOfGroups('secondary')).toEqual([])
    expect(journal.keysWaiting('secondary', groupScope('a'))).toEqual([])
  })

  it('knows clears: what is older is gone, what is newer stands', async () => {
    const journal = open()
    await journal.append('primary', [
      value('old', 1),
      value('new', 3),
      { kind: 'clear', scope: orders, version: at(2) },
    ])
    expect(journal.find('primary', orders, 'old')).toMatchObject({ own: undefined, cleared: at(2) })
    expect(journal.find('primary', orders, 'new')).toMatchObject({ own: value('new', 3), cleared: at(2) })
    expect(journal.find('primary', orders, 'other')).toMatchObject({ own: undefined, cleared: at(2) })
    expect([...(journal.findAll('primary', orders)?.own.keys() ?? [])]).toEqual(['new'])
    await journal.append('primary', [{ kind: 'clear', scope: orders, version: at(1) }])
    expect(journal.find('primary', orders, 'x')?.cleared).toBe(at(2))
  })

  it('a value whose life is over reads as a tombstone, and is replayed as one', async () => {
    const journal = open()
    await journal.append('primary', [value('a', 1, { endsAt: now + 1_000 }), value('b', 1, { endsAt: false })])
    const before = now
    now += 2_000
    try {
      expect(journal.find('primary', orders, 'a')?.own).toEqual({ ...tombstone('a', 1), version: lowestAt(before + 1) })
      expect(journal.find('primary', orders, 'b')?.own?.kind).toBe('value')
      expect((await all(journal)).map(({ due }) => due)).toEqual(['ended', 'as-it-is'])
    } finally {
      now = before
    }
  })

  it('knows what is invalid: a key, a category, everything, tags', async () => {
    const journal = open()
    await journal.append('primary', [invalid('a'), { kind: 'invalid-tag', scope: everywhere, tag: 'red' }])
    await journal.append('primary', [{ kind: 'tag', scope: orders, tag: 'blue', version: at(4) }])
    expect(journal.find('primary', menu, 'a')?.invalid).toBe(true)
    expect(journal.find('primary', menu, 'b')).toBe(undefined)
    expect(journal.findTags('primary', menu, ['green', 'red'])).toEqual({ invalid: true, version: undefined })
    expect(journal.findTags('primary', orders, ['blue'])).toEqual({ invalid: false, version: at(4) })
    expect(journal.findTags('primary', menu, ['blue'])).toBe(undefined)
    await journal.append('primary', [{ kind: 'invalid-all', scope: menu }])
    expect(journal.find('primary', menu, 'b')?.invalid).toBe(true)
    expect(journal.findAll('primary', menu)?.invalid).toBe(true)
    expect(journal.find('primary', categoryScope('user'), 'b')).toBe(undefined)
    await journal.append('primary', [{ kind: 'invalid-all', scope: everywhere }])
    expect(journal.find('primary', categoryScope('user'), 'b')?.invalid).toBe(true)
  })

  it('counts each increment once, and forgets those that a later write takes in', async () => {
    const journal = open()
    await journal.append('primary', [delta('1'), delta('2'), delta('3', { key: 'n2' }), delta('1')])
    expect(journal.find('primary', menu, 'n')?.deltas.map((each) => each.id)).toEqual(['1', '2'])
    await journal.append('primary', [invalid('n')])
    expect(journal.find('primary', menu, 'n')).toMatchObject({ invalid: true, deltas: [] })
    // Home has nothing to add to any more.
    await journal.append('primary', [delta('4')])
    expect(journal.find('primary', menu, 'n')?.deltas).toEqual([])
    const kept = { scope: orders, key: 'k', kept: true }
    await journal.append('primary', [delta('5', kept), value('k', 1), delta('6', kept)])
    expect(journal.find('primary', orders, 'k')?.deltas.map((each) => each.id)).toEqual(['6'])
    await journal.append('primary', [value('k', 0)])
    expect(journal.find('primary', orders, 'k')?.deltas.map((each) => each.id)).toEqual(['6'])
  })

  it('knows what the increments of a counter make together, whatever comes and goes', async () => {
    const journal = open()
    const added = (key = 'n') => journal.find('primary', menu, key)?.added
    const by = (id: string, by: number, life = DAY, key = 'n'): DeltaEntry => ({
      kind: 'delta',
      scope: menu,
      key,
      id,
      by,
      endsAt: now + life,
      kept: false,
    })
    await journal.append('primary', [by('1', 5), by('2', -2, 10), by('3', 9, DAY, 'n2'), by('1', 5)])
    expect(added()).toEqual({ all: 3, live: 3 })
    const before = now
    try {
      now += 10
      expect(added()).toEqual({ all: 3, live: 5 })
      now += DAY
      expect(added()).toEqual({ all: 3, live: undefined })
    } finally {
      now = before
    }
    await journal.remove(
      'primary',
      (await all(journal)).filter(({ entry }) => entry.kind === 'delta' && entry.id === '1'),
    )
    expect(added()).toEqual({ all: -2, live: -2 })
    await journal.append('primary', [by('4', Number.MAX_SAFE_INTEGER, DAY, 'n3'), by('5', 9, DAY, 'n3')])
    await journal.remove(
      'primary',
      (await all(journal)).filter(({ entry }) => entry.kind === 'delta' && entry.id === '4'),
    )
    expect(added('n3')).toEqual({ all: 9, live: 9 })
    await journal.append('primary', [invalid('n')])
    expect(journal.find('primary', menu, 'n')).toMatchObject({ counted: false, added: undefined })
    await journal.remove('primary', await all(journal))
    await journal.append('primary', [by('6', 1)])
    expect(added()).toEqual({ all: 1, live: 1 })
    expect(added('n2')).toBe(undefined)
  })

  it('learns soon what another one of this machine has appended', async () => {
    const [mine, theirs] = [open({ refresh: 10 }), open()]
    await theirs.append('primary', [value('a', 1)])
    await until('it is known', () => mine.find('primary', orders, 'a')?.own !== undefined)
    expect(mine.stats('primary')).toEqual(theirs.stats('primary'))
  })
})

describe('bounds of the journal', () => {
  const big = 'x'.repeat(10_000)

  it('full: kept data is refused whole, and taken again when there is room', async () => {
    const journal = open({ maxBytes: 100_000 })
    const fill = async (): Promise<void> => {
      for (let i = 0; i < 20; i++) await journal.append('primary', [value(`k${i}`, 1, { text: big })])
    }
    await expect(fill()).rejects.toMatchObject({ name: 'StoreError', store: 'journal', kind: 'full', applied: 'no' })
    const held = journal.stats('primary')
    expect(held.bytes).toBeLessThanOrEqual(100_000)
    const both = journal.append('primary', [tombstone('small', 1), value('large', 1, { text: big })])
    await expect(both).rejects.toMatchObject({ kind: 'full' })
    expect(journal.find('primary', orders, 'small')).toBe(undefined)
    expect(journal.stats('primary')).toEqual(held)
    await journal.remove('primary', (await all(journal)).slice(0, 5))
    await journal.append('primary', [value('large', 1, { text: big })])
  })

  it('full: cached data shrinks to one entry per category, and is never refused', async () => {
    const journal = open({ maxBytes: 50_000 })
    const scopes = [menu, categoryScope('user')]
    await Promise.all(
      Array.from({ length: 400 }, (_, i) => journal.append('primary', [invalid(`k${i}`, scopes[i % 2])])),
    )
    for (let i = 0; i < 400; i++) {
      expect(journal.find('primary', i % 2 === 0 ? menu : categoryScope('user'), `k${i}`)?.invalid).toBe(true)
    }
    expect(journal.stats('primary').bytes).toBeLessThanOrEqual(50_000)
    for (const text of [big, 'x'.repeat(1_000), '']) {
      let refused = false
      for (let i = 0; !refused; i++) {
        refused = await journal.append('primary', [value(`${text}${i}`.slice(-9), 1, { text })]).then(
          () => false,
          () => true,
        )
      }
    }
    const more = Array.from({ length: 50 }, (_, i) => journal.append('primary', [invalid(`more${i}`), delta(`${i}`)]))
    await Promise.all(more)
    const cached = (await entries(journal)).filter((entry) => !('version' in entry))
    expect(new Set(cached)).toEqual(new Set(scopes.map((scope) => ({ kind: 'invalid-all', scope }))))
  })

  it('a category entry that comes again is another one: what was replayed before it does not take it away', async () => {
    const journal = open({ maxBytes: 1_000 })
    await journal.append('primary', [{ kind: 'invalid-all', scope: menu }])
    const handedOut = await all(journal)
    await Promise.all(Array.from({ length: 20 }, (_, i) => journal.append('primary', [invalid(`k${i}`)])))
    expect(await journal.remove('primary', handedOut)).toBe(0)
    expect(journal.find('primary', menu, 'k19')?.invalid).toBe(true)
  })

  it('full: increments of cached data give way, however many of kept data come before them', async () => {
    const journal = open({ maxBytes: 700_000 })
    const add = (category: string, ids: string[], kept: boolean): Promise<void> =>
      journal.append(
        'primary',
        ids.map((id) => ({
          kind: 'delta',
          scope: categoryScope(category),
          key: 'n',
          id,
          by: 1,
          endsAt: now + DAY,
          kept,
        })),
      )
    const ids = Array.from({ length: 2_100 }, (_, i) => `${i}`)
    await add('orders', ids, true)
    await add('visits', ids.slice(0, 600), false)
    await journal.append('primary', [value('large', 1, { text: 'x'.repeat(100_000) })])
    const waiting = await entries(journal)
    expect(waiting.filter((entry) => entry.kind === 'delta' && entry.kept)).toHaveLength(2_100)
    expect(waiting).toContainEqual({ kind: 'invalid-all', scope: categoryScope('visits') })
    expect(waiting).toHaveLength(2_102)
  })

  it('after a day an entry is handed out as aged: kept data by the time in its version', async () => {
    const journal = open()
    const old = lowestAt(now - DAY + 5_000)
    await journal.append('primary', [value('a', 0, { version: old }), value('b', 0), invalid('x')])
    const before = now
    try {
      expect((await all(journal)).map(({ due }) => due)).toEqual(['as-it-is', 'as-it-is', 'as-it-is'])
      now += 5_000
      expect((await all(journal)).map(({ due }) => due)).toEqual(['aged', 'as-it-is', 'as-it-is'])
      expect(journal.stats('primary').oldest).toBe(before - DAY + 5_000)
      now += DAY
      expect((await all(journal)).map(({ due }) => due)).toEqual(['aged', 'aged', 'aged'])
    } finally {
      now = before
    }
  })

  it('gives up what waits for an instance that nobody has used for a day', async () => {
    const journal = open()
    await journal.append('moved', [value('a', 1), invalid('x'), invalid('y'), delta('d')])
    await journal.append('primary', [value('a', 1), invalid('x')])
    const before = now
    try {
      expect(await journal.inUse(['primary'])).toEqual({ count: 0, dropped: 0 })
      now += DAY
      // Another app with the same folder uses it.
      expect(await journal.inUse(['moved'])).toEqual({ count: 0, dropped: 0 })
      expect(await journal.inUse(['primary'])).toEqual({ count: 0, dropped: 0 })
      now += DAY + 1
      expect(await journal.inUse(['primary'])).toEqual({ count: 4, dropped: 0 })
      expect(journal.stats('moved')).toMatchObject({ entries: 1, aside: 1 })
      expect(journal.find('moved', menu, 'x')?.invalid).toBe(true)
      expect(journal.listAside(9)).toMatchObject([{ instance: 'moved', reason: expect.stringContaining('address') }])
      expect(journal.stats('primary')).toMatchObject({ entries: 2, aside: 0 })
      expect(await journal.inUse(['primary'])).toEqual({ count: 0, dropped: 0 })
    } finally {
      now = before
    }
  })

  it('tells how much of what it gives up is lost, because too much is set aside already', async () => {
    const journal = open({ maxBytes: 25_000 })
    await journal.append('moved', [value('old', 1, { text: big })])
    expect(await journal.setAside('moved', await all(journal, 'moved'), 'too old')).toBe(1)
    await journal.append('moved', [value('a', 1, { text: big }), invalid('x')])
    await journal.append('moved', [value('b', 1, { text: big })])
    const before = now
    try {
      expect(await journal.inUse(['primary'])).toEqual({ count: 0, dropped: 0 })
      now += DAY + 1
      expect(await journal.inUse(['primary'])).toEqual({ count: 3, dropped: 1 })
      expect(journal.stats('moved')).toMatchObject({ entries: 1, aside: 2 })
    } finally {
      now = before
    }
  })

  it('sets aside what must not be replayed, if unchanged, and counts it', async () => {
    const journal = open()
    await journal.append('primary', [value('a', 1), value('b', 1)])
    const handedOut = await all(journal)
    await journal.append('primary', [value('b', 2)])
    expect(await journal.setAside('primary', handedOut, 'too old')).toBe(1)
    expect(await entries(journal)).toEqual([value('b', 2)])
    expect(journal.listAside(10)).toEqual([{ instance: 'primary', entry: value('a', 1), at: now, reason: 'too old' }])
    expect(journal.stats('primary')).toMatchObject({ entries: 1, aside: 1 })
    await journal.close()
    expect(open().stats('primary')).toMatchObject({ entries: 1, aside: 1 })
  })

  it('what is set aside has the same bound; beyond it entries stay', async () => {
    const journal = open({ maxBytes: 25_000 })
    for (let i = 0; i < 3; i++) {
      await journal.append('primary', [value(`k${i}`, 1, { text: big })])
      expect(await journal.setAside('primary', await all(journal), 'too old')).toBe(i < 2 ? 1 : 0)
    }
    expect(journal.stats('primary')).toMatchObject({ entries: 1, aside: 2 })
  })

  it('closed, it refuses to write', async () => {
    const journal = open()
    await journal.append('primary', [value('a', 1)])
    await journal.close()
    await expect(journal.append('primary', [value('a', 2)])).rejects.toMatchObject({ kind: 'closed', applied: 'no' })
  })
})

describe('several journals of one folder in one process', () => {
  it('share its files, with all writes at once, each knowing those of the other', async () => {
    const [one, other] = [open({ refresh: 10 }), open({ refresh: 10 })]
    const each = Array.from({ length: 50 }, (_, i) => i)
    await Promise.all([
      ...each.map((i) => one.append('primary', [invalid(`a${i}`)])),
      ...each.map((i) => other.append('primary', [invalid(`b${i}`)])),
    ])
    expect(await all(one)).toEqual(await all(other))
    expect(await entries(one)).toHaveLength(100)
    await until('both know', () => [one, other].every((journal) => journal.stats('primary').entries === 100))
    expect(await one.remove('primary', await all(other))).toBe(100)
    expect(await other.whenEmpty('primary', () => undefined)).toBe(true)
    expect(readdirSync(join(dir, 'owners'))).toHaveLength(1)
  })

  it('outlive each other; the last closes them', async () => {
    const [first, second] = [open(), open()]
    await Promise.all([first.append('primary', [invalid('a')]), first.close()])
    await expect(first.append('primary', [invalid('b')])).rejects.toMatchObject({ kind: 'closed' })
    await second.append('primary', [invalid('c')])
    const third = open()
    expect(await entries(third)).toEqual([invalid('a'), invalid('c')])
    await Promise.all([second.close(), second.close()])
    await third.append('primary', [invalid('d')])
    await third.close()
    expect(readdirSync(join(dir, 'owners'))).toEqual([])
    expect(await entries(open())).toEqual([invalid('a'), invalid('c'), invalid('d')])
  })
})

describe('what an instance has by itself', () => {
  it('ends what waited about the same, and nothing later', async () => {
    const journal = open()
    const sum = delta('d', { scope: orders, key: 'a', kept: true })
    await journal.append('primary', [value('a', 1), sum, value('b', 5), tombstone('c', 1), value('d', 1)])
    const put = (key: string, n: number): KeptEntry => value(key, n)
    await journal.settle('primary', put('a', 2))
    await journal.settle('primary', put('b', 4))
    await journal.settle('primary', put('c', 1))
    await journal.settle('primary', put('other', 9))
    await journal.settle('secondary', put('d', 9))
    const waiting = async (): Promise<string[]> => (await entries(journal)).map((entry) => JSON.stringify(entry))
    expect(await waiting()).toEqual([value('b', 5), value('d', 1)].map((entry) => JSON.stringify(entry)))
    await journal.settle('primary', { kind: 'clear', scope: orders, version: at(4) })
    expect(await waiting()).toEqual([JSON.stringify(value('b', 5))])
    await journal.append('primary', [{ kind: 'clear', scope: orders, version: at(3) }])
    await journal.settle('primary', { kind: 'clear', scope: orders, version: at(9) })
    expect(journal.stats('primary')).toEqual({ entries: 0, bytes: 0, aside: 0 })
  })
})
