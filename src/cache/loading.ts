import type { Cache, Loader } from '../../types/index.js'
import type { Encoded } from '../codec/payload.js'
import { cacheError, isCacheError } from '../errors.js'
import type { Acquirer } from './acquiring.js'
import type { Category } from './category.js'
import { compute, type Produced } from './compute.js'
import type { Oddities } from './oddities.js'

export interface Loading {
  has(category: Category): boolean
  /** Reads through: the stored value, or what the category's loader makes of the key (undefined: absent). */
  load(category: Category, key: string, operation: string): Promise<Encoded | undefined>
}

/** `cache`: what loaders get to work with; asked for only when one runs. */
export const createLoading = (
  loaders: ReadonlyMap<string, Loader<unknown>>,
  { acquire }: Acquirer,
  cache: () => Cache,
  oddities: Oddities,
): Loading => {
  const loadFailed = (category: Category, operation: string, cause: unknown) => {
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

  return {
    has: ({ settings }) => loaders.has(settings.name),
    load: async (category, key, operation) => {
      const { name } = category.settings
      const run = async (signal: AbortSignal): Promise<Produced> => {
        try {
          const value = await loaders.get(name)?.(key, { category: name, stale: false, signal, cache: cache() })
          return { value, skip: false, options: {} }
        } catch (error) {
          oddities.loaderFailed(category.settings, error)
          throw loadFailed(category, operation, error)
        }
      }
      const acquired = await acquire(category, key, operation, { fresh: false, hardTimeout: undefined }).catch(
        (error: unknown) => {
          // The error of a factory that computed the key while this waited.
          throw isCacheError(error) ? error : loadFailed(category, operation, error)
        },
      )
      return acquired.outcome === 'hit' ? acquired.value : compute(acquired.lease, operation, run)
    },
  }
}
