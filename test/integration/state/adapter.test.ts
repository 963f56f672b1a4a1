import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { brandOf, createStateAdapter } from '../../../src/motia/adapter/state-adapter.ts'
import { createHotStore, type HotStore } from '../../../src/state/hot-store.ts'
import { stateSuite } from '../../contract/state-suite.ts'
import { collectReport } from '../../unit/state/collect-report.ts'
import { type OpenStore, storeKinds } from './stores.ts'

describe.each(storeKinds)('the state adapter over $kind', ({ open }) => {
  let opened: OpenStore
  let hot: HotStore
  const { lines, report } = collectReport()
  beforeAll(async () => {
    opened = await open()
    hot = createHotStore(opened.store, { ttl: 3_600_000, report })
  })
  afterAll(() => opened.close())

  stateSuite('with a hot store of its own', () => createStateAdapter(async () => hot, { brand: {}, report }))

  it('opens at the first call, once for all callers, and not at all where nobody calls', async () => {
    let opens = 0
    const openHot = async (): Promise<HotStore> => {
      opens += 1
      return hot
    }
    const unused = createStateAdapter(openHot, { brand: {}, report })
    const used = createStateAdapter(openHot, { brand: {}, report })
    expect(opens).toBe(0)
    await Promise.all([used.get('g', 'k'), used.keys('g'), used.set('g', 'k', 1)])
    await used.get('g', 'k')
    await unused.cleanup()
    expect(opens).toBe(1)
  })

  it('turns a failed opening into STATE_UNAVAILABLE, says it once, and tries again at the next call', async () => {
    let broken = true
    const before = lines.length
    const openHot = (): Promise<HotStore> =>
      broken ? Promise.reject(new Error('the folder is not writable')) : Promise.resolve(hot)
    const state = createStateAdapter(openHot, { brand: {}, report })
    const failing = await Promise.allSettled([state.get('g', 'k'), state.get('g', 'k')])
    for (const outcome of failing) {
      expect(outcome).toMatchObject({
        reason: {
          message: `STATE_UNAVAILABLE: get key "k" group "g": state couldn't be opened: the folder is not writable`,
        },
      })
    }
    expect(lines).toHaveLength(before + 1)
    broken = false
    expect(await state.set('g', 'k', 5)).toBe(5)
  })
})

describe('brandOf', () => {
  const hot = (): Promise<HotStore> => Promise.reject(new Error('never opened'))
  const { report } = collectReport()

  it('finds what the adapter was branded with, and nothing on anybody else', () => {
    const brand = { mine: true }
    expect(brandOf(createStateAdapter(hot, { brand, report }))).toBe(brand)
    for (const other of [{}, null, undefined, 'x', new Map()]) expect(brandOf(other)).toBeUndefined()
  })

  it("isn't among the adapter's visible properties", () => {
    const adapter = createStateAdapter(hot, { brand: {}, report })
    const methods = ['get', 'set', 'delete', 'getGroup', 'clear', 'keys', 'traceIds', 'items', 'cleanup']
    expect(Object.keys(adapter).sort()).toEqual(methods.sort())
    expect(Object.getOwnPropertySymbols({ ...adapter })).toEqual([])
  })
})
