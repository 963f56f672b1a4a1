import { outcomeOf } from '../../../metrics/read-outcome.js'
import type { CacheUse } from '../../../sight/contract.js'
import type { RunUse } from './cache-use.js'

/** The same work; when it has ended the run knows of it. The time counts from now. */
export type CountCall = <T>(op: string, args: readonly unknown[], work: () => Promise<T>) => () => Promise<T>

/** What ends a computation is part of the getOrSet that began it. */
const parts: ReadonlySet<string> = new Set(['fill', 'skip', 'fail', 'release'])

/** `categoryOf`: of a key whose call names none. */
export const countCalls =
  (run: RunUse, categoryOf: (key: string) => string): CountCall =>
  (op, args, work) => {
    const begun = performance.now()
    const ended = (failed: boolean, value?: unknown): void => {
      const ms = performance.now() - begun
      if (parts.has(op)) {
        run.took(ms)
        return
      }
      const { hits, misses } = failed ? nothing : found(op, args[0], value)
      const operation = op === 'acquire' ? 'getOrSet' : op
      run.count({ operation, category: categoryIn(args[0], categoryOf), ms, hits, misses, failed })
    }
    return () =>
      work().then(
        (value) => {
          ended(false, value)
          return value
        },
        (error) => {
          ended(true)
          throw error
        },
      )
  }

const nothing = { hits: 0, misses: 0 }

const found = (op: string, at: unknown, value: unknown): Pick<CacheUse, 'hits' | 'misses'> => {
  if (op === 'get' || op === 'getEntry') return hitIf(value !== undefined)
  if (op === 'acquire') return hitIf(outcomeOf(value ?? {}) !== 'miss')
  if (op !== 'getMany') return nothing
  const asked = (at as { keys?: unknown }).keys
  const hits = Array.isArray(value) ? value.length : 0
  return { hits, misses: Array.isArray(asked) ? Math.max(0, asked.length - hits) : 0 }
}

const hitIf = (hit: boolean): Pick<CacheUse, 'hits' | 'misses'> => ({ hits: Number(hit), misses: Number(!hit) })

/** Whatever a step sends: a name that no category can have isn't shown. */
const categoryIn = (at: unknown, categoryOf: (key: string) => string): string => {
  if (typeof at !== 'object' || at === null) return '?'
  const { category, key, keys, entries } = at as Readonly<Record<string, unknown>>
  if (category !== undefined) return typeof category === 'string' && NAME.test(category) ? category : '?'
  const first = key ?? (Array.isArray(keys) ? keys[0] : Array.isArray(entries) ? entries[0]?.[0] : undefined)
  return typeof first === 'string' ? categoryOf(first) : 'all'
}

const NAME = /^[a-z][a-z0-9_-]{0,31}$/
