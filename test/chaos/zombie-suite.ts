import { rmSync } from 'node:fs'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { createCachedShelf } from '../../src/failover/cached/cached-shelf.ts'
import { createKeptGroups } from '../../src/failover/kept/kept-groups.ts'
import { createKeptShelf } from '../../src/failover/kept/kept-shelf.ts'
import { createQuickPuts } from '../../src/failover/kept/quick-puts.ts'
import type { Shelf, ShelfWrite } from '../../src/failover/shelf.ts'
import { entryCalls } from '../../src/failover/versions/entry-calls.ts'
import { quickPutScript } from '../../src/failover/versions/entry-scripts.ts'
import { versioned } from '../../src/failover/versions/entry-text.ts'
import { groupCalls } from '../../src/failover/versions/group-calls.ts'
import { groupQuickPutScript } from '../../src/failover/versions/group-scripts.ts'
import { keyMarker } from '../../src/failover/versions/markers.ts'
import type { Instance } from '../../src/instances/instance.ts'
import type { GroupStore } from '../../src/instances/store.ts'
import { openServers } from '../integration/failover/recovery-ground.ts'
import { layout, raw, type Side, type SideOptions } from '../integration/failover/recovery-side.ts'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'
import { until } from '../support/until.ts'
import { quickFolder } from './folder.ts'

/*
 * Writes that were given up, and are still under way when the server is back and has newer data: of a process that goes
 * on, and of one that has vanished without a word. Cached data has the fence, kept data has versions besides.
 */

const ROUNDS = 25
const KEYS = 10
const GROUP = 'flow'
const LIFE = 600_000
const MOST_ITEMS = 100

/** Rounds mostly wait, so some are played beside each other, each on servers of its own. */
type Lane = ReturnType<typeof openServers>
const lanes = Array.from({ length: 5 }, openServers)
const folders = lanes.map(() => quickFolder('zombies'))
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})
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
  const endsAt = Date.now() + LIFE
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
  readonly groups: GroupStore
}

const openWriter = async (lane: Lane, dir: string, options: Partial<SideOptions>): Promise<Writer> => {
  const side = await lane.open({ dir, ...options })
  const { landscape, outages } = side
  const parts = { landscape, outages, layout, now: Date.now }
  return {
    side,
    cached: createCachedShelf(landscape.categoryOf('analytics'), side.primary, parts),
    kept: createKeptShelf(landscape.categoryOf('orders'), side.primary, parts),
    groups: createKeptGroups(side.primary, { ...parts, mirror: true, onUnknown: 'error', copy: undefined }),
  }
}
/** Until it is acknowledged: on a busy machine a call's time may be over before. */
const acknowledged = (write: () => Promise<unknown>): Promise<boolean> =>
  until('it is acknowledged', () => write().then(() => true))

/** Everything there is, all at once. */
const writeAll = ({ cached, kept, groups }: Writer, value: string): Promise<unknown> =>
  Promise.all([
    acknowledged(() => cached.write(all('analytics', value))),
    acknowledged(() => kept.write(all('orders', value))),
    ...all(GROUP, value).map(({ key, text }) =>
      acknowledged(() => groups.groupSet(GROUP, key, text, LIFE, MOST_ITEMS)),
    ),
  ])

/**
 * A kept entry and an item of state, by either of the scripts that live calls put them with; bare: as they would be
 * written if nothing of what is kept had a version.
 */
