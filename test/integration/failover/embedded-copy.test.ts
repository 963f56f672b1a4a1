import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { type CopyFiles, openCopyFiles } from '../../../src/failover/state-copy/embedded-copy.ts'
import {
  type FilledCopy,
  type FilledCopyParts,
  openFilledCopy,
} from '../../../src/failover/state-copy/embedded-copy-filling.ts'
import { lowestAt, type Version } from '../../../src/failover/versions/clock.ts'
import type { Instance } from '../../../src/instances/instance.ts'
import { until } from '../../support/until.ts'
import { type Ground, layout, openGround } from './kept-ground.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const newDir = (): string => {
  const dir = mkdtempSync(join(tmpdir(), 'motia-redis-copy-'))
  closing.push(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

const said: string[] = []
const report = {
  info: () => undefined,
  warn: (line: string) => said.push(line),
  error: (line: string) => said.push(line),
}

const openFiles = (options: { now?: () => number; dir?: string; maxBytes?: number } = {}): CopyFiles => {
  const { now = Date.now, dir = newDir(), maxBytes } = options
  const files = openCopyFiles(dir, { report, now, ...(maxBytes !== undefined && { maxBytes }) })
  closing.push(files.close)
  return files
}

const openGroundOnce = async (): Promise<Ground> => {
  const ground = await openGround()
  closing.push(ground.close)
  return ground
}

const openCopy = (ground: Ground, dir = newDir(), options: Partial<FilledCopyParts> = {}): FilledCopy => {
  const copy = openFilledCopy(dir, ground.home, {
    landscape: ground.landscape,
    layout,
    report,
    now: Date.now,
    pause: 1,
    rest: 50,
    quiet: 0,
    ...options,
  })
  closing.push(copy.close)
  return copy
}

const completed = (copy: FilledCopy) =>
  until('the copy is complete', async () => {
    await copy.check()
    return copy.complete()
  })

const textsIn = (files: Pick<CopyFiles, 'all'>, group: string): Record<string, string> =>
  Object.fromEntries([...files.all(group)].flatMap(([field, { text }]) => (text === undefined ? [] : [[field, text]])))

describe('the copy of state', () => {
  it('answers everything while both instances are away, once it holds everything', async () => {
    const ground = await openGroundOnce()
    const before = ground.groups()
    for (let i = 0; i < 40; i++) await before.groupSet(`g${i % 3}`, `f${i}`, String(i), 600_000, 100)
    const copy = openCopy(ground)
    const store = ground.groups({ copy })
    expect(copy.complete()).toBe(false)
    await completed(copy)
    await store.groupSet('g0', 'f0', '"new"', 600_000, 100)
    await store.groupDelete('g0', 'f3')
    await store.groupClear('g1')
    const expected = [await store.groups(), (await store.groupAll('g0')).toSorted(), await store.groupGet('g2', 'f2')]
    // At once: nothing of it may depend on what is in the files already.
    for (const instance of [ground.home, ground.mirror]) instance.drill(60_000)
    expect([await store.groups(), (await store.groupAll('g0')).toSorted(), await store.groupGet('g2', 'f2')]).toEqual(
      expected,
    )
    expect(await store.groupGet('g1', 'f1')).toBe(undefined)
    expect(await store.groupGet('never', 'there')).toBe(undefined)
    await store.groupSet('g1', 'again', '1', 600_000, 100)
    expect(await store.groupDelete('g2', 'f2')).toBe('2')
    expect(await store.groups()).toEqual(['g0', 'g1', 'g2'])
    expect(await store.groupAll('g1')).toEqual([['again', '1']])
    expect((await store.groupFields('g2')).includes('f2')).toBe(false)
  })

  it('is complete only while no server of another directory writes', async () => {
    const ground = await openGroundOnce()
    const [ours, theirs] = [openCopy(ground, newDir(), { life: 300 }), openCopy(ground, newDir(), { life: 300 })]
    await completed(ours)
    expect(Number.isFinite(ours.aloneSince())).toBe(true)
    await theirs.check()
    await ours.check()
    expect(ours.complete()).toBe(false)
    expect(ours.aloneSince()).toBe(Number.POSITIVE_INFINITY)
    const store = ground.groups({ copy: ours })
    await ground.groups({ copy: theirs }).groupSet('g', 'theirs', '1', 600_000, 100)
    for (const instance of [ground.home, ground.mirror]) instance.drill(60_000)
    await expect(store.groupGet('g', 'theirs')).rejects.toMatchObject({ kind: 'unknown' })
    for (const instance of [ground.home, ground.mirror]) {
      instance.drill(0)
      await ground.recover(instance)
    }
    // They are gone, so what they wrote is fetched.
    await completed(ours)
    for (const instance of [ground.home, ground.mirror]) instance.drill(60_000)
    expect(await store.groupGet('g', 'theirs')).toBe('1')
  })

  it.each([
    ['until all had time to show themselves', 60_000, false],
    ['in vain, if that is not waited for', 0, true],
  ])('is not complete where home has forgotten who writes, %s', async (_, quiet, complete) => {
    const ground = await openGroundOnce()
    await ground.groups().groupSet('g', 'f', '1', 600_000, 100)
    const [ours, theirs] = [openCopy(ground, newDir(), { quiet }), openCopy(ground)]
    await theirs.check()
    await ours.check()
    await ground.home.remove([layout.writers])
    await until('it was filled', async () => {
      await ours.check()
      return ours.groups().includes('g')
    })
    if (complete) await until('it takes itself for complete', ours.complete)
    else expect(ours.complete()).toBe(false)
  })

  it('forgets what was deleted at home while nobody looked after it', async () => {
    const ground = await openGroundOnce()
    const dir = newDir()
    const first = openCopy(ground, dir)
    await completed(first)
    const store = ground.groups({ copy: first })
    for (const group of ['g', 'h']) await store.groupSet(group, 'gone', '1', 600_000, 100)
    await store.groupSet('g', 'there', '1', 600_000, 100)
    await first.close()
    await ground.groups().groupDelete('g', 'gone')
    await ground.groups().groupClear('h')
    const second = openCopy(ground, dir)
    expect(textsIn(second, 'g')).toEqual({ gone: '1', there: '1' })
    await completed(second)
    expect(textsIn(second, 'g')).toEqual({ there: '1' })
    expect(second.groups()).toEqual(['g'])
  })

  it("that has reached its limit says so once and isn't complete", async () => {
    said.length = 0
    const ground = await openGroundOnce()
    const copy = openCopy(ground, newDir(), { maxBytes: 200_000, rest: 60_000 })
    await completed(copy)
    const store = ground.groups({ copy })
    let n = 0
    await until('it has noticed', async () => {
      await store.groupSet('g', String(n++), JSON.stringify('x'.repeat(40_000)), false, 1_000)
      return !copy.complete()
    })
    expect(n).toBeGreaterThan(3)
    expect(said.filter((line) => /limit/.test(line)).length).toBe(1)
  })

  it('that has reached its limit is not filled again and again', async () => {
    const ground = await openGroundOnce()
    let fillings = 0
    const home: Instance = {
      ...ground.home,
      groups: (options) => {
        fillings++
        return ground.home.groups(options)
      },
    }
    const copy = openFilledCopy(newDir(), home, {
      ...{ landscape: ground.landscape, layout, report, now: Date.now },
      ...{ pause: 1, rest: 60_000, quiet: 0, maxBytes: 200_000 },
    })
    closing.push(copy.close)
    await completed(copy)
    const store = ground.groups({ copy })
    let n = 0
    await until('it has noticed', async () => {
      await store.groupSet('g', String(n++), JSON.stringify('x'.repeat(40_000)), false, 1_000)
      return !copy.complete()
    })
    await copy.check()
    await until('it is filled once more', () => fillings === 2)
    // Where it would begin again at once it did within that time.
    for (const end = Date.now() + 2_500; Date.now() < end; ) {
      await copy.check()
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    expect(fillings).toBe(2)
    expect(copy.complete()).toBe(false)
  })
})

describe('the files of the copy', () => {
  const NOW = 1_700_000_000_000
  const version = (n: number): Version => lowestAt(NOW + n)
  type Write = { readonly kind: 'set' | 'delete' | 'clear'; readonly field: string; readonly n: number }
  const write: fc.Arbitrary<Write> = fc.record({
    kind: fc.constantFrom('set' as const, 'set' as const, 'delete' as const, 'clear' as const),
    field: fc.constantFrom('a', 'b'),
    n: fc.integer({ min: 1, max: 500 }),
  })
  const apply = (files: CopyFiles, group: string, { kind, field, n }: Write): void => {
    if (kind === 'set') files.set(group, field, version(n), String(n), NOW + 10_000)
    else if (kind === 'delete') files.delete(group, field, version(n))
    else files.clear(group, version(n))
  }

  it('come out the same in whatever order writes arrive, flushed in between or not', async () => {
    const files = openFiles({ now: () => NOW })
    let run = 0
    await fc.assert(
      fc.asyncProperty(
        fc
          .uniqueArray(write, { maxLength: 12, selector: ({ n }) => n })
          .chain((writes) =>
            fc.tuple(fc.constant(writes), fc.shuffledSubarray(writes, { minLength: writes.length }), fc.nat(12)),
          ),
        async ([writes, shuffled, pause]) => {
          const [one, other] = [`one${run}`, `other${run++}`]
          for (const each of writes) apply(files, one, each)
          for (const [i, each] of shuffled.entries()) {
            if (i === pause) await files.flushed()
            apply(files, other, each)
          }
          const expected = new Map<string, string>()
          for (const { kind, field, n } of writes.toSorted((a, b) => a.n - b.n)) {
            if (kind === 'set') expected.set(field, String(n))
            else if (kind === 'delete') expected.delete(field)
            else expected.clear()
          }
          const want = Object.fromEntries(expected)
          expect(textsIn(files, one)).toEqual(want)
          expect(textsIn(files, other)).toEqual(want)
          await files.flushed()
          expect(textsIn(files, one)).toEqual(want)
          expect(files.get(other, 'a').text).toBe(want.a)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('a group ends as a whole, and begins anew without what it held', async () => {
    let time = NOW
    const files = openFiles({ now: () => time })
    files.set('g', 'old', version(0), '1', NOW + 1_000)
    files.set('g', 'slides', version(500), '1', NOW + 1_500)
    await files.flushed()
    time = NOW + 1_200
    expect(textsIn(files, 'g')).toEqual({ old: '1', slides: '1' })
    time = NOW + 1_600
    expect(files.groups()).toEqual([])
    files.set('g', 'new', version(1_600), '2', NOW + 9_000)
    for (const flush of [false, true]) {
      if (flush) await files.flushed()
      expect(textsIn(files, 'g')).toEqual({ new: '2' })
      expect(files.get('g', 'old').text).toBe(undefined)
    }
    await files.sweep()
    expect([...files.all('g').keys()]).toEqual(['new'])
  })

  it('outlive their process', async () => {
    const dir = newDir()
    const first = openFiles({ dir })
    first.set('g', 'f', version(1), '"text"', false)
    await first.close()
    expect(textsIn(openFiles({ dir }), 'g')).toEqual({ f: '"text"' })
  })
})
