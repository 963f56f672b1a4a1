import { expect, it } from 'vitest'
import { layoutOf } from '../../../src/instances/layout.ts'
import { readSettings } from '../../../src/settings/read-settings.ts'
import { createHotView } from '../../../src/sight/hot.ts'
import { extrapolate, purposes } from '../../../src/sight/memory-sample.ts'

const settings = readSettings(
  {},
  {
    env: { REDIS_PRIMARY_URL: 'redis://127.0.0.1:1', REDIS_SECONDARY_URL: 'redis://127.0.0.1:2' },
    baseDir: '/',
    production: false,
  },
)

it('an entry, another one with the same key and each copy of them are keys of their own', async () => {
  const { standIn } = layoutOf('')
  const long = 'x'.repeat(2_000)
  const names = [
    'menu:1',
    'ml:1',
    `${standIn('primary', 'a')}orders:1`,
    `${standIn('primary', 'b')}orders:1`,
    `${long}a`,
    `${long}b`,
  ]
  const drawn = names.map((key, at) => ({ key, type: 'string', bytes: 100 - at }))
  const sample = { ...extrapolate({ keys: 6, drawn }, purposes(settings, 'secondary')), sampledAt: 0 }
  const view = createHotView({
    settings,
    reads: { top: () => ({ since: 0, read: [] }) },
    samples: async (name) => (name === 'secondary' ? sample : undefined),
    now: () => 0,
  })
  const { largest } = await view()
  expect(largest.map(({ category, role, key }) => [category, role, key.slice(0, 4)])).toEqual([
    ['menu', 'home', '1'],
    ['ml', 'home', '1'],
    ['orders', 'stand-in', '1'],
    ['orders', 'stand-in', '1'],
    [undefined, 'other', 'xxxx'],
    [undefined, 'other', 'xxxx'],
  ])
  expect(new Set(largest.map(({ id }) => id)).size).toBe(names.length)
  expect(JSON.stringify(largest).length).toBeLessThan(3_000)
})
