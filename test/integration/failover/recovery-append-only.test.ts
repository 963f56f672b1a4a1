import { expect, it } from 'vitest'
import { categoryScope } from '../../../src/failover/journal/journal-entries.ts'
import { openServers } from './recovery-ground.ts'
import { envelope, keptOf, layout, raw } from './recovery-side.ts'

// What a server with an append-only file comes back with is not of the past.
const { primary, secondary, open, away, back } = openServers()
const soon = (): number => Date.now() + 600_000

it('a server that was started again keeps what only it has: it may wait for the other in a journal that nobody sees now', async () => {
  await primary().restart(['--appendonly', 'yes'])
  const side = await open()
  const kept = keptOf(side)
  // Its entry for the secondary lies with a process that is cut off, or dead.
  await kept.put([side.primary], 'orders', 'a', 'acknowledged')
  await kept.setItem([side.primary], 'flow', 'a', 'acknowledged')
  await primary().crash()
  await away(side)
  await primary().restart()
  await back(side)
  expect(await kept.read(side.primary, 'orders', 'a')).toBe('acknowledged')
  expect(await kept.group(side.primary, 'flow')).toEqual({ a: 'acknowledged' })
})

it.each([
  ['what waited for it is brought from the journal, and said to be lacking by nobody', true],
  ['control: what waits nowhere is brought from its mirror, and said', false],
])('a server that was started again: %s', async (_, journalled) => {
  await primary().restart(['--appendonly', 'yes'])
  const side = await open()
  const kept = keptOf(side)
  await kept.put([side.primary, side.secondary], 'orders', 'before', 'v')
  await primary().crash()
  await away(side)
  const version = await kept.put([side.secondary], 'orders', 'meanwhile', 'v')
  const text = envelope(version, 'v')
  const entry = {
    kind: 'value',
    scope: categoryScope('orders'),
    key: 'meanwhile',
    version,
    text,
    endsAt: soon(),
  } as const
  if (journalled) await side.journal.append('primary', [entry])
  await primary().restart()
  await back(side)
  expect(await kept.read(side.primary, 'orders', 'meanwhile')).toBe('v')
  expect(side.said).toEqual(
    journalled ? [] : [expect.stringContaining('primary  was started again and lacked kept data')],
  )
})

it.each([
  ['primary', 'an append-only file', '9'],
  ['primary', 'an older snapshot', '7'],
  ['secondary', 'an append-only file', '9'],
] as const)('a counter of %s, with %s, is as the one says that is not behind', async (home, how, expected) => {
  const [category, server, other] =
    home === 'primary' ? (['orders', primary(), secondary()] as const) : (['baskets', secondary(), primary()] as const)
  if (how === 'an append-only file') await server.restart(['--appendonly', 'yes'])
  const side = await open()
  const key = `app:${category}:count`
  const copy = layout.mirror(home) + key
  await raw(server, 'SET', key, how === 'an append-only file' ? '9' : '5', 'PX', 600_000)
  // Copies are made as well as can be: this one lacks some, and that one is what the snapshot doesn't know.
  await raw(other, 'SET', copy, '7', 'PX', 600_000)
  if (how === 'an older snapshot') await raw(server, 'SAVE')
  await server.crash()
  await away(side, home)
  await server.restart()
  await back(side, home)
  expect(await raw(server, 'GET', key)).toBe(expected)
})

it('a mirror that was started again gets the counters of their home', async () => {
  await secondary().restart(['--appendonly', 'yes'])
  const side = await open()
  await side.primary.increment('app:orders:count', 9, soon(), { timeout: 2_000 })
  await raw(secondary(), 'SET', `${layout.mirror('primary')}app:orders:count`, '7', 'PX', 600_000)
  await secondary().crash()
  await away(side, 'secondary')
  await secondary().restart()
  await back(side, 'secondary')
  expect(await raw(secondary(), 'GET', `${layout.mirror('primary')}app:orders:count`)).toBe('9')
})
