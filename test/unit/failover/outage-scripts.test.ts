import { describe, expect, it } from 'vitest'
import { notChanged, removeCall, writeCall } from '../../../src/failover/stand-in/copy-scripts.ts'
import {
  idAnswer,
  joinAnswer,
  joinCall,
  listAnswer,
  overAnswer,
} from '../../../src/failover/stand-in/outage-scripts.ts'
import { layoutOf } from '../../../src/instances/layout.ts'

/** What servers answer, in µs of their clocks; what is made of it, in ms. */
describe('the record of an outage', () => {
  it('shows its id while it lasts', () => {
    expect(idAnswer(['abc 1000 9000', '5000'])).toEqual({ id: 'abc', age: 4 })
    expect(idAnswer(['abc 1000 5000', '5000'])).toBeUndefined()
    expect(idAnswer([null, '5000'])).toBeUndefined()
    // That server's clock was set back.
    expect(idAnswer(['abc 6000 9000', '5000'])).toBeUndefined()
  })

  it('shows who is registered', () => {
    const fields = ['id', 'abc 1 2', 'p:a', '9 {"entries":3,"routing":"r"}', 'p:b', '4 {"entries":1}', 'p:c', '9 null']
    expect([...listAnswer([fields, '5'])]).toEqual([
      ['a', { entries: 3, routing: 'r' }],
      ['c', { entries: 1, routing: '' }],
    ])
  })

  it('is joined whatever the age of its id, or only while it is young enough', () => {
    const registration = { entries: 0, routing: 'r' }
    const ageIn = (maxAge: number): unknown =>
      joinCall('key', 'p', registration, { own: undefined, maxAge, fresh: 'f' }).args[4]
    expect(ageIn(1.5)).toBe(1_500)
    expect(ageIn(-3)).toBe(0)
    expect(ageIn(Number.POSITIVE_INFINITY)).toBe(Number.MAX_SAFE_INTEGER)
    expect(joinAnswer(['id', '2500', '7000'])).toEqual({ id: 'id', age: 2.5, now: 7_000 })
  })
})

describe('the copies of an outage', () => {
  it('are needed by nobody only where the record says so', () => {
    expect(overAnswer(['a', 'b'])).toEqual(['a', 'b'])
    expect(overAnswer([])).toEqual([])
    for (const reply of [0, undefined]) expect(overAnswer(reply)).toBeUndefined()
  })
})

describe('a change of a copy', () => {
  const target = { site: { id: 'x', prefix: 'at:', since: 0 }, layout: layoutOf(''), outage: 'hash', until: 5 }

  it('breaks leases, names the outage last, and lives at least 1 ms', () => {
    expect(writeCall(target, 'k', 'text', -4)).toMatchObject({
      keys: ['at:k', '~mr:lease:at:k', 'hash'],
      args: ['text', 1, 'x', 5],
    })
    expect(removeCall(target, ['k', 'l'])).toMatchObject({
      keys: ['at:k', 'at:l', '~mr:lease:at:k', '~mr:lease:at:l', 'hash'],
      args: ['x', 5],
    })
  })
  it('tells why it was not made', () => {
    expect(notChanged('moved')).toEqual({ why: 'moved' })
    expect(notChanged('late 12')).toEqual({ why: 'late', now: 12 })
    for (const reply of [1, '12', [1, 0], null]) expect(notChanged(reply)).toBeUndefined()
  })
})
