import { describe, expect, it, onTestFinished } from 'vitest'
import { openJournal } from '../../../src/failover/journal/journal.ts'
import { createKeptGroups } from '../../../src/failover/kept/kept-groups.ts'
import { createKeptShelf } from '../../../src/failover/kept/kept-shelf.ts'
import type { Landscape } from '../../../src/failover/landscape.ts'
import { createOutages } from '../../../src/failover/stand-in/outages.ts'
import { type FilledCopy, openFilledCopy } from '../../../src/failover/state-copy/embedded-copy-filling.ts'
import { testFolder } from '../../support/folder.ts'
import { until } from '../../support/until.ts'
import { openServers } from './recovery-ground.ts'
import { layout, openSide, raw, type Side } from './recovery-side.ts'

const { primary, secondary, dir, open, away, back } = openServers()
const unknown = { kind: 'unknown', applied: 'no' }
const name = (key: string, category = 'orders') => ({ key, redisKey: `app:${category}:${key}` })

/** What the process above works with. `blind`: nobody says what lacks data. */
const onTop = (side: Side, copy?: FilledCopy, blind = false) => {
  const landscape: Landscape = blind ? { ...side.landscape, behind: () => false } : side.landscape
  const category = side.settings.categories.get('orders')
  if (category === undefined) throw new Error('only in a test')
  const parts = { landscape, layout, now: Date.now }
  const shelf = createKeptShelf(category, side.primary, parts)
  const failClosed = createKeptShelf({ ...category, onOutage: 'fail-closed' }, side.primary, parts)
  const groups = createKeptGroups(side.primary, { ...parts, mirror: true, onUnknown: 'error', copy })
  const alone = createKeptGroups(side.primary, { ...parts, mirror: false, onUnknown: 'error', copy })
  return {
    ...{ shelf, failClosed, groups, alone },
    set: (field: string, text: string) => groups.groupSet('flow', field, text, false, 1_000),
    put: (key: string, value: number) =>
      shelf.write([{ ...name(key), text: `{"value":${value}}`, endsAt: Date.now() + 600_000 }]),
    value: async (key: string) => /"value":(\d+)/.exec((await shelf.read(name(key))) ?? '')?.[1],
  }
}

const copyOf = async (side: Side): Promise<FilledCopy> => {
  const report = { info: () => undefined, warn: () => undefined, error: () => undefined }
  const parts = { quiet: 0, landscape: side.landscape, layout, report, now: Date.now, pause: 1 }
  const copy = openFilledCopy(dir(), side.primary, parts)
  onTestFinished(() => copy.close())
  await copy.check()
  await until('it is filled', () => copy.complete())
  return copy
}

/** Both go, and primary comes back alone, without what was written last. */
const backAlone = async (side: Side, how: 'older' | 'empty', between: () => Promise<unknown>) => {
  if (how === 'older') await raw(primary(), 'SAVE')
  await between()
  await Promise.all([primary().crash(), secondary().crash()])
  await Promise.all([away(side), away(side, 'secondary')])
  await primary().restart()
  await back(side)
}

const bothBack = async (side: Side) => {
  await secondary().restart(['--appendonly', 'yes'])
  await back(side, 'secondary')
}

const twice = async (top: ReturnType<typeof onTop>) => {
  for (const field of ['old', 'new']) await top.set(field, '2')
  for (const key of ['old', 'new']) await top.put(key, 2)
}

