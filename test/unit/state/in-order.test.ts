import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { inOrder } from '../../../src/state/in-order.ts'

describe('inOrder', () => {
  it('answers in the order of the things, with never more at once than allowed, whatever the speed of each', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 20 }),
        fc.integer({ min: 1, max: 5 }),
        async (ticks, atOnce) => {
          let running = 0
          let most = 0
          const results = await inOrder(ticks, atOnce, async (n) => {
            most = Math.max(most, ++running)
            for (let tick = 0; tick < n; tick++) await null
            running -= 1
            return n * 2
          })
          expect(results).toEqual(ticks.map((n) => n * 2))
          expect(most).toBe(Math.min(atOnce, ticks.length))
        },
      ),
    )
  })

  it('begins nothing new after a rejection', async () => {
    const begun: number[] = []
    const things = Array.from({ length: 50 }, (_, n) => n)
    const work = async (n: number): Promise<void> => {
      begun.push(n)
      await null
      if (n === 3) throw new Error('away')
    }
    await expect(inOrder(things, 2, work)).rejects.toThrow('away')
    expect(begun.length).toBeLessThan(8)
  })
})
