import { expect, it } from 'vitest'
import { createDrainPace } from '../../../src/failover/recovery/drain-pace.ts'

/** ms until the next try is due, by steps of 250. */
const start = () => {
  let time = 0
  const pace = createDrainPace(() => time)
  const untilDue = (): number => {
    const begun = time
    while (!pace.due('primary')) time += 250
    return time - begun
  }
  return { pace, untilDue }
}

it('what moves nothing is tried more and more seldom, and no more seldom than every four seconds', () => {
  const { pace, untilDue } = start()
  const pauses = Array.from({ length: 7 }, () => {
    pace.tried('primary', false)
    return untilDue()
  })
  expect(pauses).toEqual([0, 500, 1_000, 2_000, 4_000, 4_000, 4_000])
})

it('once something has moved, or its standing has changed, it is tried as soon as ever', () => {
  const { pace, untilDue } = start()
  for (const restart of [() => pace.tried('primary', true), () => pace.forget('primary')]) {
    for (let n = 0; n < 5; n++) pace.tried('primary', false)
    expect(pace.due('primary')).toBe(false)
    expect(pace.due('secondary')).toBe(true)
    restart()
    expect(untilDue()).toBe(0)
    pace.tried('primary', false)
    expect(untilDue()).toBe(0)
  }
})