const keptPuts = ({ primary: home, landscape: { clock } }: Side) => {
  const [entries, groups] = [entryCalls(layout, clock), groupCalls(layout, clock)]
  const [quickEntry, quickItem] = [createQuickPuts(home, layout.markers), createQuickPuts(home, layout.groupIndex)]
  const entryScript = quickPutScript('orders')
  const itemScript = groupQuickPutScript(layout.groupPrefix, { maxItems: MOST_ITEMS, ttl: LIFE })
  const entry = ({ key, redisKey, text }: ShelfWrite, quick: boolean): Promise<unknown> => {
    const version = clock.next()
    const value = { text: versioned(text, version), life: LIFE }
    const args = [value.text, LIFE, keyMarker('orders', key)]
    if (quick) return quickEntry({ script: entryScript, keys: [redisKey], text: value.text, args }, undefined)
    return home.script(entries.put({ category: 'orders', key, redisKey }, version, value), 'write')
  }
  const item = ({ key, text }: ShelfWrite, quick: boolean): Promise<unknown> => {
    const version = clock.next()
    const keys = [layout.group(GROUP), layout.side(GROUP)]
    if (quick) return quickItem({ script: itemScript, keys, text, args: [key, text, version], field: key }, undefined)
    return home.script(groups.put(GROUP, key, version, { text, life: LIFE, maxItems: MOST_ITEMS }), 'write')
  }
  return {
    entry,
    item,
    bareEntry: ({ redisKey, text, endsAt }: ShelfWrite): Promise<unknown> => {
      const bare = versioned(text, clock.next())
      return home.write([{ key: redisKey, text: bare, endsAt }])
    },
    bareItem: ({ key, text }: ShelfWrite): Promise<unknown> => home.groupSet(GROUP, key, text, LIFE, MOST_ITEMS),
  }
}

/** A script that the server doesn't know does nothing when it arrives: so all are known, whoever they come from. */
const rehearse = async (side: Side): Promise<void> => {
  const { entry, item, bareItem } = keptPuts(side)
  const one = put('orders', KEYS, 'rehearsed')
  for (const quick of [true, false]) await Promise.all([entry(one, quick), item(one, quick)])
  // The first one gives the group its life, by another script.
  for (const extra of [KEYS, KEYS + 1]) await bareItem(put('orders', extra, 'rehearsed'))
}

/** Writes to home alone, as the calls of a process make them, that will never be answered in time. */
const giveUp = async (side: Side, plain: boolean): Promise<void> => {
  const { entry, item, bareEntry, bareItem } = keptPuts(side)
  const outcomes = await Promise.allSettled([
    ...all('analytics', 'zombie').map(({ redisKey, text, endsAt }) =>
      side.primary.write([{ key: redisKey, text, endsAt }]),
    ),
    ...all('orders', 'zombie').map((write, i) => (plain ? bareEntry(write) : entry(write, i % 2 === 0))),
    ...all(GROUP, 'zombie').map((write, i) => (plain ? bareItem(write) : item(write, i % 2 === 0))),
  ])
  for (const { status } of outcomes) expect(status).toBe('rejected')
}

interface Wrong {
  readonly cached: number
  readonly kept: number
  readonly groups: number
}

/** Keys at home whose value is of before the last write, or that have none. */
const wrongAt = async (home: Instance): Promise<Wrong> => {
  const valueIn = (text: string | undefined): string | undefined => text && JSON.parse(text).value
  const count = (texts: readonly (string | undefined)[], right: readonly (string | undefined)[]): number =>
    texts.filter((text) => !right.includes(valueIn(text))).length
  const time = { timeout: 5_000 }
  const textsOf = (category: string): Promise<(string | undefined)[]> =>
    home.readMany(
      all(category, '').map(({ redisKey }) => redisKey),
      time,
    )
  const items = new Map(await home.groupAll(GROUP, time))
  return {
    // What is cached may be missing; those that were written since may not be older than that.
    cached: count(await textsOf('analytics'), [undefined, 'newer', 'newest']),
    kept: count(await textsOf('orders'), ['newer']),
    groups: count(
      all(GROUP, '').map(({ key }) => items.get(key)),
      ['newer'],
    ),
  }
}

interface Told {
  readonly wrong: Wrong
  readonly ended: number
}

const sum = (rounds: readonly Told[]): Told => ({
  wrong: {
    cached: rounds.reduce((total, { wrong }) => total + wrong.cached, 0),
    kept: rounds.reduce((total, { wrong }) => total + wrong.kept, 0),
    groups: rounds.reduce((total, { wrong }) => total + wrong.groups, 0),
  },
  ended: rounds.reduce((total, { ended }) => total + ended, 0),
})

