import { describe, expect, it } from 'vitest'
import { latencyClass } from '../../../src/metrics/latency.ts'
import { createMinutes } from '../../../src/metrics/minutes.ts'

const start = Date.UTC(2030, 0, 1, 12, 0, 30)
const clock = () => {
  let time = start
  const pass = (seconds: number): void => {
    time += seconds * 1_000
  }
  return { now: () => time, pass }
}

describe('the last hour', () => {
  it('begins with the minute it was started in', () => {
    const minutes = createMinutes(clock().now)
    expect(minutes.hour()).toEqual([
      {
        at: Date.UTC(2030, 0, 1, 12, 0),
        ...{ reads: 0, writes: 0, hits: 0, misses: 0, stale: 0, computed: 0, errors: 0 },
        ...{ p50: undefined, p99: undefined },
      },
    ])
  })

  it('keeps what was counted in its minute, and quiet minutes too', () => {
    const { now, pass } = clock()
    const minutes = createMinutes(now)
    minutes.count('reads', 2)
    minutes.called('reads', latencyClass(4), false)
    pass(150)
    minutes.count('writes', 1)
    expect(minutes.hour().map(({ at, reads, writes }) => [new Date(at).getUTCMinutes(), reads, writes])).toEqual([
      [0, 3, 0],
      [1, 0, 0],
      [2, 0, 0],
      [3, 0, 1],
    ])
    expect(minutes.hour()[0]?.p99).toBe(5)
  })

  it('forgets what is older than an hour, at once or little by little', () => {
    const { now, pass } = clock()
    const minutes = createMinutes(now)
    minutes.count('reads', 1)
    pass(59 * 60)
    expect(minutes.hour()).toHaveLength(60)
    expect(minutes.hour()[0]?.reads).toBe(1)
    pass(60)
    expect(minutes.hour()).toHaveLength(60)
    expect(minutes.hour().some(({ reads }) => reads > 0)).toBe(false)
    minutes.count('hits', 2)
    pass(60 * 60 * 24)
    expect(minutes.hour().some(({ hits }) => hits > 0)).toBe(false)
  })

  it('has how long its calls took, and nothing of those before it', () => {
    const { now, pass } = clock()
    const minutes = createMinutes(now)
    const total = (): number => minutes.latencies().reduce((sum, count) => sum + count, 0)
    minutes.called('reads', latencyClass(4), false)
    pass(30 * 60)
    minutes.called('writes', latencyClass(4), true)
    minutes.called('writes', latencyClass(60), false)
    expect(minutes.latencies()[latencyClass(4)]).toBe(2)
    expect(total()).toBe(3)
    pass(45 * 60)
    expect(total()).toBe(2)
  })

  it('goes on counting where a clock is set back', () => {
    const { now, pass } = clock()
    const minutes = createMinutes(now)
    pass(120)
    minutes.count('reads', 1)
    pass(-100)
    minutes.count('reads', 1)
    expect(minutes.hour().at(-1)?.reads).toBe(2)
  })
})
