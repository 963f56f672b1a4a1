import type { Cache, Entry, KeyPage } from '../../types/index.js'
import { decodeValue } from '../codec/decode.js'
import { encodeValue } from '../codec/encode.js'
import type { Encoded } from '../codec/payload.js'
import { cacheError, isCacheError } from '../errors.js'
import {
  type Bound,
  invalid,
  nameOr,
  type Operation,
  optionsOf,
  pairsOf,
  placeOf,
  placesOf,
  requiredCategory,
  tagsOf,
} from './arguments.js'
import { compute, orStale } from './compute.js'
import type { CacheEngine, EncodedEntry, Hits, WithHits } from './engine.js'
import { type AnyFactory, factoryRun } from './factory.js'
import { promised } from './promised.js'

/**
 * The public Cache over an engine. The same code runs in the server process and inside steps, so that answers,
 * errors and types are the same; it must stay tiny. Every method answers with a promise and never throws.
 */
export const createCacheClient = (engine: CacheEngine): Cache => {
  const cache = {
    ...createMethods(engine, undefined),
    category: (name: unknown) => createMethods(engine, { name }),
  }
  // The public types follow the app's declared categories; in here a category is a string and a value unknown.
  return cache as unknown as Cache
}

/** All methods, for calls that name their category, or for the one that is bound. */
const createMethods = (engine: CacheEngine, bound: Bound) => {
  const one = (operation: Operation, key: unknown, options: unknown) =>
    placeOf(operation, key, optionsOf(operation, options, bound).category)
  const many = (operation: Operation, keys: unknown, options: unknown) =>
    placesOf(operation, keys, optionsOf(operation, options, bound).category)

  return {
    get: (key: unknown, options?: unknown): Promise<unknown> =>
      promised(() => engine.get(one('get', key, options)).then(decodeHit)),

    getMany: (keys: unknown, options?: unknown): Promise<Map<string, unknown>> =>
      promised(() => engine.getMany(many('getMany', keys, options)).then(decodeHits, rejectWithFound)),

    getEntry: (key: unknown, options?: unknown): Promise<Entry<unknown> | undefined> =>
      promised(() => engine.getEntry(one('getEntry', key, options)).then(decodeEntry)),

    getOrSet: (key: unknown, factory: unknown, options?: unknown): Promise<unknown> =>
      promised(async () => {
        const { category, given } = optionsOf('getOrSet', options, bound)
        const at = placeOf('getOrSet', key, category)
        if (typeof factory !== 'function')
          throw invalid('getOrSet', category, 'the second argument must be the function that computes the value')
        const acquired = await engine.acquire(at, given)
        if (acquired.outcome === 'hit') return decodeHit(acquired.value)
        const { lease, stale } = acquired
        const about = { category: lease.category, stale: stale !== undefined }
        const computed = compute(lease, 'getOrSet', factoryRun(factory as AnyFactory, at.key, about, given))
        return decodeHit(await (stale === undefined ? computed : orStale(computed, stale)))
      }),

    set: (key: unknown, value: unknown, options?: unknown): Promise<void> =>
      promised(() => {
        const { category, given } = optionsOf('set', options, bound)
        const at = placeOf('set', key, category)
        const encoded = encode('set', category, value)
        return encoded instanceof Promise
          ? encoded.then((ready) => engine.set(at, ready, given))
          : engine.set(at, encoded, given)
      }),

    setMany: (entries: unknown, options?: unknown): Promise<void> =>
      promised(async () => {
        const { category, given } = optionsOf('setMany', options, bound)
        // All are encoded before the first await, so that later changes to the values aren't seen.
        const pairs = pairsOf('setMany', entries, category)
        const encoded = pairs.map(([, value]) => encode('setMany', category, value))
        const ready = encoded.some((one) => one instanceof Promise) ? await Promise.all(encoded) : encoded
        return engine.setMany(
          category,
          pairs.map(([key], index) => [key, ready[index] as Encoded]),
          given,
        )
      }),

    has: (key: unknown, options?: unknown): Promise<boolean> => promised(() => engine.has(one('has', key, options))),

    delete: (key: unknown, options?: unknown): Promise<boolean> =>
      promised(() => engine.delete(one('delete', key, options))),

    deleteMany: (keys: unknown, options?: unknown): Promise<number> =>
      promised(() => engine.deleteMany(many('deleteMany', keys, options))),

    expire: (key: unknown, options?: unknown): Promise<boolean> =>
      promised(() => engine.expire(one('expire', key, options))),

    touch: (key: unknown, options?: unknown): Promise<boolean> =>
      promised(() => {
        const { category, given } = optionsOf('touch', options, bound)
        return engine.touch(placeOf('touch', key, category), given.ttl)
      }),

    increment: (key: unknown, options?: unknown): Promise<number> =>
      promised(() => {
        const { category, given } = optionsOf('increment', options, bound)
        return engine.increment(placeOf('increment', key, category), given)
      }),

    invalidateTags: (tags: unknown, options?: unknown): Promise<number> =>
      promised(() => {
        const { category } = optionsOf('invalidateTags', options, bound)
        return engine.invalidateTags(category, tagsOf(tags, category))
      }),

    clear: async (options?: unknown): Promise<void> => {
      await engine.clear(requiredCategory('clear', optionsOf('clear', options, bound).category))
    },

    keys: (options?: unknown): Promise<KeyPage> =>
      promised(() => {
        const { category, given } = optionsOf('keys', options, bound)
        return engine.keys(requiredCategory('keys', category), given)
      }),
  }
}

const encode = (operation: Operation, category: string | undefined, value: unknown): Encoded | Promise<Encoded> => {
  const place = { operation, category: nameOr(category) }
  if (value === undefined)
    throw cacheError('CACHE_INVALID_VALUE', 'undefined means absent and is never stored: use delete, or null', place)
  return encodeValue(value, (problem) => cacheError('CACHE_INVALID_VALUE', problem, place))
}

const decodeHit = (encoded: Encoded | undefined): unknown => (encoded === undefined ? undefined : decodeValue(encoded))

/** What was found all the same is on the error, as callers know it. */
const rejectWithFound = async (error: unknown): Promise<never> => {
  const { hits } = error as WithHits
  if (hits !== undefined && isCacheError(error)) {
    Object.assign(error, { found: await decodeHits(hits) })
    Reflect.deleteProperty(error, 'hits')
  }
  throw error
}

const decodeHits = async (hits: Hits): Promise<Map<string, unknown>> => {
  const found = new Map<string, unknown>()
  for (const [key, encoded] of hits) {
    const value = decodeValue(encoded)
    found.set(key, value instanceof Promise ? await value : value)
  }
  return found
}

const decodeEntry = async (entry: EncodedEntry | undefined): Promise<Entry<unknown> | undefined> =>
  entry && { ...entry, value: await decodeValue(entry.value) }