type Round = (lane: Lane, writer: Writer, wire: TcpProxy) => Promise<Told>

/** `begin` leaves writes under way while the server seems to be gone; they arrive when it is back and has newer data. */
const roundOf =
  (begin: (lane: Lane, side: Side, wire: TcpProxy) => Promise<{ arrive(): Promise<number> }>): Round =>
  async (lane, writer, wire) => {
    const { side, cached } = writer
    const before = side.failbacks.length
    await Promise.all([rehearse(side), writeAll(writer, 'before')])
    wire.mode('cut')
    const { arrive } = await begin(lane, side, wire)
    await lane.away(side)
    await writeAll(writer, 'newer')
    wire.mode('pass')
    await lane.back(side)
    await until('it has come back', () => side.failbacks.length > before && !side.journal.holds('primary'))
    await acknowledged(() => cached.write(all('analytics', 'newest').slice(0, KEYS / 2)))
    const ended = await arrive()
    await until('it answers', () => side.primary.read('app:none').then(() => true))
    return { wrong: await wrongAt(side.primary), ended }
  }

/** The process goes on, by other connections. */
export const live = (plain: boolean): Round =>
  roundOf(async (_, side, wire) => {
    await giveUp(side, plain)
    return wire.strand()
  })

/** Another one, which is registered as one that holds something, and from then on says nothing. */
export const vanished = (plain: boolean): Round => {
  let count = 0
  return roundOf(async ({ primary, secondary, open }, side) => {
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

const playOn = async (
  lane: Lane,
  dir: string,
  round: Round,
  name: string,
  options: Partial<SideOptions>,
): Promise<Told> => {
  const home = lane.primary()
  const wire = await wireTo(home.port)
  const writer = await openWriter(lane, dir, { primary: wire.url, processId: name, ...options })
  const told = await round(lane, writer, wire)
  await writer.side.close()
  // One process's fence is good for all, for some seconds: the next round is to have its own.
  await raw(home, 'DEL', layout.fenced)
  return told
}

const play = async (round: Round, rounds: number, options: Partial<SideOptions> = {}): Promise<Told> => {
  const told: Told[] = []
  let count = 0
  await Promise.all(
    lanes.map(async (lane, i) => {
      const dir = folders[i] ?? ''
      // Another process each time: to one that sees a server come and go it is admitted more and more slowly.
      while (count < rounds)
        told.push(await playOn(lane, dir, round, `aaaa${String(count++).padStart(4, '0')}`, options))
    }),
  )
  expect(told).toHaveLength(rounds)
  return sum(told)
}

const fenceless = { weakened: { fence: false } } as const

/** `roundsOf`: `live` or `vanished`. */
export const zombieSuite = (whose: string, roundsOf: (plain: boolean) => Round): void => {
  describe(`writes under way of ${whose}`, () => {
    it(`${ROUNDS} rounds: no key has an older value than the last one that was acknowledged`, async () => {
      const { wrong, ended } = await play(roundsOf(false), ROUNDS)
      expect(wrong).toEqual({ cached: 0, kept: 0, groups: 0 })
      // It was the fence, and not that nothing was under way.
      expect(ended).toBeGreaterThanOrEqual(ROUNDS)
    }, 240_000)

    it('control: without the fence cached keys have, and kept ones and state too where they have no versions', async () => {
      const versions = await play(roundsOf(false), 2, fenceless)
      expect(versions.wrong.cached).toBeGreaterThan(0)
      expect(versions.wrong).toMatchObject({ kept: 0, groups: 0 })
      const plain = await play(roundsOf(true), 2, fenceless)
      expect(plain.wrong.kept).toBeGreaterThan(0)
      expect(plain.wrong.groups).toBeGreaterThan(0)
    }, 120_000)
  })
}
