import { describe, expect, it } from 'vitest'
import { moved, type Places, returnTo } from '../../../src/motia/workbench/place.ts'

describe('where the reader is', () => {
  const start: Places = [{ view: 'overview' }]

  it('is the first of the places, with the last one of each other view behind', () => {
    const there = moved(moved(start, { view: 'keys', category: 'menu' }), { view: 'keys', category: 'ml' })
    expect(there).toEqual([{ view: 'keys', category: 'ml' }, { view: 'overview' }])
  })

  it('is returned to as it was left, but with nothing open', () => {
    const left = moved(start, { view: 'keys', category: 'ml', search: 'dish:', key: 'dish:1' })
    expect(returnTo(moved(left, { view: 'hot' }), 'keys')).toEqual({ view: 'keys', category: 'ml', search: 'dish:' })
  })

  it('is the beginning of a view that was not there yet', () => {
    expect(returnTo(start, 'state')).toEqual({ view: 'state' })
  })
})
