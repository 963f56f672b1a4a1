import type { Cache } from '../../types/index.js'
import type { Encoded } from '../codec/payload.js'
import { cacheError } from '../errors.js'
import type { Shelves } from '../failover/shelf.js'
import { StoreError } from '../instances/store.js'
import type { Corruption } from '../metrics/category-meter.js'
import type { Report } from '../report.js'
import type { Router } from '../routing/router.js'
import type { Settings } from '../settings/settings.js'
import { createAcquirer } from './acquiring.js'
import { createAttempts } from './attempts.js'
import { createBulk } from './bulk.js'
import { type Category, createCategories, withoutSchema } from './category.js'
import { createCacheClient } from './client.js'
import type { CacheEngine, EncodedEntry, Lease, Place } from './engine.js'
import { createFlights, flightOf, flightsOf } from './flights.js'
import { createHold, type Hold } from './holding.js'
import { createdAt, createLives } from './lives.js'
import { createLoading } from './loading.js'
import { createOddities } from './oddities.js'
import { acquiring, paging, step } from './options.js'
import { part, whole } from './parts.js'
import { promised } from './promised.js'
import { createReader, freshValue, type LocatedFound } from './reading.js'
import { takesNumbers } from './schema.js'
import { fromStore } from './store-errors.js'
import { createInvalidating } from './tags/invalidating.js'
import { type Compressed, createWriter } from './writing.js'
import { wrongOption } from './wrong-option.js'

export interface EngineParts {
  readonly settings: Settings
  readonly router: Router
  readonly shelves: Shelves
  readonly report: Report
  /** Epoch ms. */
  readonly now: () => number
  /** Monotonic ms. @default performance.now */
  readonly elapsed?: () => number
  /** 0 ≤ n < 1, for jitter. */
  readonly random: () => number
  /** Told of each run of a factory or loader: a place to count it. @default nobody is */
  readonly watchLease?: (lease: Lease, key: string) => Lease
  /** @default nobody is told */
  readonly compressed?: Compressed
  /** Told of each stored value that can't be answered. @default nobody is */
  readonly corrupt?: (category: string, why: Corruption) => void
  /** Told of each call that waited so many ms for somebody else's computation. @default nobody is */
  readonly waited?: (category: string, ms: number) => void
}

