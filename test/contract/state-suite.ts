import type { StateAdapter } from 'motia'
import { describe, expect, it } from 'vitest'

/** Motia's interface for state, over an adapter with nothing in it. Leaves one group. */
export const stateSuite = (name: string, adapter: () => StateAdapter): void => {
  describe(`state: ${name}`, () => {
    it("answers through every method of Motia's interface", async () => {
      const state = adapter()
      expect(await state.get('g', 'k')).toBeNull()
      expect(await state.set('g', 'k', 0)).toBe(0)
      expect(await state.get<number>('g', 'k')).toBe(0)
      expect(await state.getGroup<number>('g')).toEqual([0])
      expect(await state.keys('g')).toEqual(['k'])
      expect(await state.traceIds()).toEqual(['g'])
      const items = [{ groupId: 'g', key: 'k', type: 'number', value: 0 }]
      expect(await state.items({})).toEqual(items)
      expect(await state.items({ groupId: 'g', filter: [{ valueKey: 'key', operation: 'eq', value: 'k' }] })).toEqual(
        items,
      )
      expect(await state.delete<number>('g', 'k')).toBe(0)
      await state.set('g', 'k', 1)
      expect(await state.clear('g')).toBeUndefined()
      expect(await state.traceIds()).toEqual([])
      await state.cleanup()
      expect(await state.set('g', 'after cleanup', 1)).toBe(1)
    })
  })
}