describe('an instance that came back alone', () => {
  for (const how of ['older', 'empty'] as const) {
    it(`with ${how === 'older' ? 'an older snapshot' : 'nothing'} isn't asked for kept data until its mirror has repaired it`, async () => {
      await secondary().restart(['--appendonly', 'yes'])
      const side = await open()
      const top = onTop(side)
      await top.set('old', '1')
      await top.put('old', 1)
      await backAlone(side, how, () => twice(top))
      expect(side.landscape.behind('primary')).toBe(true)
      expect(side.said.join()).toContain("until then its kept data isn't read")
      for (const field of ['old', 'new']) {
        await expect(top.groups.groupGet('flow', field)).rejects.toMatchObject(unknown)
        await expect(top.shelf.read(name(field))).rejects.toMatchObject(unknown)
        await expect(top.failClosed.read(name(field))).rejects.toMatchObject({ kind: 'unavailable' })
      }
      await expect(top.groups.groupAll('flow')).rejects.toMatchObject(unknown)
      await expect(top.groups.groupFields('flow')).rejects.toMatchObject(unknown)
      await expect(top.groups.groups()).rejects.toMatchObject(unknown)
      await expect(top.shelf.readMany([name('old'), name('new')])).rejects.toMatchObject(unknown)
      // Cached data is, and kept data that lies nowhere else.
      expect(await side.primary.read('app:analytics:a')).toBe(undefined)
      expect(await top.alone.groupGet('flow', 'new')).toBe(undefined)
      // What is written now is known.
      await top.set('since', '3')
      await top.put('since', 3)
      expect(await top.groups.groupGet('flow', 'since')).toBe('3')
      expect(await top.value('since')).toBe('3')
      expect(await top.groups.groupDelete('flow', 'old')).toBe(undefined)
      await expect(top.groups.groupGet('flow', 'old')).resolves.toBe(undefined)
      await top.set('old', '4')
      // Who comes now knows it too.
      const other = await open({ processId: 'bbbbbbbb', journal: side.journal })
      expect(other.landscape.behind('primary')).toBe(true)

      await bothBack(side)
      expect(await top.groups.groupGet('flow', 'new')).toBe('2')
      expect(await top.value('old')).toBe('2')
      await side.recovery.check('primary')
      expect(side.landscape.behind('primary')).toBe(false)
      await back(other, 'secondary')
      await other.recovery.check('primary')
      expect(other.landscape.behind('primary')).toBe(false)
      await until('nothing waits', () => side.landscape.calm('primary') && side.landscape.calm('secondary'))
      expect(Object.fromEntries(await top.groups.groupAll('flow'))).toEqual({ old: '4', new: '2', since: '3' })
      expect(await Promise.all(['old', 'new', 'since'].map(top.value))).toEqual(['2', '2', '3'])
      expect(Object.fromEntries(await side.primary.groupAll('flow'))).toEqual({ old: '4', new: '2', since: '3' })
      expect(side.said.filter((line) => line.startsWith('primary')).at(-1)).toMatch(/lacked kept data: repaired/)
    })
  }

  it("that has nothing isn't asked, either, where a process met it so and its mirror went as the two were compared", async () => {
    const before = await open()
    await onTop(before).set('old', '1')
    await before.close()
    await primary().restart([])
    const urls = { primary: primary().url, secondary: secondary().url }
    const side = await openSide({ ...urls, dir: dir(), processId: 'bbbbbbbb' })
    onTestFinished(() => side.close())
    await side.recovery.check('secondary')
    secondary().freeze()
    await side.recovery.check('primary')
    await away(side, 'secondary')
    expect(side.landscape.behind('primary')).toBe(true)
    await side.recovery.check('primary')
    await expect(onTop(side).groups.groupGet('flow', 'old')).rejects.toMatchObject(unknown)
    secondary().thaw()
    await back(side, 'secondary')
    await side.recovery.check('primary')
    expect(side.landscape.behind('primary')).toBe(false)
    expect(await onTop(side).groups.groupGet('flow', 'old')).toBe('1')
  })

  it("that is brought what waits for it doesn't say of what was written after a clear that it is gone", async () => {
    const journal = openJournal({ dir: testFolder(), refresh: 10 })
    onTestFinished(() => journal.close())
    const replayed: unknown[] = []
    let look = async (): Promise<unknown> => undefined
    const remove: typeof journal.remove = async (instance, done) => {
      const count = await journal.remove(instance, done)
      if (instance === 'secondary') replayed.push(await look())
      return count
    }
    const side = await open({ journal: { ...journal, remove } })
    const top = onTop(side)
    await Promise.all([primary().crash(), secondary().crash()])
    await Promise.all([away(side), away(side, 'secondary')])
    // Another process has something for primary, so that it takes what is written and isn't read.
    const instances = new Map([side.primary, side.secondary].map((each) => [each.name, each]))
    const other = createOutages({ instances, layout, processId: 'bbbbbbbb', routing: 'r' })
    onTestFinished(() => other.close())
    other.enter('primary', () => 1)
    await primary().restart()
    await until('primary takes writes', () => side.primary.catchingUp() && side.primary.writable())
    await until('what waited for it is there', () => !journal.holds('primary'))
    await top.groups.groupClear('flow')
    await top.shelf.clear()
    await top.set('since', '1')
    await top.put('since', 1)
    expect(journal.holds('primary')).toBe(false)
    look = () => Promise.allSettled([top.groups.groupGet('flow', 'since'), top.value('since')])
    await secondary().restart()
    await until('it has what it missed', () => !journal.holds('secondary'))
    expect(side.primary.readable()).toBe(false)
    // With the clears it went from the journal: what can't be known is an error.
    const lost = { status: 'rejected', reason: expect.objectContaining(unknown) }
    expect(replayed.length).toBeGreaterThan(0)
    for (const seen of replayed) expect(seen).toEqual([lost, lost])
    await other.leave('primary')
    await back(side)
    await back(side, 'secondary')
    expect(await top.groups.groupGet('flow', 'since')).toBe('1')
    expect(await top.value('since')).toBe('1')
  })

  it('is not asked for what a complete copy in files knows', async () => {
    const side = await open()
    const top = onTop(side, await copyOf(side))
    await top.set('old', '1')
    await backAlone(side, 'older', async () => twice(top))
    expect(await top.groups.groupGet('flow', 'old')).toBe('2')
    expect(await top.groups.groupGet('flow', 'never')).toBe(undefined)
    expect(Object.fromEntries(await top.groups.groupAll('flow'))).toEqual({ old: '2', new: '2' })
    expect(await top.groups.groups()).toEqual(['flow'])
    await top.set('old', '3')
    expect(await top.groups.groupGet('flow', 'old')).toBe('3')
  })

  it('control: whoever asks it all the same gets what is older than what was acknowledged', async () => {
    const side = await open()
    const top = onTop(side, undefined, true)
    await top.set('old', '1')
    await top.put('old', 1)
    await backAlone(side, 'older', () => twice(top))
    expect(await top.groups.groupGet('flow', 'old')).toBe('1')
    expect(await top.groups.groupGet('flow', 'new')).toBe(undefined)
    expect(await top.value('old')).toBe('1')
  })

  it('with its append-only file is read as ever', async () => {
    await primary().restart(['--appendonly', 'yes'])
    const side = await open()
    const top = onTop(side)
    await twice(top)
    await Promise.all([primary().crash(), secondary().crash()])
    await Promise.all([away(side), away(side, 'secondary')])
    await primary().restart()
    await back(side)
    expect(await top.groups.groupGet('flow', 'new')).toBe('2')
    expect(await top.value('old')).toBe('2')
    expect(side.said).toEqual([])
  })

  it('and is new is read, and stays so', async () => {
    await secondary().crash()
    const side = await open()
    const top = onTop(side)
    expect(await top.groups.groupGet('flow', 'a')).toBe(undefined)
    await side.recovery.check('primary')
    const other = await open({ processId: 'bbbbbbbb', journal: side.journal })
    expect(await onTop(other).groups.groupGet('flow', 'a')).toBe(undefined)
    expect([...side.said, ...other.said]).toEqual([])
    await bothBack(side)
    await side.recovery.check('primary')
    expect(await raw(primary(), 'GET', layout.sentinel)).toMatch(/ whole$/)
    expect(side.said).toEqual([])
  })
})
