import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import { openJournal } from '../../../src/failover/journal/journal.ts'
import { isGroup, type JournalEntry, type TagEntry } from '../../../src/failover/journal/journal-entries.ts'
import { createKeptGroups } from '../../../src/failover/kept/kept-groups.ts'
import type { Weakened } from '../../../src/failover/kept/kept-places.ts'
import { createKeptShelf } from '../../../src/failover/kept/kept-shelf.ts'
import type { Landscape } from '../../../src/failover/landscape.ts'
import type { Shelf } from '../../../src/failover/shelf.ts'
import type { EmbeddedCopy } from '../../../src/failover/state-copy/embedded-copy.ts'
import { createClock } from '../../../src/failover/versions/clock.ts'
import { entryCalls } from '../../../src/failover/versions/entry-calls.ts'
import { groupCalls } from '../../../src/failover/versions/group-calls.ts'
import type { KeptCall } from '../../../src/failover/versions/kept-call.ts'
import { clearMarker, tagMarker } from '../../../src/failover/versions/markers.ts'
import type { Instance } from '../../../src/instances/instance.ts'
import { layoutOf } from '../../../src/instances/layout.ts'
import { createRedisStore } from '../../../src/instances/redis-store.ts'
import type { GroupStore } from '../../../src/instances/store.ts'
import { throughIndex } from '../../../src/instances/tagged.ts'
import { rawCategory } from '../../../src/settings/categories.ts'
import { parseRedisUrl } from '../../../src/settings/redis-url.ts'
import type { CategorySettings } from '../../../src/settings/settings.ts'
import { patient } from '../../support/patience.ts'
import { startTestRedis, type TestRedis } from '../../support/redis-server.ts'
import { until } from '../../support/until.ts'
import { openRedis, runCall } from './kept-model.ts'

export const layout = layoutOf('app:')
export const orders: CategorySettings = {
  ...rawCategory('primary'),
  name: 'orders',
  mirror: true,
  onOutage: 'failover',
  codec: 'keyv',
  keyPrefix: 'app:orders:',
  enumerable: true,
}

export interface Ground {
  readonly a: TestRedis
  readonly b: TestRedis
  readonly home: Instance
  readonly mirror: Instance
  readonly landscape: Landscape
  shelf(category?: Partial<CategorySettings>, weakened?: Weakened): Shelf
  groups(options?: {
    onUnknown?: 'error' | 'null'
    mirror?: boolean
    copy?: EmbeddedCopy
    weakened?: Weakened
    landscape?: Landscape
  }): GroupStore
  /** Brings an instance what waits for it and makes it readable again, as recovery does. */
  recover(instance: Instance): Promise<void>
  close(): Promise<void>
}

interface GroundOptions {
  readonly journal?: boolean
  readonly mirrorless?: boolean
  /** {}: the built-in ones. @default far above what calls take */
  readonly deadlines?: typeof patient | Record<string, never>
  /** Instead of new ones. */
  readonly servers?: readonly [TestRedis, TestRedis]
  /** A URL to home instead of its own. */
  readonly proxied?: (port: number) => Promise<string>
}