/** The cache's operations over the stores, in the server process. */
export const createEngine = ({
  settings,
  router,
  shelves,
  report,
  now,
  random,
  watchLease = (lease) => lease,
  compressed = () => undefined,
  corrupt,
  waited = () => undefined,
  elapsed = () => performance.now(),
}: EngineParts): CacheEngine => {
  const { categoryOf, names } = createCategories(settings, router, shelves)
  const oddities = createOddities(report, now, corrupt)
  const reader = createReader(now, oddities)
  const flights = createFlights<Encoded | undefined>()
  /** Called when a write or a removal leaves: what is being computed for the key is of the time before. */
  const changing = (category: Category, key: string): void => {
    if (flights.size === 0) return
    for (const unchecked of [false, true]) flights.overtake(flightOf(category.settings.name, key, unchecked))
  }
  /** What is being computed is of the time before, if it will bear one of the tags. */
  const invalidating = (category: string | undefined, tags: readonly string[]): void => {
    if (flights.size > 0) flights.invalidate(category === undefined ? '' : flightsOf(category), tags)
  }
  const writer = createWriter(now, random, oddities, changing, compressed)
  const attempts = createAttempts(elapsed)
  const holdUnwatched = createHold(writer, attempts, oddities, elapsed)
  const hold: Hold = (holding) => watchLease(holdUnwatched(holding), holding.key)
  const acquirer = createAcquirer({ flights, reader, attempts, hold, now, elapsed, waited })
  let cache: Cache | undefined
  const ownCache = (): Cache => {
    cache ??= createCacheClient(engine)
    return cache
  }
  const { loaders } = settings
  const loading = createLoading({ loaders, acquirer, reader, cache: ownCache, oddities, now, elapsed, random })

  const at = ({ category, key, unchecked }: Place, operation: string): Category => {
    const found = categoryOf(category, key, operation)
    return unchecked === true ? withoutSchema(found) : found
  }
  const stored = <T>(category: Category, operation: string, call: Promise<T>): Promise<T> =>
    call.catch((error) => {
      throw fromStore(error, category.place(operation))
    })

  const remove = async (place: Place, operation: 'delete' | 'expire'): Promise<boolean> => {
    const category = at(place, operation)
    const legacy = category.legacy(place.key)
    changing(category, place.key)
    const removals = [category.shelf.remove([category.name(place.key)])]
    if (legacy !== undefined) removals.push(category.older.remove([legacy]))
    const removed = await stored(category, operation, Promise.all(removals))
    return removed.flat().includes(true)
  }

  const enumerable = (name: string, operation: string): Category => {
    const category = categoryOf(name, '', operation)
    if (category.settings.enumerable) return category
    throw cacheError(
      'CACHE_NOT_ENUMERABLE',
      `the keys of category '${name}' have no text before <key>, so ${operation} would reach every key of that Redis`,
      category.place(operation),
    )
  }

  const describe = async (category: Category, found: LocatedFound): Promise<EncodedEntry | undefined> => {
    const { entry, value, stale, name, shelf, source, degraded } = found
    if (value === undefined) return undefined
    let expiresAt = entry.expires
    if (expiresAt === undefined) {
      // A counter or another's data: only the server knows its end.
      const life = await stored(category, 'getEntry', shelf.life(name))
      if (life === undefined) return undefined
      expiresAt = now() + life
    }
    return {
      value,
      source,
      stale,
      degraded,
      createdAt: createdAt(category, entry.createdAt, expiresAt, now()),
      expiresAt,
      tags: entry.tags ?? [],
      version: entry.version ?? '',
      redisKey: name.redisKey,
    }
  }

  const engine: CacheEngine = {
    get: (place) =>
      promised(() => {
        const category = at(place, 'get')
        return loading.has(category)
          ? loading.get(category, place.key, 'get')
          : reader.find(category, place.key, 'get', freshValue)
      }),

    getEntry: async (place) => {
      const category = at(place, 'getEntry')
      const found = await reader.locate(category, place.key, 'getEntry')
      return found && describe(category, found)
    },

    has: async (place) => (await reader.find(at(place, 'has'), place.key, 'has', freshValue)) !== undefined,

    set: (place, value, options) => promised(() => writer.set(at(place, 'set'), place.key, value, options, 'set')),

    delete: (place) => remove(place, 'delete'),

    increment: async (place, options) => {
      const category = at(place, 'increment')
      const by = step(options.by, category.place('increment'))
      const endsAt = now() + writer.plainTtl(category, options.ttl, 'increment')
      const { schema } = category.settings
      const limit = category.settings.hardTimeout
      if (schema !== undefined && !(await takesNumbers(schema, by, category.place('increment'), limit)))
        throw cacheError(
          'CACHE_SCHEMA',
          `the schema of category '${category.settings.name}' takes no whole numbers, so it can't hold a counter`,
          category.place('increment'),
        )
      changing(category, place.key)
      const counted = category.shelf.increment(category.name(place.key), by, endsAt)
      const legacy = category.legacy(place.key)
      if (legacy === undefined) return stored(category, 'increment', counted)
      const removed = category.older.remove([legacy])
      whole(await Promise.all([part(counted), part(removed)]), category.place('increment'))
      return counted
    },

    invalidateTags: createInvalidating({ categoryOf, known: names, shelves, invalidating }),

    clear: async (name) => {
      const category = enumerable(name, 'clear')
      flights.overtakeAll(flightsOf(category.settings.name))
      return stored(category, 'clear', category.shelf.clear())
    },

    keys: async (name, options) => {
      const category = enumerable(name, 'keys')
      const place = category.place('keys')
      const { prefix, cursor, limit } = paging(options, place)
      const { keyPrefix } = category.settings
      const page = await category.shelf.scan(prefix, cursor, limit).catch((error) => {
        // A right that is missing would have shown on the first page.
        const badCursor = cursor !== undefined && error instanceof StoreError && error.kind === 'refused'
        throw badCursor ? wrongOption(`cursor: ${error.message}`, place) : fromStore(error, place)
      })
      return {
        keys: [...new Set(page.keys.map((key) => key.slice(keyPrefix.length)))],
        cursor: page.cursor,
        ...(page.partial && { partial: page.partial }),
      }
    },

    acquire: async (place, options, signal) => {
      const category = at(place, 'getOrSet')
      return acquirer.acquire(category, place.key, 'getOrSet', acquiring(options, category.place('getOrSet')), signal)
    },

    ...createLives({ at, reader, writer, remove, changing, now }),
    ...createBulk({ categoryOf, reader, writer, loading, changing }),
  }
  return engine
}
