import { Redis } from 'ioredis'
import { createLandscape } from '../../../src/failover/create-landscape.ts'
import { type Journal, openJournal } from '../../../src/failover/journal/journal.ts'
import type { Landscape } from '../../../src/failover/landscape.ts'
import { createRecovery, type Recovery, type RecoveryOptions } from '../../../src/failover/recovery/recovery.ts'
import { createOutages, type Outages } from '../../../src/failover/stand-in/outages.ts'
import { createClock } from '../../../src/failover/versions/clock.ts'
import { entryCalls } from '../../../src/failover/versions/entry-calls.ts'
import { groupCalls } from '../../../src/failover/versions/group-calls.ts'
import type { KeptCall } from '../../../src/failover/versions/kept-call.ts'
import type { Instance } from '../../../src/instances/instance.ts'
import { layoutOf } from '../../../src/instances/layout.ts'
import { createRedisStore } from '../../../src/instances/redis-store.ts'
import { readSettings } from '../../../src/settings/read-settings.ts'
import type { Settings } from '../../../src/settings/settings.ts'
import { patient } from '../../support/patience.ts'
import { inCharge, type TestRedis } from '../../support/redis-process.ts'

export const namespace = 'app:'
export const layout = layoutOf(namespace)

/** One process' view of two instances, with everything that recovery needs and nothing above it. */
export interface Side {
  readonly primary: Instance
  readonly secondary: Instance
  readonly settings: Settings
  readonly landscape: Landscape
  readonly journal: Journal
  readonly outages: Outages
  readonly recovery: Recovery
  readonly said: string[]
  /** `readable`: the instance was, when it was told. */
  readonly failbacks: { instance: string; replayed: number; ms: number; readable: boolean }[]
  close(): Promise<void>
}

export interface SideOptions {
  readonly primary: string
  readonly secondary: string
  readonly dir: string
  readonly processId: string
  readonly weakened?: RecoveryOptions['weakened']
  /** Epoch ms. @default Date.now */
  readonly now?: () => number
  /** Whether the two are one server, by now. @default they aren't */
  readonly twins?: () => boolean
  /** The journal of another process of the same machine. */
  readonly journal?: Journal
}

/** orders (kept) and analytics (cached) are at home on primary, baskets (kept) and menu (cached) on secondary. */
export const openSide = async (options: SideOptions): Promise<Side> => {
  const { processId, dir, now = Date.now } = options
  const env = {
    REDIS_PRIMARY_URL: options.primary,
    REDIS_SECONDARY_URL: options.secondary,
    REDIS_PRIMARY_TYPES: 'orders,analytics',
    REDIS_SECONDARY_TYPES: 'baskets,menu',
    MOTIA_REDIS_NAMESPACE: namespace,
    MOTIA_REDIS_DIR: dir,
  }
  const settings = readSettings(
    { categories: { orders: { ttl: '1h', mirror: true }, baskets: { ttl: '1h', mirror: true } } },
    { env, baseDir: dir, production: false },
  )
  const said: string[] = []
  const report = {
    info: (line: string) => said.push(line),
    warn: (line: string) => said.push(line),
    error: (line: string) => said.push(line),
  }
  const failbacks: Side['failbacks'] = []
  const instances = new Map<string, Instance>()
  for (const { name, url } of settings.instances) {
    if (url === undefined) throw new Error('both are servers')
    const onState = (health: { readonly state: string }): void => {
      if (health.state === 'catching-up') void recovery.recover(name)
      else recovery.met(name)
    }
    const store = createRedisStore({ name, url, namespace, deadlines: patient, processId, supervised: true, onState })
    instances.set(name, store)
  }
  const clock = createClock({ processId, now })
  const journal = options.journal ?? openJournal({ dir, refresh: 10, now })
  const behind = (name: string): boolean => recovery.behind(name)
  const { twins } = options
  const found = { behind, ...(twins && { twins }) }
  const landscape = createLandscape({ settings, instances, clock, journal, ...found, lastResort: undefined })
  const outages = createOutages({ instances, layout, processId, routing: 'r' })
  const recovery: Recovery = createRecovery({
    ...{ landscape, outages, layout, settings, processId, report, now },
    removeCopies: async (home) => {
      await outages.leave(home)
      await outages.sweep(home)
    },
    onFailback: (instance, done) =>
      failbacks.push({ instance, ...done, readable: instances.get(instance)?.readable() === true }),
    ...(options.weakened && { weakened: options.weakened }),
  })
  await Promise.all([...instances.values()].map((instance) => instance.connect()))
  const [primary, secondary] = [instances.get('primary'), instances.get('secondary')]
  if (primary === undefined || secondary === undefined) throw new Error('there are two')
  return {
    ...{ primary, secondary, settings, landscape, journal, outages, recovery, said, failbacks },
    close: async () => {
      await recovery.close()
      await outages.close()
      await Promise.all([primary.close(), secondary.close()])
      if (options.journal === undefined) await journal.close()
    },
  }
}

