import { afterEach, describe, expect, it } from 'vitest'
import { createCachedShelf } from '../../src/failover/cached/cached-shelf.ts'
import { createKeptShelf } from '../../src/failover/kept/kept-shelf.ts'
import type { Shelf, ShelfWrite } from '../../src/failover/shelf.ts'
import { entryCalls } from '../../src/failover/versions/entry-calls.ts'
import { versioned } from '../../src/failover/versions/entry-text.ts'
import type { Instance } from '../../src/instances/instance.ts'
import { openServers } from '../integration/failover/recovery-ground.ts'
import { layout, raw, type Side, type SideOptions } from '../integration/failover/recovery-side.ts'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'
import { until } from '../support/until.ts'

/*
 * Writes that were given up, and are still under way when the server is back and has newer data: of a process that goes
 * on, and of one that has vanished without a word. Cached data has the fence, kept data has versions besides.
 */

/** All 25 take more than a minute each way: ZOMBIE_ROUNDS=25 runs them. */
const ROUNDS = Number(process.env.ZOMBIE_ROUNDS ?? 8)
const KEYS = 10

const { primary, secondary, open, away, back } = openServers()
const wires: TcpProxy[] = []
afterEach(async () => {
  for (const wire of wires.splice(0)) await wire.close()
})
const wireTo = async (port: number): Promise<TcpProxy> => {
  const wire = await startTcpProxy(port)
  wires.push(wire)
  return wire
}

const put = (category: string, i: number, value: string): ShelfWrite => {
  const endsAt = Date.now() + 600_000
  const key = `k${i}`
  const text = JSON.stringify({ value, expires: endsAt })
  return { key, redisKey: `app:${category}:${key}`, text, endsAt }
}
const all = (category: string, value: string): ShelfWrite[] =>
  Array.from({ length: KEYS }, (_, i) => put(category, i, value))

interface Writer {
  readonly side: Side
  readonly cached: Shelf
  readonly kept: Shelf
}

const openWriter = async (options: Partial<SideOptions>): Promise<Writer> => {
  const side = await open(options)
  const { landscape, outages } = side
  const parts = { landscape, outages, layout, now: Date.now }
  return {
    side,
    cached: createCachedShelf(landscape.categoryOf('analytics'), side.primary, parts),
    kept: createKeptShelf(landscape.categoryOf('orders'), side.primary, parts),
  }
}

/** Writes to home alone, as the calls of a process make them, that will never be answered in time. */
const giveUp = async ({ primary: home, landscape }: Side, plain: boolean): Promise<void> => {
  const { clock } = landscape
  const calls = entryCalls(layout, clock)
  const outcomes = await Promise.allSettled([
    ...all('analytics', 'zombie').map(({ redisKey, text, endsAt }) => home.write([{ key: redisKey, text, endsAt }])),
    ...all('orders', 'zombie').map(({ key, redisKey, text, endsAt }) => {
      const version = clock.next()
      const value = { text: versioned(text, version), life: 600_000 }
      if (plain) return home.write([{ key: redisKey, text: value.text, endsAt }])
      return home.script(calls.put({ category: 'orders', key, redisKey }, version, value), 'write')
    }),
  ])
  for (const { status } of outcomes) expect(status).toBe('rejected')
}

/** Keys at home whose value is of before the last write. */
const wrongAt = async (home: Instance): Promise<{ cached: number; kept: number }> => {
  const count = async (category: string, right: readonly (string | undefined)[]): Promise<number> => {
    const texts = await home.readMany(
      all(category, '').map(({ redisKey }) => redisKey),
      { timeout: 5_000 },
    )
    const valueIn = (text: string | undefined): string | undefined => text && JSON.parse(text).value
    return texts.filter((text) => !right.includes(valueIn(text))).length
  }
  // What is cached may be missing; those that were written since may not be older than that.
  return { cached: await count('analytics', [undefined, 'newer', 'newest']), kept: await count('orders', ['newer']) }
}

interface Told {
  wrong: { cached: number; kept: number }
  ended: number
}

