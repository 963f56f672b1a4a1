import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { LeaseAnswer, Shelf, ShelfLease } from '../../../src/failover/shelf.ts'
import { expectNothingUnhandled } from '../../support/unhandled.ts'
import { until } from '../../support/until.ts'
import { type LeaseGround, leaseGrounds, valueIn, writeOf } from './lease-ground.ts'

expectNothingUnhandled()

const ms = 5_000
const granted = (answer: LeaseAnswer): ShelfLease => {
  if (!('lease' in answer)) throw new Error(`not granted: ${JSON.stringify(answer)}`)
  return answer.lease
}

describe.each(Object.entries(leaseGrounds))('Leases: %s', (title, open) => {
  let ground: LeaseGround
  let here: Shelf
  let there: Shelf
  beforeAll(async () => {
    ground = await open()
    here = ground.shelves[0]
    there = ground.shelves[1]
  })
  afterAll(() => ground.close())

  let count = 0
  const fresh = () => ground.name(`key${++count}`)
  const lease = async (shelf = here, name = fresh()): Promise<ShelfLease> => granted(await shelf.lease(name, { ms }))

  it('lets one of all processes compute, and the others find what it stored', async () => {
    const name = fresh()
    const seen = { text: undefined }
    const ask = (shelf: Shelf): Promise<LeaseAnswer> => shelf.lease(name, { ms, seen })
    const answers = await Promise.all([here, there, here, there].map(ask))
    expect(answers.filter((each) => 'held' in each)).toHaveLength(3)
    const [holder] = answers.flatMap((each) => ('lease' in each ? [each.lease] : []))
    expect(holder?.shared).toBe(true)
    expect(await holder?.renew(ms)).toBe(true)
    expect(await holder?.fill(writeOf(name, 'computed'))).toBe('stored')
    for (const shelf of [here, there]) {
      const answer = await ask(shelf)
      expect('found' in answer && valueIn(answer.found)).toBe('computed')
      expect(valueIn(await shelf.read(name))).toBe('computed')
    }
    expect(await holder?.renew(ms)).toBe(false)
    expect(await holder?.fill(writeOf(name, 'again'))).toBe('overtaken')
    expect(valueIn(await there.read(name))).toBe('computed')
  })

  it('goes on where a holder gives up, fails or dies', async () => {
    const name = fresh()
    await (await lease(here, name)).release()
    const second = await lease(there, name)
    expect(second.noted).toBe(false)
    await second.release({ died: true })
    const third = await lease(here, name)
    expect(third.noted).toBe(true)
    await third.release({ failed: 60_000 })
    const answer = await there.lease(name, { ms })
    expect('failed' in answer && answer.failed > 0).toBe(true)
    const fourth = granted(await there.lease(name, { ms, despiteFailure: true }))
    expect(await fourth.fill(writeOf(name, 1))).toBe('stored')
  })

  it('is over when its holder is gone', async () => {
    const name = fresh()
    const gone = granted(await here.lease(name, { ms: 100 }))
    const next = await until('the lease is free', async () => {
      const answer = await there.lease(name, { ms })
      return 'lease' in answer && answer.lease
    })
    expect(await gone.fill(writeOf(name, 'late'))).toBe('overtaken')
    expect(await next.fill(writeOf(name, 'in time'))).toBe('stored')
    expect(valueIn(await here.read(name))).toBe('in time')
  })

  const changes: Record<string, (shelf: Shelf, name: ReturnType<typeof fresh>) => Promise<unknown>> = {
    'a write': (shelf, name) => shelf.write([writeOf(name, 'theirs')]),
    'a write of many': (shelf, name) => shelf.write([writeOf(fresh(), 1), writeOf(name, 'theirs')]),
    'a removal': (shelf, name) => shelf.remove([name]),
    'a removal of many': (shelf, name) => shelf.remove([fresh(), name]),
    'a clear': (shelf) => shelf.clear(),
    'an invalidation of its tag': (shelf) => shelf.invalidate(['other', 'tag']),
    'a brief write': async (shelf, name) => {
      await shelf.write([writeOf(name, 'brief', { life: 30 })])
      await until('it is gone', async () => (await here.read(name)) === undefined)
    },
  }
  for (const [what, change] of Object.entries(changes)) {
    it.each(['absent', 'there before'])(`gives way to ${what}: %s`, async (before) => {
      for (const shelf of [here, there]) {
        const name = fresh()
        if (before === 'there before') await here.write([writeOf(name, 'old')])
        const holder = await lease(here, name)
        // Of what two processes do in one millisecond the versions of kept data tell no order.
        const granted = Date.now()
        await until('a later millisecond', () => Date.now() > granted)
        await change(shelf, name)
        const now = await here.read(name)
        expect(await holder.fill(writeOf(name, 'computed before', { tags: ['tag'] }))).toBe('overtaken')
        expect(await here.read(name)).toBe(now)
        expect(await there.read(name)).toBe(now)
        // Whoever comes now isn't held up.
        expect(await (await lease(there, name)).fill(writeOf(name, 'computed since', { tags: ['tag'] }))).toBe('stored')
        expect(valueIn(await here.read(name))).toBe('computed since')
      }
    })
  }

  it('gives way to an increment and to a new life', async () => {
    // Increments of a mirrored counter wait for home, which adds them to whatever lies there.
    if (title !== 'kept, home away') {
      const counter = fresh()
      const counting = await lease(here, counter)
      await there.increment(counter, 1, Date.now() + 60_000)
      expect(await counting.fill(writeOf(counter, 'old'))).toBe('overtaken')
      const again = await lease(here, counter)
      await there.increment(counter, 2, Date.now() + 60_000)
      await there.increment(counter, -2, Date.now() + 60_000)
      expect(await again.fill(writeOf(counter, 'old'))).toBe('overtaken')
    }
    const name = fresh()
    await there.write([writeOf(name, 'old')])
    const text = (await there.read(name)) ?? ''
    const renewing = await lease(here, name)
    expect(await there.swap(name, text, writeOf(name, 'touched'))).toBe(true)
    expect(await renewing.fill(writeOf(name, 'old'))).toBe('overtaken')
    expect(valueIn(await here.read(name))).toBe('touched')
  })

  it('outlasts the end of the value that it renews', async () => {
    const name = fresh()
    await there.write([writeOf(name, 'old', { life: 60 })])
    const holder = await lease(here, name)
    await until('it has ended', async () => (await here.read(name)) === undefined)
    expect(await holder.renew(ms)).toBe(true)
    expect(await there.lease(name, { ms, seen: { text: undefined } })).toEqual({ held: true })
    expect(await holder.fill(writeOf(name, 'new'))).toBe('stored')
    expect(valueIn(await there.read(name))).toBe('new')
  })

  it('is not disturbed by what concerns others', async () => {
    const name = fresh()
    await here.write([writeOf(name, 'old', { tags: ['its'] })])
    const holder = await lease(here, name)
    await there.write([writeOf(fresh(), 1), writeOf(fresh(), 2, { life: 30 })])
    await there.remove([fresh()])
    // Away from home an invalidation may reach further.
    if (!title.startsWith('cached, ')) await there.invalidate(['another'])
    expect(await holder.renew(ms)).toBe(true)
    expect(await holder.fill(writeOf(name, 'new', { tags: ['its'] }))).toBe('stored')
    expect(valueIn(await there.read(name))).toBe('new')
    expect(await there.invalidate(['its'])).toBeGreaterThanOrEqual(1)
    expect(await here.read(name)).toBeUndefined()
  })
})
