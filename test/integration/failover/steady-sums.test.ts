import { afterEach, describe, expect, it } from 'vitest'
import { type Journal, openJournal } from '../../../src/failover/journal/journal.ts'
import { categoryScope, type DeltaEntry } from '../../../src/failover/journal/journal-entries.ts'
import { createSteadySums } from '../../../src/failover/journal/steady-sums.ts'
import { testFolder } from '../../support/folder.ts'

const scope = categoryScope('menu')
const delta = (id: string, by: number): DeltaEntry => ({
  ...{ kind: 'delta', scope, key: 'n', id, by, kept: false },
  endsAt: Date.now() + 60_000,
})

const ends: Journal[] = []
afterEach(async () => {
  for (const journal of ends.splice(0)) await journal.close()
})
const open = (dir: string): Journal => {
  const journal = openJournal({ dir, refresh: 10 })
  ends.push(journal)
  return journal
}

/** A counter at home, and what waits for it in the journal. */
const openCounter = async () => {
  const journal = open(testFolder())
  await journal.append('primary', [delta('a', 5)])
  let atHome = 0
  const sums = createSteadySums(journal, { name: 'primary' }, scope)
  const told = (ms: number) => sums.with(['n'], ms, async ([added]) => atHome + (added?.all ?? 0))
  const unprotected = () => atHome + (journal.find('primary', scope, 'n')?.added?.all ?? 0)
  /** Adds what waits at home, as replay does, and `meanwhile` before it is taken from the journal. */
  const replay = async (meanwhile: () => Promise<void>): Promise<void> => {
    for await (const batch of journal.batches('primary', 10)) {
      for (const { entry } of batch) atHome += entry.kind === 'delta' ? entry.by : 0
      await meanwhile()
      await journal.remove('primary', batch)
    }
  }
  return { journal, sums, told, unprotected, replay }
}

describe('a counter for which increments wait', () => {
  it('is told with them', async () => {
    const { told, sums } = await openCounter()
    expect(await told(1_000)).toBe(5)
    expect(sums.state('n')).toBe(0)
  })

  it('is told with each of them once, while they are added at home', async () => {
    const { told, unprotected, replay, sums } = await openCounter()
    let asked: Promise<number> | undefined
    await replay(async () => {
      expect(sums.state('n')).toBe(undefined)
      asked = told(10_000)
      // Control.
      expect(unprotected()).toBe(10)
    })
    expect(await asked).toBe(5)
  })

  it('is looked at again where a batch got in between', async () => {
    const { journal, replay } = await openCounter()
    const sums = createSteadySums(journal, { name: 'primary' }, scope)
    const looks: (number | undefined)[] = []
    await sums.with(['n'], 10_000, async ([added]) => {
      looks.push(added?.all)
      if (looks.length === 1) await replay(async () => undefined)
    })
    expect(looks).toEqual([5, undefined])
  })

  it('is not waited for longer than may be', async () => {
    const { told, replay } = await openCounter()
    await replay(async () => {
      expect(await told(20)).toBe(10)
    })
  })

  it('is told with what was not added, after a batch that failed', async () => {
    const { told, replay } = await openCounter()
    const failing = replay(async () => Promise.reject(new Error('gone')))
    await expect(failing).rejects.toThrow('gone')
    // Nobody knows how much of it is at home.
    expect(await told(10_000)).toBe(10)
  })
})
