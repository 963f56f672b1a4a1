import { describe, expect, it } from 'vitest'
import { createKeptShelf } from '../../../src/failover/kept/kept-shelf.ts'
import { until } from '../../support/until.ts'
import { openServers } from './recovery-ground.ts'
import { keptOf, layout, namespace, raw, type Side, textIn } from './recovery-side.ts'

const { primary, open, away, back } = openServers()

/** The last of so many, so that it is brought after most of them. */
const KEYS = 3_000

/** What an instance may have lost, and what it then answers about a key that was replaced meanwhile. */
const losses: Record<string, { readonly snapshot: boolean; readonly answer: string | undefined }> = {
  'without its data': { snapshot: false, answer: undefined },
  'with an older snapshot': { snapshot: true, answer: 'old' },
}

const fill = async (side: Side, value: string): Promise<void> => {
  const { put } = keptOf(side)
  const places = [side.primary, side.secondary]
  await Promise.all(Array.from({ length: KEYS }, (_, i) => put(places, 'orders', `k${i}`, value)))
}

/** Reads as callers do, without pause, until it is told to stop. */
const reading = (side: Side) => {
  const shelf = createKeptShelf(side.landscape.categoryOf('orders'), side.primary, {
    ...{ landscape: side.landscape, layout, now: Date.now },
  })
  const seen = new Set<string | undefined>()
  const steps = new Set<string | undefined>()
  let going = true
  const run = async (): Promise<void> => {
    for (let i = 0; going; i = (i + 1) % KEYS) {
      const key = `k${i}`
      steps.add(side.recovery.progress('primary')?.step)
      seen.add(textIn(await shelf.read({ key, redisKey: `${namespace}orders:${key}` })))
    }
  }
  // Where a test fails before it stops this, the end of its process does.
  const over = run().then(
    () => undefined,
    (error: unknown) => error,
  )
  return {
    seen,
    steps,
    stop: async (): Promise<void> => {
      going = false
      expect(await over).toBeUndefined()
    },
  }
}

const comeBack = async (side: Side, snapshot: boolean) => {
  if (snapshot) {
    await fill(side, 'old')
    await raw(primary(), 'SAVE')
  }
  await fill(side, 'new')
  await primary().crash()
  await away(side)
  const reader = reading(side)
  await primary().restart()
  await back(side)
  return reader
}

describe.each(Object.entries(losses))('kept data of an instance that came back %s', (_, { snapshot, answer }) => {
  it('is not read there before the repair from its mirror has ended', async () => {
    const side = await open()
    const reader = await comeBack(side, snapshot)
    await until('it was told', () => side.failbacks.length === 1)
    await reader.stop()
    // They went on all the time.
    expect(reader.steps).toContain('repairing')
    expect([...reader.seen]).toEqual(['new'])
    expect(side.landscape.behind('primary')).toBe(false)
    expect(await keptOf(side).read(side.primary, 'orders', 'k0')).toBe('new')
  }, 60_000)

  it('control: where it is read at once, what it lost is missed', async () => {
    const side = await open({ weakened: { repair: false } })
    const reader = await comeBack(side, snapshot)
    await until('it is read there', () => reader.seen.has(answer))
    await reader.stop()
  }, 60_000)
})

it('is brought no further, and nothing is said to have failed, once the mirror turns out to be the same server under another name', async () => {
  let known = false
  let side: Side | undefined
  const twins = (): boolean => {
    // Found while they are compared.
    known ||= side?.recovery.progress('primary')?.step === 'repairing'
    return known
  }
  side = await open({ twins })
  await fill(side, 'new')
  await raw(primary(), 'FLUSHALL')
  await side.recovery.check('primary')
  expect(known).toBe(true)
  await side.recovery.check('primary')
  expect(side.said.join()).not.toContain('failed')
  expect(side.primary.health().state).toBe('up')
}, 30_000)
