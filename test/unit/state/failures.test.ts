import { describe, expect, it } from 'vitest'
import { stateErrorCode } from '../../../src/errors.ts'
import { StoreError, type StoreErrorKind } from '../../../src/instances/store.ts'
import { createFailures } from '../../../src/state/failures.ts'
import { collectReport } from './collect-report.ts'

const place = { operation: 'set', group: 'orders', key: '42' } as const

describe('failures', () => {
  it.each<[StoreErrorKind, string]>([
    ['timeout', 'STATE_TIMEOUT'],
    ['unavailable', 'STATE_UNAVAILABLE'],
    ['closed', 'STATE_UNAVAILABLE'],
    ['configuration', 'STATE_UNAVAILABLE'],
    ['refused', 'STATE_UNAVAILABLE'],
    ['full', 'STATE_UNAVAILABLE'],
    ['read-only', 'STATE_UNAVAILABLE'],
    ['too-large', 'STATE_TOO_LARGE'],
  ])('%s is %s, with the code in front, where it happened and why', (kind, code) => {
    const { lines, report } = collectReport()
    const error = createFailures(report, () => 0).failed(
      place,
      new StoreError(kind, 'primary', 'primary is away', 'no'),
    )
    expect(error.message).toBe(`${code}: set key "42" group "orders": primary is away`)
    expect(stateErrorCode(error)).toBe(code)
    expect(lines).toEqual([`error: state ${error.message}`])
  })

  it('says that a write may have happened, and says nothing like it of a read', () => {
    const failures = createFailures(collectReport().report, () => 0)
    const lost = new StoreError('timeout', 'primary', 'no answer', 'unknown')
    expect(failures.failed(place, lost).message).toMatch(/no answer; it may have been written$/)
    expect(failures.failed({ operation: 'get', group: 'g', key: 'k' }, lost).message).toMatch(/no answer$/)
  })

  it('writes one line per code and operation in 10 s, and then how many it left out', () => {
    const { lines, report } = collectReport()
    let now = 1_000
    const failures = createFailures(report, () => now)
    const away = new StoreError('unavailable', 'primary', 'away', 'no')
    for (let call = 0; call < 500; call++) expect(failures.failed(place, away).message).toMatch(/away/)
    expect(lines).toHaveLength(1)
    failures.failed({ operation: 'get', group: 'g', key: 'k' }, away)
    expect(lines).toHaveLength(2)
    now += 10_000
    failures.failed(place, away)
    expect(lines).toHaveLength(3)
    expect(lines[2]).toMatch(/\(and 499 more like it before\)$/)
  })

  it('tells of an unexpected error its kind and place only, because its text may quote a value', () => {
    const { lines, report } = collectReport()
    const error = createFailures(report, () => 0).failed(place, new TypeError('hunter2 is not a function'))
    expect(error.message).toMatch(/^STATE_UNAVAILABLE: .* an unexpected TypeError in the store, at .*failures\.test/)
    expect(`${lines} ${error.message}`).not.toContain('hunter2')
    expect(createFailures(report, () => 0).failed(place, 'hunter2').message).toMatch(/the store threw a string$/)
  })

  it('shows names escaped and cut, and of anything but a text only its type', () => {
    const message = (key: unknown): string =>
      createFailures(collectReport().report, () => 0).refused({ operation: 'get', key }, 'STATE_INVALID_KEY', 'no')
        .message
    expect(message('a\r\nb\ud800')).toBe('STATE_INVALID_KEY: get key "a\\r\\nb\\ud800": no')
    expect(message('x'.repeat(5_000)).length).toBeLessThan(150)
    expect(message({ password: 'hunter2' })).toBe('STATE_INVALID_KEY: get key (object): no')
    expect(message(null)).toBe('STATE_INVALID_KEY: get key (null): no')
  })
})