const send = async <T>(instance: Instance, call: KeptCall<T>): Promise<T> =>
  call.answer(await instance.script(call, 'change', { timeout: 2_000 }))

export const envelope = (version: string, text: string): string =>
  `{"ver":"${version}","value":${JSON.stringify(text)}}`
export const textIn = (stored: string | null | undefined): string | undefined =>
  stored === null || stored === undefined ? undefined : (JSON.parse(stored) as { value: string }).value

/** Kept writes as a shelf makes them, on the places that are named. */
export const keptOf = ({ landscape }: Side) => {
  const { clock } = landscape
  const entries = entryCalls(layout, clock)
  const groups = groupCalls(layout, clock)
  const at = (instance: Instance, category: 'orders' | 'baskets', key: string) => {
    const home = category === 'orders' ? 'primary' : 'secondary'
    const redisKey = `${namespace}${category}:${key}`
    return { category, key, redisKey: instance.name === home ? redisKey : layout.mirror(home) + redisKey }
  }
  const everywhere = (places: readonly Instance[], act: (place: Instance) => Promise<unknown>) =>
    Promise.all(places.map(act))

  return {
    at,
    put: async (
      places: readonly Instance[],
      category: 'orders' | 'baskets',
      key: string,
      value: string,
      life = 3.6e6,
    ) => {
      const version = clock.next()
      const text = { text: envelope(version, value), life }
      await everywhere(places, (place) => send(place, entries.put(at(place, category, key), version, text)))
      return version
    },
    remove: async (places: readonly Instance[], category: 'orders' | 'baskets', key: string) => {
      const version = clock.next()
      await everywhere(places, (place) => send(place, entries.putTombstone(at(place, category, key), version)))
      return version
    },
    read: async (place: Instance, category: 'orders' | 'baskets', key: string) =>
      textIn(await place.read(at(place, category, key).redisKey, { timeout: 2_000 })),
    setItem: async (places: readonly Instance[], group: string, field: string, text: string) => {
      const version = clock.next()
      const what = { text: JSON.stringify(text), life: 3.6e6, maxItems: 100_000 }
      await everywhere(places, (place) => send(place, groups.put(group, field, version, what)))
      return version
    },
    deleteItem: async (places: readonly Instance[], group: string, field: string) => {
      const version = clock.next()
      await everywhere(places, (place) => send(place, groups.putTombstone(group, field, version)))
    },
    clearGroup: async (places: readonly Instance[], group: string) => {
      const version = clock.next()
      await everywhere(places, (place) => send(place, groups.putClear(group, version)))
    },
    group: async (place: Instance, group: string): Promise<Record<string, unknown>> =>
      Object.fromEntries(
        (await place.groupAll(group, { timeout: 2_000 })).map(([field, text]) => [field, JSON.parse(text)]),
      ),
  }
}

/** One command, past everything. */
export const raw = async (server: TestRedis, ...command: [string, ...(string | number)[]]): Promise<unknown> => {
  const redis = new Redis(server.url, { maxRetriesPerRequest: 0, ...inCharge })
  try {
    return await redis.call(...command)
  } finally {
    redis.disconnect()
  }
}
