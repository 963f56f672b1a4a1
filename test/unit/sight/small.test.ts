import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Minute } from '../../../src/metrics/minutes.ts'
import { rates } from '../../../src/sight/categories.ts'
import { beatEvery, livingSigns, oldBeats, readBeat } from '../../../src/sight/process-heartbeat.ts'
import { seldom } from '../../../src/sight/seldom.ts'
import { createTrend } from '../../../src/sight/trend.ts'

const minute = (at: number, more: Partial<Minute> = {}): Minute => ({
  ...{ at, reads: 0, writes: 0, hits: 0, misses: 0, stale: 0, computed: 0, errors: 0, p50: undefined, p99: undefined },
  ...more,
})

describe('what is read in a second', () => {
  it('takes the last minute as far as it is in the last 60 s', () => {
    const hour = [minute(0, { reads: 600, writes: 60 }), minute(60_000, { reads: 100, writes: 10 })]
    expect(rates(hour, 60_000)).toMatchObject({ readsPerSecond: 700 / 60, writesPerSecond: 70 / 60 })
    expect(rates(hour, 90_000).readsPerSecond).toBe(400 / 60)
    expect(rates(hour, 120_000).readsPerSecond).toBe(100 / 60)
  })

  it('of a server that has just started counts from then', () => {
    expect(rates([minute(0, { reads: 10 })], 5_000).readsPerSecond).toBe(2)
    expect(rates([minute(0, { reads: 10 })], 0).readsPerSecond).toBe(10)
    expect(rates([], 0)).toEqual({ readsPerSecond: 0, writesPerSecond: 0, hitRate: undefined })
  })

  it('is steady where the traffic is, whenever somebody looks', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 59_999 }), fc.integer({ min: 1, max: 1_000 }), (into, perSecond) => {
        const hour = [minute(0, { reads: perSecond * 60 }), minute(60_000, { reads: (perSecond * into) / 1_000 })]
        expect(rates(hour, 60_000 + into).readsPerSecond).toBeCloseTo(perSecond)
      }),
    )
  })

  it('answers within grace are found, too', () => {
    expect(rates([minute(0, { hits: 6, stale: 2, misses: 2 })], 1).hitRate).toBe(0.8)
  })
})

describe('seldom', () => {
  it('asks once for all who come, and again when it is time', async () => {
    let time = 0
    let asked = 0
    const ask = seldom(
      1_000,
      async () => ++asked,
      () => time,
    )
    expect(await Promise.all([ask(), ask(), ask()])).toEqual([1, 1, 1])
    time = 999
    expect(await ask()).toBe(1)
    time = 1_000
    expect(await ask()).toBe(2)
  })
})

describe('a trend', () => {
  it('compares with what was there a while ago', () => {
    let time = 0
    const { grows } = createTrend(() => time)
    expect(grows('primary', 5)).toBe(false)
    time = 2_000
    expect(grows('primary', 9)).toBe(false)
    time = 10_000
    expect(grows('primary', 9)).toBe(true)
    expect(grows('secondary', 9)).toBe(false)
    time = 12_000
    expect(grows('primary', 0)).toBe(true)
    time = 20_000
    expect(grows('primary', 9)).toBe(false)
  })
})

describe('a sign of life', () => {
  it('is read whatever lies there', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        const beat = readBeat(text)
        if (beat === undefined) return
        for (const value of Object.values(beat)) expect(typeof value === 'string' || Number.isFinite(value)).toBe(true)
      }),
    )
    const strange = readBeat('{"startedAt":1,"host":{"toString":0},"version":{"toString":null,"valueOf":1}}')
    expect(strange).toMatchObject({ startedAt: 1, host: '', version: '' })
    expect(readBeat('null')).toBeUndefined()
    expect(readBeat('{"startedAt":-1}')).toBeUndefined()
    expect(
      readBeat(JSON.stringify({ startedAt: 5, kind: '<b>', host: 'h'.repeat(5_000), pid: '1', rss: null })),
    ).toEqual({
      ...{ kind: 'app', host: 'h'.repeat(200), version: '', pid: 0, startedAt: 5 },
      ...{ reads: 0, hits: 0, misses: 0, stale: 0, writes: 0, errors: 0, loopDelay: 0, rss: 0 },
    })
  })

  it('counts for a minute, by the clock of its server, and is removed when nobody can miss it', () => {
    const now = 10_000_000
    const text = '{"startedAt":1}'
    const ages = { here: 59_000, ahead: -59_000, gone: 61_000, 'far ahead': -61_000, long: 601_000, later: -601_000 }
    const left = new Map(Object.entries(ages).map(([id, age]) => [id, { at: now - age, text }]))
    left.set('nonsense', { at: now, text: '{"startedAt":' }).set('unstamped', { at: 0, text: '' })
    const living = [...livingSigns({ now, left })].map(([id, { age }]) => [id, age])
    expect(living).toEqual([
      ['here', 59_000],
      ['ahead', 0],
    ])
    expect(oldBeats({ now, left })).toEqual(['long', 'later', 'unstamped'])
  })

  it('is left as seldom as a server is asked that counts commands, yet often enough to be alive', () => {
    expect([undefined, 100, 10_000, 60_000].map((every) => beatEvery(every))).toEqual([5_000, 5_000, 10_000, 20_000])
  })
})