const sum = (rounds: readonly Told[]): Told => ({
  wrong: {
    cached: rounds.reduce((total, { wrong }) => total + wrong.cached, 0),
    kept: rounds.reduce((total, { wrong }) => total + wrong.kept, 0),
  },
  ended: rounds.reduce((total, { ended }) => total + ended, 0),
})

type Round = (writer: Writer, wire: TcpProxy) => Promise<Told>

/** `begin` leaves writes under way while the server seems to be gone; they arrive when it is back and has newer data. */
const roundOf =
  (begin: (writer: Writer, wire: TcpProxy) => Promise<{ arrive(): Promise<number> }>): Round =>
  async (writer, wire) => {
    const { side, cached, kept } = writer
    const before = side.failbacks.length
    await Promise.all([cached.write(all('analytics', 'before')), kept.write(all('orders', 'before'))])
    wire.mode('cut')
    const { arrive } = await begin(writer, wire)
    await away(side)
    await Promise.all([cached.write(all('analytics', 'newer')), kept.write(all('orders', 'newer'))])
    wire.mode('pass')
    await back(side)
    await until('it has come back', () => side.failbacks.length > before && !side.journal.holds('primary'))
    await cached.write(all('analytics', 'newest').slice(0, KEYS / 2))
    const ended = await arrive()
    await until('it answers', () => side.primary.read('app:none').then(() => true))
    return { wrong: await wrongAt(side.primary), ended }
  }

/** The process goes on, by other connections. */
export const live = (plain: boolean): Round =>
  roundOf(async ({ side }, wire) => {
    await giveUp(side, plain)
    return wire.strand()
  })

/** Another one, which is registered as one that holds something, and from then on says nothing. */
export const vanished = (plain: boolean): Round => {
  let count = 0
  return roundOf(async ({ side }) => {
    const [home, other] = [await wireTo(primary().port), await wireTo(secondary().port)]
    const processId = `bbbb${String(count++).padStart(4, '0')}`
    const victim = await open({ primary: home.url, secondary: other.url, processId, journal: side.journal })
    victim.outages.enter('primary', () => 1)
    await until('it is registered', async () => (await side.outages.others('primary'))?.length === 1)
    home.mode('cut')
    await giveUp(victim, plain)
    other.mode('cut')
    const stranded = home.strand()
    for (const wire of [home, other]) wire.orphan()
    return stranded
  })
}

const play = async (round: Round, rounds: number, options: Partial<SideOptions> = {}): Promise<Told> => {
  const told: Told[] = []
  for (let i = 0; i < rounds; i++) {
    // Another process each time: to one that sees a server come and go it is admitted more and more slowly.
    const wire = await wireTo(primary().port)
    const processId = `aaaa${String(i).padStart(4, '0')}`
    const writer = await openWriter({ primary: wire.url, processId, ...options })
    told.push(await round(writer, wire))
    await writer.side.close()
    // One process's fence is good for all, for some seconds: the next round is to have its own.
    await raw(primary(), 'DEL', layout.fenced)
  }
  return sum(told)
}

const fenceless = { weakened: { fence: false } } as const

/** `roundsOf`: `live` or `vanished`. */
export const zombieSuite = (whose: string, roundsOf: (plain: boolean) => Round): void => {
  describe(`writes under way of ${whose}`, () => {
    it(`${ROUNDS} rounds: no key has an older value than the last one that was acknowledged`, async () => {
      const { wrong, ended } = await play(roundsOf(false), ROUNDS)
      expect(wrong).toEqual({ cached: 0, kept: 0 })
      // It was the fence, and not that nothing was under way.
      expect(ended).toBeGreaterThanOrEqual(ROUNDS)
    }, 240_000)

    it('control: without the fence cached keys have, and kept ones too where they have no versions', async () => {
      const versions = await play(roundsOf(false), 2, fenceless)
      expect(versions.wrong.cached).toBeGreaterThan(0)
      expect(versions.wrong.kept).toBe(0)
      const plain = await play(roundsOf(true), 2, fenceless)
      expect(plain.wrong.kept).toBeGreaterThan(0)
    }, 120_000)
  })
}
