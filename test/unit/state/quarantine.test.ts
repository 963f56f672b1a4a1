import { describe, expect, it } from 'vitest'
import { createQuarantine } from '../../../src/state/quarantine.ts'
import { collectReport } from './collect-report.ts'

describe('quarantine', () => {
  it('counts every member and says one line per group and hour', () => {
    const { lines, report } = collectReport()
    let now = 0
    const quarantine = createQuarantine(report, () => now)
    for (const key of ['a', 'b', 'c']) quarantine.note('g1', key)
    quarantine.note('g2', 'd')
    expect(lines).toEqual([
      `error: state group "g1" key "a" isn't JSON: skipped (1 so far); set or delete it`,
      `error: state group "g2" key "d" isn't JSON: skipped (4 so far); set or delete it`,
    ])
    now = 3_600_000
    quarantine.note('g1', 'a')
    expect(lines).toHaveLength(3)
    expect(quarantine.count()).toBe(5)
  })

  it('remembers a bounded number of groups', () => {
    const { lines, report } = collectReport()
    const quarantine = createQuarantine(report, () => 0)
    for (let group = 0; group <= 1_000; group++) quarantine.note(`g${group}`, 'k')
    expect(lines).toHaveLength(1_001)
    quarantine.note('g1000', 'k')
    expect(lines).toHaveLength(1_001)
    quarantine.note('g0', 'k')
    expect(lines).toHaveLength(1_002)
  })
})
