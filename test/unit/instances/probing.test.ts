import { describe, expect, it } from 'vitest'
import { atStart, type HealthEvent, type Standing, step } from '../../../src/instances/health-rules.ts'
import { createPace } from '../../../src/instances/pace.ts'
import { type LastLearned, planProbe } from '../../../src/instances/probe-plan.ts'
import type { Fault } from '../../../src/instances/redis-errors.ts'

const once = (...events: HealthEvent[]): Standing =>
  events.reduce((standing, event, i) => step(standing, event, i * 100), atStart)
const fault = (about: Fault['about'], more: Partial<Fault> = {}): HealthEvent => ({
  type: 'fault',
  fault: { kind: 'unavailable', text: '', about, harmless: true, ...more },
})
const answered: HealthEvent = { type: 'answered' }
const ok: HealthEvent = { type: 'probe', ping: 'ok', write: 'ok' }
const justNow: LastLearned = { answer: 1_000, write: 1_000, memory: 1_000 }
const plan = (standing: Standing, { last = justNow, every = 1_000, random = 0 } = {}) =>
  planProbe(standing, last, 1_000, every, () => random)

describe('what is asked when', () => {
  const up = once(answered)

  it('an idle instance: once a second, its writes each fifth time, its memory each thirtieth', () => {
    expect(plan(up)).toEqual({ wait: 1_000, write: false, memory: false })
    expect(plan(up, { last: { ...justNow, write: -3_000 } })).toEqual({ wait: 1_000, write: true, memory: false })
    expect(plan(up, { last: { ...justNow, memory: -28_000 } })).toMatchObject({ write: false, memory: true })
    expect(plan(up, { last: { ...justNow, answer: -9_000 } })).toMatchObject({ wait: 0 })
  })

  it('one in trouble: soon, not by all processes at once', () => {
    const gone = once(answered, fault('down'))
    expect(plan(gone)).toMatchObject({ wait: 100, write: true })
    expect(plan(gone, { random: 1 })).toMatchObject({ wait: 250, write: true })
    expect(plan(once(answered, fault('down'), ok))).toMatchObject({ wait: 50, write: true })
    const held = { ...once(answered, fault('down'), ok), pings: { count: 3, from: 0 } }
    expect(plan(held, { random: 1 })).toMatchObject({ wait: 250 })
  })

  it('a suspect: at once, and only what is in doubt', () => {
    expect(plan(once(answered, { type: 'timeout', of: 'reads' }))).toMatchObject({ wait: 20, write: false })
    expect(plan(once(answered, { type: 'timeout', of: 'writes' }))).toMatchObject({ wait: 20, write: true })
  })

  it('one that refuses writes: twice a second or more, one that is full once, with its memory', () => {
    expect(plan(once(answered, fault('writes')), { random: 1 })).toEqual({ wait: 500, write: true, memory: false })
    expect(plan(once(answered, fault('writes', { kind: 'full' })))).toEqual({ wait: 1_000, write: true, memory: true })
  })

  it('one that a change of configuration must mend: seldom', () => {
    expect(plan(once(fault('down', { slow: true })))).toMatchObject({ wait: 1_000 })
  })

  it('a metered server: everything in proportion, and never faster than usual', () => {
    const every = 10_000
    expect(plan(up, { every })).toMatchObject({ wait: 10_000 })
    expect(plan(once(answered, fault('down')), { every, random: 1 })).toMatchObject({ wait: 2_500 })
    expect(plan(once(answered, fault('down')), { every: 100 })).toMatchObject({ wait: 100 })
  })
})

describe('the pace of an instance', () => {
  const paceOf = (...trips: number[]) => {
    const pace = createPace()
    for (const ms of trips) pace.observe(ms)
    return pace
  }
  const times = (count: number, ms: number): number[] => Array<number>(count).fill(ms)

  it('is the median of the recent trips', () => {
    expect(paceOf().median()).toBeUndefined()
    expect(paceOf(1, 900, 2).median()).toBe(2)
    expect(paceOf(...times(20, 1), ...times(9, 5)).median()).toBe(5)
  })

  it('is slow when it is far above what is usual for it', () => {
    expect(paceOf(...times(20, 1), ...times(9, 160)).slow()).toMatchObject({ now: 160 })
    expect(paceOf(...times(20, 1), ...times(9, 20)).slow()).toBeUndefined()
    expect(paceOf(...times(20, 100), ...times(9, 300)).slow()).toBeUndefined()
    expect(paceOf(...times(20, 160)).slow()).toBeUndefined()
  })

  it('is not slow for a few late answers', () => {
    expect(paceOf(...times(20, 1), ...times(4, 500)).slow()).toBeUndefined()
  })

  it('recovers with the instance, and gets used to what stays', () => {
    expect(paceOf(...times(20, 1), ...times(60, 160), ...times(9, 1)).slow()).toBeUndefined()
    expect(paceOf(...times(20, 1), ...times(600, 160)).slow()).toBeDefined()
    expect(paceOf(...times(20, 1), ...times(20_000, 160)).slow()).toBeUndefined()
  })
})
