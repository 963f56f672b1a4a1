import type { CacheUse, RunView } from '../../../sight/contract.js'

/** A cache call of a step that has ended. */
export interface EndedCall {
  readonly operation: string
  readonly category: string
  readonly ms: number
  /** Keys that were read and found, and that were not. */
  readonly hits: number
  readonly misses: number
  readonly failed: boolean
}

export type Counted = { -readonly [N in keyof CacheUse]: CacheUse[N] }

/** What one run did with the cache, in a fixed place. */
export interface RunUse {
  readonly use: CacheUse
  readonly slowest: RunView['slowest']
  count(call: EndedCall): void
  /** Time that belongs to a call that was counted already. */
  took(ms: number): void
}

const SLOWEST = 5

export const noUse = (): Counted => ({ calls: 0, hits: 0, misses: 0, errors: 0, ms: 0 })

export const createRunUse = (): RunUse => {
  const use = noUse()
  const slowest: RunView['slowest'][number][] = []
  return {
    use,
    slowest,
    took: (ms) => {
      use.ms += ms
    },
    count: ({ operation, category, ms, hits, misses, failed }) => {
      use.calls += 1
      use.hits += hits
      use.misses += misses
      use.ms += ms
      if (failed) use.errors += 1
      const last = slowest[SLOWEST - 1]
      if (last !== undefined && ms <= last.ms) return
      let at = slowest.findIndex((each) => each.ms < ms)
      if (at < 0) at = slowest.length
      slowest.splice(at, 0, { operation, category, ms })
      slowest.length = Math.min(slowest.length, SLOWEST)
    },
  }
}

/** One line for people, who see nothing but it in a trace. */
export const describeUse = ({ use, slowest }: Pick<RunUse, 'use' | 'slowest'>): string => {
  const { calls, hits, misses, errors, ms } = use
  const found = [many(hits, 'hit', 'hits'), many(misses, 'miss', 'misses'), many(errors, 'error', 'errors')]
  const said = found.filter((each) => each !== undefined).join(', ')
  const longest = slowest.map((call) => `${call.operation} ${call.category} ${rounded(call.ms)} ms`).join(', ')
  return `cache: ${many(calls, 'call', 'calls')} in ${rounded(ms)} ms${said && ` (${said})`}; slowest ${longest}`
}

const many = (count: number, one: string, more: string): string | undefined =>
  count === 0 ? undefined : `${count} ${count === 1 ? one : more}`

const rounded = (ms: number): number => Math.round(ms * 100) / 100
