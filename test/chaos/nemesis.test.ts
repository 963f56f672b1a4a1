import { expect, it } from 'vitest'
import { runNemesis } from './nemesis.ts'

it('a short run with a fixed seed breaks no promise, and leaves nothing behind', async () => {
  const { violations, faults, back, unwell, left, calls } = await runNemesis({ seconds: 15, seed: 7, falls: 3 })
  expect(violations.map(({ promise, text }) => `${promise}: ${text}`)).toEqual([])
  expect(faults).toEqual([])
  expect(unwell).toEqual([])
  expect(back).toBeDefined()
  expect(left).toEqual([])
  expect(calls.filter(({ outcome }) => outcome === 'ok').length).toBeGreaterThan(1_000)
}, 200_000)
