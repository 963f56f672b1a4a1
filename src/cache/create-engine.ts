import type { Cache } from '../../types/index.js'
import { writeEnvelope } from '../codec/envelope.js'
import type { Encoded } from '../codec/payload.js'
import { cacheError } from '../errors.js'
import type { Shelves } from '../failover/shelf.js'
import { StoreError } from '../instances/store.js'
import type { Report } from '../report.js'
import type { Router } from '../routing/router.js'
import type { Settings } from '../settings/settings.js'
import { createAcquirer, flightOf, flightsOf } from './acquiring.js'
import { createBulk } from './bulk.js'
import { type Category, createCategories } from './category.js'
import { createCacheClient } from './client.js'
import type { CacheEngine, EncodedEntry, Place } from './engine.js'
import { createFlights } from './flights.js'
import { createLoading } from './loading.js'
import { createOddities } from './oddities.js'
import { acquiring, noTags, paging, step, wrong } from './options.js'
import { part, whole } from './parts.js'
import { promised } from './promised.js'
import { createReader, type Found, type LocatedFound } from './reading.js'
import { takesNumbers } from './schema.js'
import { fromStore } from './store-errors.js'
import { createWriter } from './writing.js'

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
}

/** Lost races after which `touch` gives up. */
const TOUCH_ATTEMPTS = 20

/** The cache's operations over the stores, in the server process. */
export const createEngine = ({
  settings,
  router,
  shelves,
  report,
  now,
  random,
  elapsed = () => performance.now(),
}: EngineParts): CacheEngine => {
  const categoryOf = createCategories(settings, router, shelves)
  const oddities = createOddities(report, now)
  const reader = createReader(now, oddities)
  const flights = createFlights<Encoded | undefined>()
  /** Called when a write or a removal leaves: what is being computed for the key is of the time before. */
  const changing = (category: Category, key: string): void => {
    if (flights.size > 0) flights.overtake(flightOf(category, key))
  }
  const writer = createWriter(now, random, oddities, changing)
  const acquirer = createAcquirer(flights, reader, writer, elapsed)
  let cache: Cache | undefined
  const ownCache = (): Cache => {
    cache ??= createCacheClient(engine)
    return cache
  }
  const loading = createLoading(settings.loaders, acquirer, ownCache, oddities)

  const at = ({ category, key }: Place, operation: string): Category => categoryOf(category, key, operation)
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
    const { hit, value, name, shelf, source, degraded } = found
    let expiresAt = hit.expires
    if (expiresAt === undefined) {
      // A counter or another's data: only the server knows its end.
      const life = await stored(category, 'getEntry', shelf.life(name))
      if (life === undefined) return undefined
      expiresAt = now() + life
    }
    return {
      value,
      source,
      stale: false,
      degraded,
      createdAt: createdAt(category, hit.createdAt, expiresAt, now()),
      expiresAt,
      tags: hit.tags ?? [],
      version: hit.version ?? '',
      redisKey: name.redisKey,
    }
  }

  const engine: CacheEngine = {
    get: (place) =>
      promised(() => {
        const category = at(place, 'get')
        return loading.has(category)
          ? loading.load(category, place.key, 'get')
          : reader.find(category, place.key, 'get', foundValue)
      }),

    getEntry: async (place) => {
      const category = at(place, 'getEntry')
      const found = await reader.locate(category, place.key, 'getEntry')
      return found && describe(category, found)
    },

    has: async (place) => (await reader.find(at(place, 'has'), place.key, 'has', () => true)) ?? false,

    set: (place, value, options) => promised(() => writer.set(at(place, 'set'), place.key, value, options, 'set')),

    delete: (place) => remove(place, 'delete'),

    // Without grace nothing may be served after its end, so there is nothing to keep.
    expire: (place) => remove(place, 'expire'),

    touch: async (place, ttl) => {
      const category = at(place, 'touch')
      const life = writer.plainTtl(category, ttl, 'touch')
      for (let attempt = 0; attempt < TOUCH_ATTEMPTS; attempt++) {
        const found = await reader.find(category, place.key, 'touch', (entry) => entry)
        if (found === undefined) return false
        const next = { text: '', endsAt: now() + life }
        next.text = renewed(category, found, next.endsAt, now())
        const { shelf, name, text } = found
        if (await stored(category, 'touch', shelf.swap(name, text, next))) return true
      }
      throw cacheError(
        'CACHE_UNAVAILABLE',
        `the entry was changed by others ${TOUCH_ATTEMPTS} times while it was given a new ttl`,
        category.place('touch'),
      )
    },

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

    invalidateTags: async (category, tags) => {
      const place = { category: category ?? 'cache', operation: 'invalidateTags' }
      noTags(tags.length === 0 ? undefined : tags, place)
      return 0
    },

    clear: async (name) => {
      const category = enumerable(name, 'clear')
      flights.overtakeAll(flightsOf(category))
      await stored(category, 'clear', category.shelf.clear())
    },

    keys: async (name, options) => {
      const category = enumerable(name, 'keys')
      const place = category.place('keys')
      const { prefix, cursor, limit } = paging(options, place)
      const { keyPrefix } = category.settings
      const page = await category.shelf.scan(prefix, cursor, limit).catch((error) => {
        // A right that is missing would have shown on the first page.
        const badCursor = cursor !== undefined && error instanceof StoreError && error.kind === 'refused'
        throw badCursor ? wrong(`cursor: ${error.message}`, place) : fromStore(error, place)
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

    ...createBulk({ categoryOf, reader, writer, loading, changing }),
  }
  return engine
}

const foundValue = ({ value }: Found) => value

/** An entry that doesn't say when it was written was given its category's ttl then. 0: not known. */
const createdAt = (category: Category, said: number | undefined, expiresAt: number, now: number): number => {
  if (said !== undefined) return said
  return Number.isFinite(expiresAt) ? Math.min(now, expiresAt - category.settings.ttl) : 0
}

/** The text of an entry with a new end. One that doesn't say its end lives by the server's ttl alone, and stays as it is. */
const renewed = (category: Category, { hit, text }: Found, expires: number, now: number): string =>
  hit.expires === undefined
    ? text
    : writeEnvelope(hit.value, {
        ...hit,
        expires,
        createdAt: createdAt(category, hit.createdAt, hit.expires, now),
        hardExpiry: undefined,
      })
