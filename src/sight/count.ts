import { createHash } from 'node:crypto'
import type { Category } from '../cache/category.js'
import type { CategorySettings } from '../settings/settings.js'
import type { Asked, CountView } from './contract.js'
import { Refused, seen } from './refused.js'

/** More than so many are not told apart. */
const MOST = 10_000
/** Keys of a page: as many as one SCAN looks at. */
const PAGE = 1_000
/** ms. A million keys of others that lie between take about one second. */
const PATIENCE = 2_000

interface CountParts {
  readonly looking: {
    category(name: string): {
      readonly settings: Pick<CategorySettings, 'enumerable'>
      readonly shelf: Pick<Category['shelf'], 'scan'>
    }
  }
  /** Monotonic ms. */
  readonly elapsed: () => number
}

/**
 * How many entries a category has, one by one: an estimate says nothing of a few among many. What a scan meets twice, and
 * copies of what lies elsewhere, count once.
 */
export const createCountView =
  ({ looking, elapsed }: CountParts) =>
  async ({ category: name }: Asked['count']): Promise<CountView> => {
    const { settings, shelf } = looking.category(name)
    if (!settings.enumerable)
      throw new Refused(`entries of ${name} can't be counted: its key pattern would match every key of the instance`)
    const began = elapsed()
    const there = new Set<string>()
    let cursor: string | undefined
    let partial = false
    do {
      const page = await shelf.scan('', cursor, PAGE).catch((error) => {
        throw seen(error)
      })
      for (const key of page.keys) there.add(idOf(key))
      partial ||= page.partial === true
      cursor = page.cursor
    } while (cursor !== undefined && there.size <= MOST && elapsed() - began < PATIENCE)
    const isMore = there.size > MOST || cursor !== undefined
    return { category: name, entries: Math.min(there.size, MOST), atLeast: isMore || partial }
  }

/** As short for every key, however long others made theirs. */
const idOf = (key: string): string => createHash('sha256').update(key).digest('base64')
