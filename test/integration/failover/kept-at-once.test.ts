import { afterAll, describe, expect, it } from 'vitest'
import { categoryScope } from '../../../src/failover/journal/journal-entries.ts'
import { type Ground, name, openGround, valueIn, write } from './kept-ground.ts'

describe('writes of one key that are under way together in one process', () => {
  const grounds: Ground[] = []
  afterAll(async () => {
    for (const ground of grounds) await ground.close()
  })

  it('all resolve, however they overtake each other, and both places end alike', async () => {
    const ground = await openGround()
    grounds.push(ground)
    const [shelf, groups] = [ground.shelf(), ground.groups()]
    // Large ones travel on another connection than small ones, so they arrive in another order than they were begun.
    const large = 'x'.repeat(100_000)
    for (let round = 1; round <= 10; round++) {
      await Promise.all([
        shelf.write([write('k', large)]),
        shelf.remove([name('k')]),
        shelf.write([write('k', round)]),
        shelf.write([write('k', large)]),
        shelf.write([write('k', -round)]),
        groups.groupSet('g', 'k', large, false, 100),
        groups.groupDelete('g', 'k'),
        groups.groupSet('g', 'k', String(round), false, 100),
      ])
      expect(valueIn(await shelf.read(name('k')))).toBe(-round)
      expect(await groups.groupGet('g', 'k')).toBe(String(round))
    }
    expect(ground.landscape.journal?.find('primary', categoryScope('orders'), 'k')).toBeUndefined()
  })
})
