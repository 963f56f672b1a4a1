import { describe, expect, it } from 'vitest'
import { fromStore } from '../../../src/cache/store-errors.ts'
import { StoreError, type StoreErrorKind } from '../../../src/instances/store.ts'

const place = { category: 'menu', operation: 'set' }
const failed = (kind: StoreErrorKind, applied: 'no' | 'unknown' = 'no') =>
  new StoreError(kind, 'primary', 'primary: it is so', applied)

describe('fromStore', () => {
  it.each([
    ['unavailable', 'CACHE_UNAVAILABLE', 'instance primary: it is so'],
    ['configuration', 'CACHE_UNAVAILABLE', 'instance primary: it is so'],
    ['refused', 'CACHE_UNAVAILABLE', 'instance primary: it is so'],
    ['full', 'CACHE_UNAVAILABLE', 'instance primary: it is so'],
    ['read-only', 'CACHE_UNAVAILABLE', 'instance primary: it is so'],
    ['timeout', 'CACHE_TIMEOUT', 'instance primary: it is so'],
    ['too-large', 'CACHE_TOO_LARGE', 'instance primary: it is so'],
    ['not-a-number', 'CACHE_INVALID_VALUE', 'no whole number'],
    ['out-of-range', 'CACHE_INVALID_VALUE', '2^53'],
    ['closed', 'CACHE_CLOSED', 'closed'],
  ] as const)('%s is %s', (kind, code, text) => {
    const error = fromStore(failed(kind), place)
    expect(error).toMatchObject({ name: 'CacheError', code, ...place, applied: 'no' })
    expect((error as Error).message).toContain(text)
  })

  it('keeps what may have been applied, and adds what an earlier part of the call applied', () => {
    expect(fromStore(failed('timeout', 'unknown'), place)).toMatchObject({ applied: 'unknown' })
    expect(fromStore(failed('full'), { ...place, applied: 'unknown' })).toMatchObject({ applied: 'unknown' })
  })

  it('passes on what is no failure of a store', () => {
    const own = new RangeError('own')
    expect(fromStore(own, place)).toBe(own)
  })
})
