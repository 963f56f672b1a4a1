import type { CacheError } from '../../types/index.js'
import { cacheError } from '../errors.js'
import { categoryNameProblem, isCategoryName } from '../settings/names.js'
import type { CategorySettings, Settings } from '../settings/settings.js'
import { route } from './strategies.js'

export interface Router {
  /**
   * The category a call belongs to: the one it names, else what `inferCategory` says of its key, else `cache`.
   * @throws CacheError CACHE_INVALID_OPTION for what is no category name, CACHE_UNKNOWN_CATEGORY where strategy
   * `category` doesn't know it.
   */
  resolve(category: string | undefined, key: string, operation: string): CategorySettings
}

/** Names come from callers, so what is remembered of the unlisted ones is bounded. */
const mostRemembered = 10_000
const mostNotices = 100

/** `notice` gets a line the first time that an unlisted category is used. */
export const createRouter = (settings: Settings, notice: (line: string) => void): Router => {
  const unlisted = new Map<string, CategorySettings>()
  let notices = 0

  const say = (line: string): void => {
    notices += 1
    if (notices <= mostNotices) notice(line)
    if (notices === mostNotices) notice('more than 100 unlisted categories; further ones are not named here')
  }

  const firstUse = (name: string, operation: string): CategorySettings => {
    if (!isCategoryName(name)) throw invalidName(name, settings, operation)
    const found = route(settings, name)
    if ('refused' in found) throw cacheError('CACHE_UNKNOWN_CATEGORY', found.refused, { category: name, operation })
    if (found.notice !== undefined) say(found.notice)
    if (unlisted.size >= mostRemembered) dropOldest(unlisted)
    unlisted.set(name, found.category)
    return found.category
  }

  return {
    resolve(category, key, operation) {
      const name = category === undefined ? (inferred(settings, key, operation) ?? 'cache') : category
      return settings.categories.get(name) ?? unlisted.get(name) ?? firstUse(name, operation)
    },
  }
}

const inferred = (settings: Settings, key: string, operation: string): string | undefined => {
  try {
    return settings.inferCategory(key)
  } catch (error) {
    // Its message may repeat the key.
    const kind = error instanceof Error ? error.name : typeof error
    throw cacheError('CACHE_INVALID_OPTION', `inferCategory threw (${kind}); it must answer a category or undefined`, {
      category: 'cache',
      operation,
    })
  }
}

const invalidName = (name: unknown, settings: Settings, operation: string): CacheError =>
  cacheError('CACHE_INVALID_OPTION', categoryNameProblem(name, settings.categories.keys()), { category: '', operation })

const dropOldest = (map: Map<string, unknown>): void => {
  const [oldest] = map.keys()
  if (oldest !== undefined) map.delete(oldest)
}
