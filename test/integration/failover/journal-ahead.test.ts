import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { frameOf } from '../../../src/failover/journal/ahead-file.ts'
import { type Journal, type JournalOptions, openJournal } from '../../../src/failover/journal/journal.ts'
import { categoryScope, type JournalEntry } from '../../../src/failover/journal/journal-entries.ts'
import { lowestAt } from '../../../src/failover/versions/clock.ts'
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
const open = (options: Partial<JournalOptions> = {}): Journal => {
  const journal = openJournal({ dir, ...options })
  journals.push(journal)
  return journal
}

const orders = categoryScope('orders')
const NOW = Date.now()
const value = (key: string, n: number): JournalEntry => ({
  ...{ kind: 'value', scope: orders, key, version: lowestAt(NOW + n), text: `text ${n}`, endsAt: NOW + 86_400_000 },
})
const tombstone = (key: string, n: number): JournalEntry => ({
  ...{ kind: 'tombstone', scope: orders, key, version: lowestAt(NOW + n) },
})
const delta = (key: string, id: string): JournalEntry => ({
  ...{ kind: 'delta', scope: orders, key, id, by: 2, endsAt: NOW + 86_400_000, kept: true },
})
const waiting = async (journal: Journal): Promise<JournalEntry[]> => {
  const entries: JournalEntry[] = []
  for await (const batch of journal.batches('primary', 100)) entries.push(...batch.map(({ entry }) => entry))
  return entries
}
const ahead = (): string => join(dir, 'journal', 'ahead')
const bytes = (): number => readdirSync(ahead()).reduce((sum, name) => sum + statSync(join(ahead(), name)).size, 0)

describe('entries that go ahead of the tables', () => {
  it('are known at once, and are in the tables a moment later; the files are empty again then', async () => {
    const [journal, other] = [open(), open()]
    await journal.append('primary', [value('a', 1), tombstone('b', 1)])
    expect(journal.find('primary', orders, 'a')?.own).toEqual(value('a', 1))
    expect(other.findAll('primary', orders)?.own.get('b')).toEqual(tombstone('b', 1))
    expect(journal.stats('primary').entries).toBe(2)
    await until('they are there', () => bytes() === 0)
    expect(journal.find('primary', orders, 'a')?.own).toEqual(value('a', 1))
    expect(journal.stats('primary').entries).toBe(2)
    expect(await waiting(other)).toEqual([value('a', 1), tombstone('b', 1)])
  })

  it('many of a moment need one flush, and the files stay small however many come', async () => {
    const journal = open()
    const before = journal.commits()
    await Promise.all(Array.from({ length: 300 }, (_, i) => journal.append('primary', [value(`k${i}`, 1)])))
    // One write, and perhaps the transaction that comes a moment later.
    expect(journal.commits()).toBeLessThanOrEqual(before + 2)
    let most = 0
    for (let i = 0; i < 300; i++) {
      await Promise.all(Array.from({ length: 20 }, (_, n) => journal.append('primary', [value(`k${n}`, i * 20 + n)])))
      most = Math.max(most, bytes())
    }
    // 6,000 entries of 160 bytes and more went through.
    expect(most).toBeLessThan(500_000)
    await until('they are empty', () => bytes() === 0)
    expect(journal.find('primary', orders, 'k19')?.own).toEqual(value('k19', 5_999))
  })

  it('answer as the tables do, wherever an entry lies at the time', async () => {
    const step = fc.record({
      do: fc.constantFrom('value', 'tombstone', 'delta', 'clear', 'settle', 'wait'),
      key: fc.constantFrom('a', 'b'),
      n: fc.integer({ min: 1, max: 9 }),
    })
    const elsewhere = mkdtempSync(join(tmpdir(), 'motia-redis-journal-'))
    const [mixed, straight] = [open(), open({ dir: elsewhere })]
    // With a transaction everything is in the tables.
    const brought = (journal: Journal): Promise<unknown> => journal.whenEmpty('none', () => undefined)
    let run = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 10 }), async (steps) => {
        const instance = `instance${run++}`
        for (const [i, { do: what, key, n }] of steps.entries()) {
          const version = lowestAt(NOW + n)
          const entries: Record<string, JournalEntry> = {
            value: value(key, n),
            tombstone: tombstone(key, n),
            delta: delta(key, `${i}`),
            clear: { kind: 'clear', scope: orders, version },
          }
          const entry = entries[what]
          for (const journal of [mixed, straight]) {
            if (what === 'settle') await journal.settle(instance, { kind: 'tombstone', scope: orders, key, version })
            if (entry !== undefined) await journal.append(instance, [entry])
            if (what === 'wait' || journal === straight) await brought(journal)
          }
          for (const each of ['a', 'b']) {
            const [one, other] = [mixed, straight].map((journal) => {
              const found = journal.find(instance, orders, each)
              return found && { own: found.own, cleared: found.cleared, counted: found.counted, added: found.added }
            })
            expect(one).toEqual(other)
          }
          expect(mixed.findAll(instance, orders)).toEqual(straight.findAll(instance, orders))
        }
        await brought(mixed)
        expect(mixed.stats(instance)).toEqual({ ...straight.stats(instance), oldest: mixed.stats(instance).oldest })
      }),
      { numRuns: 100 },
    )
    await straight.close()
    rmSync(elsewhere, { recursive: true, force: true })
  }, 60_000)

  it('where the file cannot be written a transaction takes them', async () => {
    mkdirSync(join(dir, 'journal'), { recursive: true })
    writeFileSync(ahead(), 'no folder')
    const journal = open()
    await journal.append('primary', [value('a', 1)])
    const other = open({ claiming: {} })
    expect(other.find('primary', orders, 'a')?.own).toEqual(value('a', 1))
    expect(await waiting(journal)).toEqual([value('a', 1)])
  })

  it('that a process left behind are found at the start, and while others run', async () => {
    const left = (name: string, entry: JournalEntry): void => {
      mkdirSync(ahead(), { recursive: true })
      const whole = frameOf(JSON.stringify([['primary', entry]]))
      // With what was cut off when it died.
      writeFileSync(join(ahead(), `${name}.0`), Buffer.concat([whole, whole.subarray(0, 20)]))
    }
    left('somewhere.1.aaaaaaaa', value('before', 1))
    const journal = open({ refresh: 20 })
    expect(journal.find('primary', orders, 'before')?.own).toEqual(value('before', 1))
    left('somewhere.1.bbbbbbbb', value('later', 1))
    await until('it is found', () => journal.find('primary', orders, 'later') !== undefined)
    await until('the files are gone', () => readdirSync(ahead()).length === 0)
    expect(await waiting(journal)).toEqual([value('before', 1), value('later', 1)])
  })
})
