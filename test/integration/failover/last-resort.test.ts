import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { EmbeddedStore } from '../../../src/embedded/embedded-store.ts'
import {
  categoryPrefix,
  createFallback,
  type Fallback,
  forgetHome,
  listFallback,
  openLastResort,
  readPlaces,
} from '../../../src/failover/stand-in/last-resort.ts'
import { steadyNow } from '../../../src/failover/time-left.ts'
import { StoreError } from '../../../src/instances/store.ts'
import { expectNothingUnhandled } from '../../support/unhandled.ts'

expectNothingUnhandled()

let dir: string
let store: EmbeddedStore
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'motia-redis-last-resort-'))
  store = openLastResort(dir)
})
afterEach(async () => {
  await store.close()
  rmSync(dir, { recursive: true, force: true })
})

const soon = (): number => Date.now() + 60_000
const of = (home: string, category: string, from: () => number = () => 0): Fallback =>
  createFallback({ store, home, category, from, now: Date.now })
const limit = { timeout: 1_000 }

describe('the last resort', () => {
  it('keeps categories and homes apart, lists them, and forgets a home that is back', async () => {
    const menu = of('primary', 'menu')
    const user = of('secondary', 'user')
    await menu.write([{ key: 'menu:a', text: '1', endsAt: soon() }], limit)
    await user.write([{ key: 'user:a', text: '2', endsAt: soon() }], limit)
    await user.write([{ key: 'user:ended', text: '3', endsAt: Date.now() - 1 }], limit)
    expect(await menu.readMany(['menu:a', 'user:a'])).toEqual(['1', undefined])
    for (const many of ['b', 'c', 'd']) await menu.write([{ key: `menu:${many}`, text: '1', endsAt: soon() }], limit)
    const listed = [
      { home: 'primary', category: 'menu' },
      { home: 'secondary', category: 'user' },
    ]
    expect(await listFallback(store)).toEqual(listed)
    expect(await listFallback(store, 1)).toEqual(listed.slice(0, 1))
    await forgetHome(store, 'primary')
    expect(await menu.readMany(['menu:a'])).toEqual([undefined])
    expect(await user.readMany(['user:a'])).toEqual(['2'])
    await forgetHome(store, 'primary')
  })

  it('shows nothing that was put there before what counts', async () => {
    let from = 0
    const menu = of('primary', 'menu', () => from)
    const end = soon()
    await menu.write(
      ['a', 'b', 'n'].map((key) => ({ key, text: '1', endsAt: end })),
      limit,
    )
    from = steadyNow()
    await menu.write([{ key: 'b', text: '2', endsAt: end }], limit)
    expect(await menu.readMany(['a', 'b'])).toEqual([undefined, '2'])
    expect(await menu.life('a')).toBeUndefined()
    expect(await menu.life('b')).toBeGreaterThan(50_000)
    expect(await menu.swap('a', '1', { text: '3', endsAt: end }, limit)).toBe(false)
    expect((await menu.scan('', undefined, 10)).keys).toEqual(['b'])
    expect(await menu.increment('n', 5, end, limit)).toBe(5)
    expect(await menu.remove(['a', 'b', 'x'], limit)).toEqual([false, true, false])
    const place = `${categoryPrefix('primary', 'menu')}n`
    expect((await store.scan(categoryPrefix('primary', 'menu'), undefined, 10)).keys).toEqual([place])
    expect(await readPlaces(store, [place])).toEqual(['5'])
  })

  it('a new life makes no value newer: what goes with the value goes with it', async () => {
    let from = 0
    const menu = of('primary', 'menu', () => from)
    await menu.write([{ key: 'a', text: '1', endsAt: soon() }], limit)
    await menu.increment('n', 1, soon(), limit)
    const before = steadyNow()
    expect(await menu.swap('a', '1', { text: '1, longer', endsAt: soon() }, limit)).toBe(true)
    expect(await menu.increment('n', 1, soon(), limit)).toBe(2)
    expect(await menu.readMany(['a', 'n'])).toEqual(['1, longer', '2'])
    from = before
    expect(await menu.readMany(['a', 'n'])).toEqual([undefined, undefined])
  })

  it('counts each increment once, beside another process that counts, too', async () => {
    const [one, other] = [of('primary', 'menu'), of('primary', 'menu')]
    await one.increment('n', 1, soon(), limit)
    const counted = await Promise.all(
      Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? one : other).increment('n', 1, soon(), limit)),
    )
    expect(counted.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i + 2))
    expect(await one.readMany(['n'])).toEqual(['21'])
    await one.write([{ key: 's', text: '{"value":"s"}', endsAt: soon() }], limit)
    await expect(one.increment('s', 1, soon(), limit)).rejects.toMatchObject({ kind: 'not-a-number' })
    // A refusal holds up nobody.
    await expect(one.increment('n', Number.MAX_SAFE_INTEGER, soon(), limit)).rejects.toMatchObject({
      kind: 'out-of-range',
    })
    expect(await one.increment('n', 1, soon(), limit)).toBe(22)
  })

  it('forgets a number that the disk may have written too late: who was told that nothing was counted counts again', async () => {
    let late = false
    const slow: EmbeddedStore = {
      ...store,
      write: async (entries, options) => {
        await store.write(entries, options)
        if (late) throw new StoreError('timeout', 'embedded', 'the disk took longer', 'unknown')
      },
      swap: async (key, expected, next, options) => {
        const swapped = await store.swap(key, expected, next, options)
        if (late) throw new StoreError('timeout', 'embedded', 'the disk took longer', 'unknown')
        return swapped
      },
    }
    const menu = createFallback({ store: slow, home: 'primary', category: 'menu', from: () => 0, now: Date.now })
    for (const key of ['new', 'old']) {
      if (key === 'old') expect(await menu.increment(key, 5, soon(), limit)).toBe(5)
      late = true
      await expect(menu.increment(key, 1, soon(), limit)).rejects.toMatchObject({ applied: 'unknown' })
      late = false
      expect(await menu.increment(key, 1, soon(), limit)).toBe(1)
      expect(await menu.increment(key, 1, soon(), limit)).toBe(2)
    }
  })

  it('takes what is empty as it is, and clears by prefix', async () => {
    const menu = of('primary', 'menu')
    await menu.write(
      ['menu:a', 'menu:b', 'other'].map((key) => ({ key, text: '', endsAt: soon() })),
      limit,
    )
    expect(await menu.readMany(['menu:a'])).toEqual([''])
    await menu.clear('menu:')
    expect((await menu.scan('', undefined, 10)).keys).toEqual(['other'])
    await menu.clear('menu:')
  })
})
