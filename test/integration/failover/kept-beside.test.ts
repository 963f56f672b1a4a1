import { afterEach, describe, expect, it } from 'vitest'
import { type Journal, openJournal } from '../../../src/failover/journal/journal.ts'
import { categoryScope, type JournalEntry } from '../../../src/failover/journal/journal-entries.ts'
import { createKeptShelf } from '../../../src/failover/kept/kept-shelf.ts'
import { createOwnWrites } from '../../../src/failover/kept/own-writes.ts'
import { testFolder } from '../../support/folder.ts'
import { layout, name, openGround, orders, valueIn, write } from './kept-ground.ts'
import { openRedis } from './kept-model.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const scope = categoryScope('orders')

/** This process beside another one of the machine, of which it hears by itself only after the test. */
const open = async () => {
  const ground = await openGround({ journal: false })
  closing.push(ground.close)
  const dir = testFolder()
  const openOne = (refresh: number): Journal => {
    const journal = openJournal({ dir, refresh })
    closing.push(() => journal.close())
    return journal
  }
  const [theirs, ours] = [openOne(20), openOne(60_000)]
  const landscape = {
    ...{ ...ground.landscape, journal: ours },
    calm: (at: string) => ground.landscape.calm(at) && !ours.holds(at),
  }
  // Somebody else may write, so what is only in memory here tells nothing.
  const own = createOwnWrites({ aloneSince: () => Number.POSITIVE_INFINITY, now: Date.now })
  const shelf = createKeptShelf(orders, ground.home, { landscape, layout, now: Date.now, own })
  const away = (): void => {
    for (const instance of [ground.home, ground.mirror]) instance.drill(60_000)
  }
  return { ...ground, landscape, ours, theirs, shelf, away }
}

describe('a kept write that both places take, just after another process found home away', () => {
  it('is read where both are away, and not the clear that was before it', async () => {
    const { shelf, landscape, ours, theirs, away } = await open()
    await theirs.append('primary', [{ kind: 'clear', scope, version: landscape.clock.next() }])
    await shelf.write([write('a', 'since')])
    // Whatever it writes tells it what others did.
    await ours.append('secondary', [{ kind: 'invalid', scope: categoryScope('menu'), key: 'm' }])
    expect(ours.holds('primary')).toBe(true)
    away()
    expect(valueIn(await shelf.read(name('a')))).toBe('since')
    expect(await shelf.read(name('b'))).toBeUndefined()
  })

  it('has no increment added to it that was there before', async () => {
    const { shelf, ours, theirs } = await open()
    const delta: JournalEntry = {
      ...{ kind: 'delta', scope, key: 'n', id: '1-1', by: 5 },
      ...{ endsAt: Date.now() + 60_000, kept: true },
    }
    await theirs.append('primary', [delta])
    await shelf.write([write('n', 1)])
    await ours.append('secondary', [{ kind: 'invalid', scope: categoryScope('menu'), key: 'm' }])
    expect(ours.find('primary', scope, 'n')).toBeUndefined()
    expect(theirs.find('primary', scope, 'n')).toBeUndefined()
  })
})

describe('what another process removed a moment ago, while it found home away', () => {
  const cleared = async ({ theirs, landscape, b }: Awaited<ReturnType<typeof open>>): Promise<void> => {
    await theirs.append('primary', [{ kind: 'clear', scope, version: landscape.clock.next() }])
    const raw = openRedis(b.url)
    await raw.flushall()
    raw.disconnect()
  }

  it('is not counted on from', async () => {
    const opened = await open()
    const { shelf } = opened
    const count = (): Promise<number> => shelf.increment(name('n'), 1, Date.now() + 60_000)
    expect([await count(), await count()]).toEqual([1, 2])
    await cleared(opened)
    expect(await count()).toBe(1)
  })

  it('gets no new life', async () => {
    const opened = await open()
    const { shelf } = opened
    const [before, next] = [write('a', 'before'), write('a', 'longer')]
    await shelf.write([before])
    const found = await shelf.locate(name('a'))
    await cleared(opened)
    expect(await shelf.swap(name('a'), found?.text ?? '', next)).toBe(false)
    expect(await shelf.read(name('a'))).toBeUndefined()
  })
})
