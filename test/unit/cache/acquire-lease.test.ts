import { describe, expect, it } from 'vitest'
import { acquireLease } from '../../../src/cache/leases/acquire-lease.ts'
import type { Shelf, ShelfLease, ShelfWrite } from '../../../src/failover/shelf.ts'
import { expectNothingUnhandled } from '../../support/unhandled.ts'
import { until } from '../../support/until.ts'

expectNothingUnhandled()

const name = { key: 'a', redisKey: 'menu:a' }
const write: ShelfWrite = { ...name, text: '1', endsAt: 0 }

describe('a renewal that goes wrong', () => {
  const broken = async (): Promise<ShelfLease> => {
    let renewals = 0
    const lease: ShelfLease = {
      shared: true,
      noted: false,
      renew: async () => {
        renewals++
        throw new RangeError('a bug')
      },
      fill: async () => 'stored',
      release: async () => undefined,
    }
    const shelf: Pick<Shelf, 'lease'> = { lease: async () => ({ lease }) }
    const answer = await acquireLease(shelf, name, { patience: 0 }, { lease: 3, poll: 1 })
    if (!('lease' in answer)) throw new Error('not granted')
    await until('it was renewed', () => renewals === 1)
    return answer.lease
  }

  it('is heard by whoever ends the lease', async () => {
    await expect((await broken()).fill(write)).rejects.toThrow('a bug')
    await expect((await broken()).release()).rejects.toThrow('a bug')
  })
})
