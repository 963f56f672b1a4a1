import { createEmbeddedStore } from '../../../src/embedded/embedded-store.ts'
import type { EntryName, Shelf, ShelfWrite } from '../../../src/failover/shelf.ts'
import { createFailClosedShelf, createStraightShelf } from '../../../src/failover/straight-shelf.ts'
import type { Instance } from '../../../src/instances/instance.ts'
import type { CategorySettings } from '../../../src/settings/settings.ts'
import { testFolder } from '../../support/folder.ts'
import { startTestRedis } from '../../support/redis-server.ts'
import { openRedisStore } from '../../support/redis-store.ts'
import { openProcess } from './cached-setup.ts'
import { openGround, orders } from './kept-ground.ts'

/** The shelves of one category in two processes. */
export interface LeaseGround {
  readonly shelves: readonly [Shelf, Shelf]
  name(key: string): EntryName
  /**
   * Whether a process changed its mind on an instance since then (epoch ms): on a machine with too much to do one may
   * seem to be away, and what is written elsewhere then is for the other process to learn.
   */
  disturbedSince?(then: number): boolean
  close(): Promise<void>
}

const ttl = 60_000
const textOf = (value: unknown, tags: readonly string[] = []): string =>
  JSON.stringify({ value, ...(tags.length > 0 && { meta: { t: tags } }) })
export const valueIn = (text: string | undefined): unknown =>
  text === undefined ? undefined : JSON.parse(text.replace(/"ver":"[0-9a-f]{24}",/, '')).value
export const writeOf = (
  name: EntryName,
  value: unknown,
  { life = ttl, tags }: { life?: number; tags?: readonly string[] } = {},
): ShelfWrite => ({ ...name, text: textOf(value, tags), endsAt: Date.now() + life, tags })

const menu: CategorySettings = { ...orders, name: 'menu', mirror: false, keyPrefix: 'menu:' }
const disturbed =
  (processes: readonly { readonly home: Instance; readonly standIn: Instance }[]) =>
  (then: number): boolean =>
    processes.some(({ home, standIn }) => [home, standIn].some((each) => each.health().since >= then))
const named = (category: CategorySettings) => (key: string) => ({ key, redisKey: category.keyPrefix + key })

/** Every kind of shelf, while all is well. */
export const leaseGrounds: Record<string, () => Promise<LeaseGround>> = {
  cached: async () => {
    const [a, b] = await Promise.all([startTestRedis(), startTestRedis()])
    const urls = { primary: a.url, secondary: b.url }
    const processes = await Promise.all([openProcess({ urls }), openProcess({ urls })])
    return {
      shelves: [processes[0].shelf, processes[1].shelf],
      name: named(menu),
      disturbedSince: disturbed(processes),
      close: async () => void (await Promise.all(processes.map((each) => each.close()))),
    }
  },
  'cached, home away': async () => {
    const [a, b] = await Promise.all([startTestRedis(), startTestRedis()])
    const urls = { primary: a.url, secondary: b.url }
    const processes = await Promise.all([openProcess({ urls }), openProcess({ urls })])
    await a.crash()
    const shelves = [processes[0].shelf, processes[1].shelf] as const
    // Both have met the outage, and know where the other writes.
    for (const shelf of shelves) await shelf.write([writeOf(named(menu)('first'), 1)])
    return {
      shelves,
      name: named(menu),
      close: async () => void (await Promise.all(processes.map((each) => each.close()))),
    }
  },
  kept: async () => {
    const first = await openGround()
    const second = await openGround({ servers: [first.a, first.b] })
    return {
      shelves: [first.shelf(), second.shelf()],
      name: named(orders),
      close: async () => void (await Promise.all([first.close(), second.close()])),
    }
  },
  'kept, home away': async () => {
    const first = await openGround()
    const second = await openGround({ servers: [first.a, first.b] })
    await first.a.crash()
    return {
      shelves: [first.shelf(), second.shelf()],
      name: named(orders),
      close: async () => void (await Promise.all([first.close(), second.close()])),
    }
  },
  'fail-closed': async () => {
    const redis = await startTestRedis()
    const stores = [openRedisStore(redis.url), openRedisStore(redis.url)] as const
    const shelf = (store: (typeof stores)[0]): Shelf => createFailClosedShelf(menu, store, { stale: () => false })
    return {
      shelves: [shelf(stores[0]), shelf(stores[1])],
      name: named(menu),
      close: async () => void (await Promise.all(stores.map((store) => store.close()))),
    }
  },
  embedded: async () => {
    const dir = testFolder()
    const stores = [0, 1].map(() => createEmbeddedStore({ name: 'embedded', dir, namespace: '' }))
    const [a, b] = stores.map((store) => createStraightShelf(menu, store))
    if (a === undefined || b === undefined) throw new Error('no stores')
    return {
      shelves: [a, b],
      name: named(menu),
      close: async () => void (await Promise.all(stores.map((store) => store.close()))),
    }
  },
}
