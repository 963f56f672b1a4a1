import type { Instance } from '../instances/instance.js'
import { type CallOptions, type Store, StoreError } from '../instances/store.js'
import type { CategorySettings } from '../settings/settings.js'
import type { Landscape } from './landscape.js'
import { askPlace, isDenied, unleased } from './leases/place-lease.js'
import { storeLease } from './leases/store-lease.js'
import type { EntryName, Shelf } from './shelf.js'
import { storeNext, storeTags, storeWrite } from './store-write.js'

/**
 * Entries of a category that have one place and no other: on an embedded store, which shares its machine's fate, or at
 * the home of a category that fails closed. An outage is the caller's to see.
 */
export const createStraightShelf = (category: CategorySettings, store: Store): Shelf => {
  const { deadline } = category
  return straight(store, {
    category,
    source: 'embedded',
    reading: () => limitOf(deadline.read),
    writing: () => limitOf(deadline.write),
    ready: () => undefined,
  })
}

/** The same on a Redis that may be behind after an outage: it isn't read before it has caught up. */
export const createFailClosedShelf = (
  category: CategorySettings,
  home: Instance,
  { stale }: Pick<Landscape, 'stale'>,
): Shelf => {
  const { deadline } = category
  return straight(home, {
    category,
    source: home.name,
    // One attempt is all there is, so it gets the whole time.
    reading: () => ({ timeout: deadline.read ?? home.deadline('read') }),
    writing: () => ({ timeout: deadline.write ?? home.deadline('write') }),
    ready: () =>
      home.catchingUp() || stale(home.name)
        ? new StoreError(
            'unavailable',
            home.name,
            `${home.name}: back, and catching up with what it missed`,
            'no',
            true,
          )
        : undefined,
  })
}

interface Rules {
  readonly category: Pick<CategorySettings, 'name' | 'codec' | 'keyPrefix'>
  readonly source: string
  reading(): CallOptions
  writing(): CallOptions
  /** Why it can't be read now. */
  ready(): StoreError | undefined
}

const limitOf = (timeout: number | undefined): CallOptions => (timeout === undefined ? {} : { timeout })
const keyOf = ({ redisKey }: EntryName): string => redisKey

const straight = (store: Store, { category, source, reading, writing, ready }: Rules): Shelf => {
  const { keyPrefix } = category
  const whenReady = <T>(read: () => Promise<T>): Promise<T> => {
    const problem = ready()
    return problem === undefined ? read() : Promise.reject(problem)
  }
  const shelf: Shelf = {
    read: ({ redisKey }) => whenReady(() => store.read(redisKey, reading())),
    readMany: (names) => whenReady(() => store.readMany(names.map(keyOf), reading())),
    locate: ({ redisKey }) =>
      whenReady(async () => {
        const text = await store.read(redisKey, reading())
        return text === undefined ? undefined : { text, source, degraded: false }
      }),
    locateMany: (names) =>
      whenReady(async () => {
        const texts = await store.readMany(names.map(keyOf), reading())
        return texts.map((text) => (text === undefined ? undefined : { text, source, degraded: false }))
      }),
    write: (entries) =>
      store.write(
        entries.map((entry) => storeWrite(category, entry)),
        writing(),
      ),
    remove: (names) => store.remove(names.map(keyOf), writing()),
    swap: ({ redisKey }, expected, next) => store.swap(redisKey, expected, storeNext(category, next), writing()),
    life: ({ redisKey }) => whenReady(() => store.life(redisKey, reading())),
    increment: ({ redisKey }, by, endsAt) => store.increment(redisKey, by, endsAt, writing()),
    scan: (begin, cursor, limit) => whenReady(() => store.scan(keyPrefix + begin, cursor, limit, reading())),
    clear: () => store.clear(keyPrefix, writing()),
    invalidate: async (tags, tagged) => {
      const named = storeTags(category.name, tags)
      return named === undefined ? 0 : store.removeTagged(named, { ...writing(), marked: tagged !== undefined })
    },
    lease: (name, ask) =>
      whenReady(() =>
        askPlace(storeLease(store, category, name, writing), ask).catch((error) => {
          if (isDenied(error)) return unleased(shelf.write)
          throw error
        }),
      ),
  }
  return shelf
}