/** Two servers, two supervised instances and a journal. */
export const openGround = async (options: GroundOptions = {}): Promise<Ground> => {
  const [a, b] = options.servers ?? (await Promise.all([startTestRedis(), startTestRedis()]))
  const dir = mkdtempSync(join(tmpdir(), 'motia-redis-kept-'))
  const open = (name: string, url: string): Instance => {
    const parsed = parseRedisUrl(url)
    if ('problem' in parsed) throw new Error(parsed.problem)
    return createRedisStore({
      name,
      url: parsed,
      namespace: 'app:',
      deadlines: options.deadlines ?? patient,
      processId: 'test',
      probeEvery: 100,
      supervised: true,
    })
  }
  const home = open('primary', (await options.proxied?.(a.port)) ?? a.url)
  const mirror = open('secondary', b.url)
  await Promise.all([home.connect(), mirror.connect()])
  const clock = createClock()
  const journal = options.journal === false ? undefined : openJournal({ dir, refresh: 20 })
  const instances = new Map([home, mirror].map((each) => [each.name, each]))
  const landscape: Landscape = {
    clock,
    journal,
    instances,
    categoryOf: () => orders,
    calm: (name) => {
      const instance = instances.get(name)
      return instance?.readable() === true && instance.writable() && journal?.holds(name) !== true
    },
    behind: () => false,
    unsure: () => false,
    stale: () => false,
    standInsOf: () => [],
    mirrorOf: (name) => (options.mirrorless ? undefined : name === 'primary' ? mirror : home),
    lastResort: undefined,
    idOf: (name) => name,
  }

  const serverOf = (instance: Instance): TestRedis => (instance === home ? a : b)

  return {
    a,
    b,
    home,
    mirror,
    landscape,
    shelf: (category, weakened) =>
      createKeptShelf({ ...orders, ...category }, home, {
        landscape,
        layout,
        now: Date.now,
        ...(weakened && { weakened }),
      }),
    groups: ({ onUnknown = 'error', mirror: mirrored = true, copy, weakened, landscape: other } = {}) =>
      createKeptGroups(home, {
        landscape: other ?? landscape,
        layout,
        mirror: mirrored,
        onUnknown,
        copy,
        now: Date.now,
        ...(weakened && { weakened }),
      }),
    recover: async (instance) => {
      await until('it answers again', () => instance.catchingUp() || instance.readable(), 20_000)
      const redis = openRedis(serverOf(instance).url)
      try {
        for (;;) {
          await replay(redis, instance.name, home.name, landscape)
          const empty = await journal?.whenEmpty(instance.name, () => instance.readmit())
          if (empty !== false) break
        }
      } finally {
        redis.disconnect()
      }
      await until('it takes writes again', () => instance.readable() && instance.writable(), 20_000)
    },
    close: async () => {
      await Promise.all([home.close(), mirror.close()])
      await journal?.close()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

/** Every entry that waits, by the calls of replay. */
const replay = async (redis: Redis, name: string, home: string, { journal, clock }: Landscape): Promise<void> => {
  if (journal === undefined) return
  for await (const batch of journal.batches(name, 100)) {
    for (const { entry, due } of batch) {
      for (const call of callsFor(entry, due === 'ended', name !== home)) await runCall(redis, call)
      if (entry.kind === 'clear') await clearAll(redis, entry, name !== home)
      if (entry.kind === 'tag') await invalidateAll(redis, entry, name !== home)
      if (entry.kind === 'delta') await redis.incrby(`${prefixOf(entry.scope)}${entry.key}`, entry.by)
    }
    await journal.remove(name, batch)
  }

  function callsFor(entry: JournalEntry, ended: boolean, mirrored: boolean): KeptCall<unknown>[] {
    const entries = entryCalls(layout, clock)
    const groups = groupCalls(layout, clock)
    if (entry.kind !== 'value' && entry.kind !== 'tombstone') return []
    const { scope, key, version } = entry
    const named = scope.slice(2)
    const redisKey = (mirrored ? layout.mirror(home) : '') + prefixOf(scope) + key
    const at = { category: named, key, redisKey }
    if (entry.kind === 'tombstone' || ended) {
      return [isGroup(scope) ? groups.mergeTombstone(named, key, version) : entries.mergeTombstone(at, version)]
    }
    const { text, tags, endsAt } = entry
    const life = endsAt === false ? false : endsAt - Date.now()
    if (isGroup(scope)) return [groups.merge(named, key, version, { text, life })]
    return [entries.merge(at, version, { text, tags, life: life === false ? 1e9 : life })]
  }

  async function invalidateAll(redis: Redis, { scope, tag, version }: TagEntry, mirrored: boolean) {
    const category = scope.slice(2)
    const entries = entryCalls(layout, clock)
    const at = { category, prefix: (mirrored ? layout.mirror(home) : '') + prefixOf(scope) }
    await runCall(redis, entries.mark([tagMarker(category, tag)], version))
    await throughIndex((keys, cursor) =>
      runCall(redis, entries.invalidateTagged(at, tag, version, false, keys, cursor)),
    )
  }

  async function clearAll(redis: Redis, { scope, version }: { scope: string; version: string }, mirrored: boolean) {
    const named = scope.slice(2)
    if (isGroup(scope)) {
      let cursor: string | undefined
      do cursor = await runCall(redis, groupCalls(layout, clock).mergeClear(named, version, cursor))
      while (cursor !== undefined)
      return
    }
    const entries = entryCalls(layout, clock)
    const prefix = (mirrored ? layout.mirror(home) : '') + prefixOf(scope)
    await runCall(redis, entries.mark([clearMarker(named)], version))
    const keys = await redis.keys(`${prefix}*`)
    if (keys.length === 0) return
    const batch = keys.map((redisKey) => ({ category: named, key: redisKey.slice(prefix.length), redisKey }))
    await runCall(redis, entries.clearEntries(batch, version, false))
  }
}

/** Of a category's keys at home. */
const prefixOf = (scope: string): string => `app:${scope.slice(2)}:`

/** Everything kept on a server, with the names it has at home, but without ends and what only order needs. */
export const dump = async (server: TestRedis): Promise<Record<string, unknown>> => {
  const redis = openRedis(server.url)
  try {
    const all: Record<string, unknown> = {}
    for (const key of await redis.keys('*')) {
      if (key === layout.markers || key.startsWith(layout.side('')) || key === layout.sideIndex) continue
      const name = atHome(key)
      const type = await redis.type(key)
      if (type === 'string') all[name] = await redis.get(key)
      else if (type === 'hash') all[name] = sorted(await redis.hgetall(key))
      else if (type === 'zset') all[name] = (await redis.zrange(key, '0', '-1')).map(atHome).sort()
    }
    return sorted(all)
  } finally {
    redis.disconnect()
  }
}

const atHome = (key: string): string =>
  key.startsWith(layout.mirror('primary')) ? key.slice(layout.mirror('primary').length) : key

const sorted = <T>(record: Record<string, T>): Record<string, T> =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)))

export const name = (key: string) => ({ key, redisKey: orders.keyPrefix + key })
export const envelope = (value: unknown, endsAt = Date.now() + 600_000) =>
  `{"value":${JSON.stringify(value)},"expires":${endsAt}}`
export const write = (key: string, value: unknown) => {
  const endsAt = Date.now() + 600_000
  return { ...name(key), text: envelope(value, endsAt), endsAt }
}
/** With tags in its text, as the codec writes them. */
export const writeTagged = (key: string, value: unknown, tags: readonly string[]) => {
  const endsAt = Date.now() + 600_000
  const text = `{"value":${JSON.stringify(value)},"expires":${endsAt},"meta":${JSON.stringify({ t: tags })}}`
  return { ...name(key), text, endsAt, tags }
}
export const valueIn = (text: string | undefined): unknown =>
  text === undefined ? undefined : (JSON.parse(text) as { value?: unknown }).value
