import { AsyncLocalStorage } from 'node:async_hooks'
import type { Cache, CacheErrorCode, Loader } from '../../types/index.js'
import type { Encoded } from '../codec/payload.js'
import { cacheError, isCacheError } from '../errors.js'
import type { Acquirer, Wanted } from './acquiring.js'
import type { Category } from './category.js'
import { compute, orStale, type Produced } from './compute.js'
import { type Cost, createCost, isEarly } from './early.js'
import type { Acquired, Lease } from './engine.js'
import type { Oddities } from './oddities.js'
import { type Found, itself, type Reader } from './reading.js'
import { createSlots, LOADS, type Seat, type Slots } from './slots.js'

export interface Loading {
  has(category: Category): boolean
  /** Reads through: the stored value, or what the category's loader makes of the key (undefined: absent). */
  get(category: Category, key: string, operation: string): Promise<Encoded | undefined>
  /** The same, where no fresh value was found; perhaps a stale one. */
  load(category: Category, key: string, operation: string, stale: Found | undefined): Promise<Encoded | undefined>
  /** A fresh value was found: near its end it may be time to renew it. */
  found(category: Category, key: string, found: Found): void
}

export interface LoadingParts {
  readonly loaders: ReadonlyMap<string, Loader<unknown>>
  readonly acquirer: Acquirer
  readonly reader: Reader
  /** What loaders get to work with; asked for only when one runs. */
  readonly cache: () => Cache
  readonly oddities: Oddities
  readonly now: () => number
  readonly elapsed: () => number
  readonly random: () => number
}

/** A category's loader at work. */
interface Source {
  readonly loader: Loader<unknown>
  readonly slots: Slots
  readonly cost: Cost
}

const plain: Wanted = {
  fresh: false,
  grace: undefined,
  softTimeout: undefined,
  hardTimeout: undefined,
  tellsFailures: true,
}

export const createLoading = (parts: LoadingParts): Loading => {
  const { acquirer, reader, cache, oddities, now, elapsed, random } = parts
  const sources = new Map<string, Source>()
  for (const [name, loader] of parts.loaders)
    sources.set(name, { loader, slots: createSlots(LOADS), cost: createCost() })

  /** The seat of the loader that is asking, if one is: what it loads may wait for what it holds up. */
  const seats = new AsyncLocalStorage<Seat>()

  const sourceOf = ({ settings }: Category): Source => {
    const source = sources.get(settings.name)
    if (source === undefined) throw new Error(`category '${settings.name}' has no loader`)
    return source
  }

  const run = async (category: Category, key: string, stale: boolean, signal: AbortSignal): Promise<Produced> => {
    const { loader, cost } = sourceOf(category)
    const began = elapsed()
    const value = await loader(key, { category: category.settings.name, stale, signal, cache: cache() })
    cost.took(elapsed() - began)
    return { value, skip: false, options: {} }
  }

  /** Under a lease, on a seat that was taken or is waited for. */
  const computed = (
    { lease, stale }: Extract<Acquired, { outcome: 'lease' }>,
    category: Category,
    key: string,
    operation: string,
    taken: Seat | undefined,
  ): Promise<Encoded | undefined> => {
    const { slots } = sourceOf(category)
    const produce = async (signal: AbortSignal): Promise<Produced> => {
      const seat = taken ?? (await slots.enter(signal))
      // A loader that hangs must not keep its seat for good.
      signal.addEventListener('abort', seat.leave)
      try {
        // Its time may be over before it began.
        signal.throwIfAborted()
        return await seats.run(seat, run, category, key, stale !== undefined, signal)
      } catch (error) {
        throw failure(category, operation, error)
      } finally {
        seat.leave()
      }
    }
    const { settings } = category
    const fail = (error: unknown): void => {
      const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
      oddities.loaderFailed(settings, cause)
      lease.fail(error)
    }
    // What was made can still be refused, and behind a stale value nobody hears of it.
    const fill: Lease['fill'] = async (value, options) => {
      try {
        const filled = await lease.fill(value, options)
        oddities.loaderWorked(settings)
        return filled
      } catch (error) {
        if (isRefusal(error)) oddities.loaderFailed(settings, error)
        throw error
      }
    }
    return compute({ ...lease, fill, fail }, operation, produce)
  }

  const loadNow: Loading['load'] = async (category, key, operation, stale) => {
    // Nobody waits for what is loaded behind a stale value, so it needn't wait either: a later read tries again.
    const behind = stale?.value !== undefined && category.settings.softTimeout === 0
    const seat = behind ? sourceOf(category).slots.tryEnter() : undefined
    if (behind && seat === undefined) return stale.value
    let acquired: Acquired | undefined
    try {
      acquired = await acquirer.acquire(category, key, operation, plain)
    } catch (error) {
      // The error of a factory that computed the key while this waited.
      throw isCacheError(error) ? error : failure(category, operation, error)
    } finally {
      if (acquired?.outcome !== 'lease') seat?.leave()
    }
    if (acquired.outcome === 'hit') return acquired.value
    const loaded = computed(acquired, category, key, operation, seat)
    return acquired.stale === undefined ? loaded : orStale(loaded, acquired.stale)
  }

  const load: Loading['load'] = (...wish) => {
    const asking = seats.getStore()
    return asking === undefined ? loadNow(...wish) : asking.lend(() => loadNow(...wish))
  }

  const renew = async (category: Category, key: string, end: number): Promise<void> => {
    const seat = sourceOf(category).slots.tryEnter()
    if (seat === undefined) return
    let acquired: Acquired | undefined
    try {
      acquired = await acquirer.acquire(category, key, 'get', { ...plain, renew: end })
    } finally {
      if (acquired?.outcome !== 'lease') seat.leave()
    }
    if (acquired.outcome === 'lease') await computed(acquired, category, key, 'get', seat)
  }

  const found: Loading['found'] = (category, key, { entry, value }) => {
    const cost = sources.get(category.settings.name)?.cost.ms()
    const { expires } = entry
    if (cost === undefined || expires === undefined || value === undefined) return
    if (!isEarly(expires - now(), cost, random())) return
    // What its loader suffers is told; for the rest, an instance that is away for instance, there is still a value.
    renew(category, key, expires).catch(nothing)
  }

  return {
    has: ({ settings }) => sources.has(settings.name),
    load,
    found,
    get: async (category, key, operation) => {
      const seen = await reader.find(category, key, operation, itself)
      if (seen === undefined || seen.stale) return load(category, key, operation, seen)
      found(category, key, seen)
      return seen.value
    },
  }
}

const nothing = (): void => undefined

const refusals: ReadonlySet<string> = new Set<CacheErrorCode>([
  'CACHE_SCHEMA',
  'CACHE_TOO_LARGE',
  'CACHE_INVALID_VALUE',
])

/** It is the value's fault; an instance that is away or slow is told by others. */
const isRefusal = (error: unknown): boolean => isCacheError(error) && refusals.has(error.code)

const failure = (category: Category, operation: string, cause: unknown) => {
  const { name } = category.settings
  const kind = cause instanceof Error ? cause.name : `it threw a value of type ${typeof cause}`
  // The loader's own text may hold anything; it is in `cause`, for the server process.
  const error = cacheError('CACHE_LOAD_FAILED', `the loader of category '${name}' failed (${kind})`, {
    category: name,
    operation,
  })
  error.cause = cause
  return error
}
