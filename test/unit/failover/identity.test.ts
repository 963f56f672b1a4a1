import { describe, expect, it } from 'vitest'
import { judge, lacks, sentinelOf, stateApart, stateIn } from '../../../src/failover/recovery/identity.ts'
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

  it('as long as its mirror is away, lacks kept data unless nobody knew it before, or a file has its last writes', () => {
    const apart = (more: Partial<Identity>, knew: boolean): string => {
      const found = judge(identity(more), NOW + 1)
      if (found.kind === 'intact') throw new Error('it is not')
      return stateApart(identity(more), found, knew)
    }
    const left = (state: Parameters<typeof sentinelOf>[1]) => ({ sentinel: sentinelOf(identity({}), state, NOW) })
    const again = { runId: 'run2', appendOnly: true }
    expect(apart({}, false)).toBe('new')
    expect(apart({}, true)).toBe('empty')
    expect(apart({ ...left('whole'), runId: 'run2' }, true)).toBe('behind')
    expect(apart({ ...left('whole'), ...again }, true)).toBe('restarted')
    for (const state of ['empty', 'behind', 'new', 'restarted'] as const) {
      expect(apart(left(state), false)).toBe(state)
      // What it lacked before it lacks after it.
      expect(lacks(apart({ ...left(state), ...again }, false))).toBe(lacks(state))
      expect(lacks(apart({ ...left(state), runId: 'run2' }, false))).toBe(true)
    }
    // Planted by somebody who hadn't seen what this process saw.
    expect(apart(left('new'), true)).toBe('empty')
    expect(lacks(stateIn(sentinelOf(identity({}), 'whole', NOW)))).toBe(false)
    expect(lacks(stateIn(undefined))).toBe(false)
  })
})
