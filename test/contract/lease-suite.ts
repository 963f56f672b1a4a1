import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import type { LeaseName, LeaseRequest, Store, Tags } from '../../src/instances/store.ts'
import { until } from '../support/until.ts'

const soon = (ms = 60_000): number => Date.now() + ms
const long = { ms: 5_000 }
let count = 0

/** What every Store promises about leases (LeaseStore in src/instances/store.ts). */
export const leaseSuite = (title: string, open: () => Store): void => {
  describe(`Leases: ${title}`, () => {
    let store: Store
    let scope: string
    beforeEach(() => {
      store = open()
      scope = `lease${++count}:`
    })
    const at = (key = 'a'): string => scope + key
    const named = (key = 'a'): LeaseName => ({ key: at(key), token: randomUUID(), scope })
    const write = (text: string, endsAt = soon(), key = 'a'): Promise<void> =>
      store.write([{ key: at(key), text, endsAt }])
    const granted = async (request: LeaseRequest = long, key = 'a'): Promise<LeaseName> => {
      const lease = named(key)
      expect(await store.grant(lease, request)).toMatchObject({ granted: true })
      return lease
    }
    const fill = (lease: LeaseName, text = 'filled', tags?: Tags): Promise<boolean> =>
      store.fill(lease, { text, endsAt: soon(), tags })

    it('gives one of many the right, and stores what he made', async () => {
      const all = await Promise.all(Array.from({ length: 20 }, () => store.grant(named(), long)))
      expect(all.filter((each) => 'granted' in each)).toHaveLength(1)
      expect(all.filter((each) => 'held' in each)).toHaveLength(19)
      const other = await granted(long, 'b')
      expect(await fill(other)).toBe(true)
      expect(await store.read(at('b'))).toBe('filled')
      // It is over then.
      expect(await fill(other, 'again')).toBe(false)
      await granted(long, 'b')
    })

    it('answers what was stored since the asker looked', async () => {
      const seen = { text: undefined }
      await write('new')
      expect(await store.grant(named(), { ...long, seen })).toEqual({ found: 'new' })
      const holder = await granted({ ...long, seen: { text: 'new' } })
      expect(await store.grant(named(), { ...long, seen })).toEqual({ found: 'new' })
      expect(await store.grant(named(), { ...long, seen: { text: 'new' } })).toEqual({ held: true })
      expect(await store.grant(named(), long)).toEqual({ held: true })
      expect(await fill(holder, 'é😀')).toBe(true)
      expect(await store.grant(named(), { ...long, seen: { text: 'new' } })).toEqual({ found: 'é😀' })
      await granted({ ...long, seen: { text: 'é😀' } })
    })

    it('grants again what was seen and is gone', async () => {
      await granted({ ...long, seen: { text: 'was there' } })
    })

    it('ends by itself, unless it is renewed', async () => {
      const lease = await granted({ ms: 150 })
      const other = named('b')
      await store.grant(other, { ms: 150 })
      for (let i = 0; i < 6; i++) {
        expect(await store.renew(other, 1_000)).toBe(true)
        await new Promise((resolve) => setTimeout(resolve, 40))
      }
      await until('the first has ended', async () => 'granted' in (await store.grant(named(), long)))
      expect(await store.renew(lease, 1_000)).toBe(false)
      expect(await fill(lease)).toBe(false)
      expect(await fill(other)).toBe(true)
      expect(await store.read(at())).toBeUndefined()
    })

    it('is free at once when it is released, and only by its holder', async () => {
      const lease = await granted()
      await store.release(named())
      expect(await store.grant(named(), long)).toEqual({ held: true })
      await store.release(lease)
      expect(await fill(lease)).toBe(false)
      await granted()
    })

    it('holds up others for a while after a failure, except those whom it does not concern', async () => {
      const lease = await granted()
      await store.release(lease, { failed: 400 })
      const answer = await store.grant(named(), long)
      expect('failed' in answer && answer.failed > 0 && answer.failed <= 400).toBe(true)
      const despite = named()
      expect(await store.grant(despite, { ...long, despiteFailure: true })).toMatchObject({ granted: true })
      await store.release(despite, { failed: 50 })
      await until('it is forgotten', async () => 'granted' in (await store.grant(named(), long)))
    })

    it('tells the next holder of one that died', async () => {
      await store.release(await granted(), { died: true })
      const next = named()
      expect(await store.grant(next, long)).toEqual({ granted: true, died: true })
      expect(await fill(next)).toBe(true)
      const after = named()
      expect(await store.grant(after, long)).toEqual({ granted: true, died: false })
    })

    const breaks: Record<string, () => Promise<unknown>> = {
      'a write': () => write('theirs'),
      'a write of many': () =>
        store.write([
          { key: at('x'), text: '1', endsAt: soon() },
          { key: at(), text: 'theirs', endsAt: soon() },
        ]),
      'a removal': () => store.remove([at()]),
      'a removal of many': () => store.remove([at('x'), at('y'), at()]),
      'a clear': () => store.clear(scope),
      'an increment': () => store.increment(at(), 1, soon()),
    }
    for (const [what, change] of Object.entries(breaks)) {
      it(`is broken by ${what}`, async () => {
        for (const before of [undefined, 'before']) {
          const lay = (): Promise<unknown> => (before === undefined ? store.remove([at()]) : write(before))
          if (what === 'an increment' && before !== undefined) continue
          await lay()
          const renewed = await granted()
          await change()
          expect(await store.renew(renewed, 1_000)).toBe(false)
          await lay()
          const lease = await granted()
          await change()
          const now = await store.read(at())
          expect(await fill(lease)).toBe(false)
          expect(await store.read(at())).toBe(now)
          // Nothing of it holds up the next one.
          await store.release(await granted())
        }
      })
    }

    it('is broken by what came and went again', async () => {
      const lease = await granted()
      await write('brief', soon(30))
      await until('it is gone', async () => (await store.read(at())) === undefined)
      expect(await fill(lease)).toBe(false)
      const other = await granted()
      await store.increment(at(), 1, soon(30))
      await until('it is gone', async () => (await store.read(at())) === undefined)
      expect(await fill(other)).toBe(false)
    })

    it('is broken where the same text lies there again', async () => {
      const write = (text: string, bare: boolean): Promise<void> =>
        store.write([{ key: at(), text, endsAt: soon(), bare }])
      const again: (() => Promise<unknown>)[] = [
        () => write('1', true),
        async () => {
          await write('3', true)
          await write('1', true)
        },
        async () => {
          await store.increment(at(), 2, soon())
          await store.increment(at(), -2, soon())
        },
        () => store.swap(at(), '1', { text: '1', endsAt: soon(90_000) }),
        () => store.swap(at(), '1', { text: '1', endsAt: soon(), tags: { category: 'c', names: ['x'] } }),
      ]
      for (const change of again) {
        await write('1', true)
        const lease = await granted()
        await change()
        expect(await store.read(at())).toBe('1')
        expect(await fill(lease, '2')).toBe(false)
        expect(await store.read(at())).toBe('1')
      }
      const lease = await granted()
      await store.write([
        { key: at('x'), text: '1', endsAt: soon(), bare: true },
        { key: at('y'), text: '1', endsAt: soon(), bare: true },
      ])
      expect(await fill(lease, '2')).toBe(true)
    })

    it('is not broken by the end of what lay there', async () => {
      for (const renews of [true, false]) {
        await write('old', soon(60))
        const lease = await granted()
        await until('it has ended', async () => (await store.read(at())) === undefined)
        if (renews) expect(await store.renew(lease, 2_000)).toBe(true)
        expect(await store.grant(named(), long)).toEqual({ held: true })
        expect(await fill(lease)).toBe(true)
        expect(await store.read(at())).toBe('filled')
        expect(await store.grant(named(), { ...long, seen: { text: undefined } })).toEqual({ found: 'filled' })
      }
    })

    it('is broken by what came after the end of what lay there', async () => {
      for (const change of [() => write('theirs'), () => store.remove([at()]), () => store.clear(scope)]) {
        await write('old', soon(40))
        const lease = await granted()
        await until('it has ended', async () => (await store.read(at())) === undefined)
        await change()
        expect(await fill(lease)).toBe(false)
      }
    })

    it('is not broken by what concerns others', async () => {
      const lease = await granted()
      await store.clear(`${scope}a:`)
      await store.clear('elsewhere:')
      await store.remove([at('b')])
      await write('other', soon(30), 'c')
      expect(await store.renew(lease, 2_000)).toBe(true)
      expect(await fill(lease)).toBe(true)
    })

    it('is broken by an invalidation of a tag that its value bears', async () => {
      const category = `c${count}`
      const tagged = (...names: string[]): Tags => ({ category, names })
      const lease = await granted()
      await store.removeTagged(tagged('x', 'y'))
      expect(await store.renew(lease, 2_000)).toBe(true)
      expect(await fill(lease, 'old', tagged('z', 'y'))).toBe(false)
      expect(await fill(await granted(), 'new', tagged('z', 'y'))).toBe(true)
      expect(await store.read(at())).toBe('new')
      const other = await granted()
      await store.removeTagged({ category: 'another', names: ['y'] })
      expect(await fill(other, JSON.stringify({ value: 1, meta: { t: ['y'] } }), tagged('y'))).toBe(true)
      const everywhere = await granted()
      expect(await store.invalidateEverywhere(['y'])).toContain(category)
      expect(await fill(everywhere, 'old', tagged('y'))).toBe(false)
      expect(await store.removeTagged(tagged('y'))).toBe(1)
      expect(await store.read(at())).toBeUndefined()
    })
  })
}
