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

it('control: where a journal goes with its process, what it had acknowledged is missed', async () => {
  const { violations } = await runNemesis({ seconds: 3, seed: 7, forgets: true })
  const broken = new Set(violations.map(({ promise }) => promise))
  // Lost, and old where it was newer.
  expect([1, 2, 3].filter((promise) => broken.has(promise as 1 | 2 | 3))).not.toEqual([])
  expect(violations.map(({ text }) => text).join('\n')).toMatch(/though .* was acknowledged/)
}, 200_000)
