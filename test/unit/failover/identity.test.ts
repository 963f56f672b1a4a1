import { describe, expect, it } from 'vitest'
import { judge, sentinelOf } from '../../../src/failover/identity.ts'
import type { Identity } from '../../../src/instances/instance.ts'

const NOW = 1_000_000_000
const identity = (more: Partial<Identity>): Identity => ({
  runId: 'run1',
  replication: 'rep1',
  formerReplication: undefined,
  appendOnly: false,
  uptime: 60_000,
  sentinel: undefined,
  ...more,
})
const planted = sentinelOf(identity({}), 'whole', NOW)

describe('what came back', () => {
  it('is the same as long as the sentinel names its run', () => {
    expect(judge(identity({ sentinel: planted }), NOW + 1)).toEqual({ kind: 'intact' })
  })

  it('is empty without a sentinel', () => {
    expect(judge(identity({}), NOW)).toEqual({ kind: 'empty', known: false })
  })

  it('is behind after a restart, whatever replication id it names, since it was not running when the sentinel was planted', () => {
    const restarted = { runId: 'run2', replication: 'rep2', sentinel: planted, uptime: 1_000 }
    expect(judge(identity(restarted), NOW + 5_000)).toEqual({ kind: 'behind', known: false })
    const named = { ...restarted, formerReplication: 'rep1' }
    expect(judge(identity(named), NOW + 5_000)).toEqual({ kind: 'behind', known: false })
    expect(judge(identity({ ...named, uptime: undefined }), NOW + 5_000)).toEqual({ kind: 'behind', known: false })
    // Clocks differ.
    expect(judge(identity({ ...named, uptime: 7_000 }), NOW + 5_000)).toEqual({ kind: 'behind', known: false })
  })

  it('is promoted if it ran before, and names the replication id of the one that went', () => {
    const promoted = {
      runId: 'run2',
      replication: 'rep2',
      formerReplication: 'rep1',
      sentinel: planted,
      uptime: 60_000,
    }
    expect(judge(identity(promoted), NOW + 5_000)).toEqual({ kind: 'promoted', known: false })
    const other = { ...promoted, formerReplication: 'rep0' }
    expect(judge(identity(other), NOW + 5_000)).toEqual({ kind: 'behind', known: false })
  })

  it('is known where it was found before, and its mirror was away', () => {
    for (const kind of ['empty', 'behind'] as const) {
      const sentinel = sentinelOf(identity({}), kind, NOW)
      expect(judge(identity({ sentinel }), NOW)).toEqual({ kind, known: true })
      // Started again since: then it is found anew.
      expect(judge(identity({ sentinel, runId: 'run2' }), NOW)).toEqual({ kind: 'behind', known: false })
    }
  })

  it('where INFO is hidden, is either empty or taken for intact', () => {
    const hidden = { runId: undefined, replication: undefined, uptime: undefined }
    const sentinel = sentinelOf(identity(hidden), 'whole', NOW)
    expect(judge(identity({ ...hidden, sentinel }), NOW)).toEqual({ kind: 'intact' })
    expect(judge(identity({ ...hidden, sentinel: planted }), NOW)).toEqual({ kind: 'intact' })
    expect(judge(identity({ sentinel }), NOW)).toEqual({ kind: 'intact' })
    expect(judge(identity(hidden), NOW)).toEqual({ kind: 'empty', known: false })
  })
})
