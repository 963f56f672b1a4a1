import { type Call, now, scopeOf } from './history.ts'
import { places } from './places.ts'

/** Where more than one instance is away, nobody knows what a mirrored category or somebody else's state holds. */
const unknowable: Readonly<Record<string, readonly string[]>> = {
  'cache.get': ['CACHE_UNAVAILABLE', 'CACHE_TIMEOUT'],
  'cache.getMany': ['CACHE_UNAVAILABLE', 'CACHE_TIMEOUT'],
  'cache.touch': ['CACHE_UNAVAILABLE', 'CACHE_TIMEOUT'],
  'cache.keys': ['CACHE_UNAVAILABLE', 'CACHE_TIMEOUT'],
  'state.get': ['STATE_UNKNOWN', 'STATE_TIMEOUT'],
  'state.getGroup': ['STATE_UNKNOWN', 'STATE_TIMEOUT'],
}

/** The outcome of an increment isn't known: the one call of a failover category that may fail in a single outage. */
export const isLostCount = ({ op, outcome, code }: Call): boolean =>
  op === 'cache.increment' && outcome === 'unknown' && code === 'CACHE_TIMEOUT'

/**
 * Its own process stood still for so long that nothing was left of the time that the call, or one batch of it, had. A third
 * of that is kept for another instance where one is away, and where two are a third of the third for the files.
 */
export const stoodStill = ({ late, limit, each = limit }: Pick<Call, 'late' | 'limit' | 'each'>, away = 1): boolean =>
  late > each / 3 ** Math.max(1, away)

/** That is why it failed. */
export const wasStarved = (
  call: Pick<Call, 'late' | 'limit' | 'each'> & { readonly code?: string | undefined },
  away = 1,
): boolean => stoodStill(call, away) && /_TIMEOUT$|^CACHE_UNAVAILABLE$/.test(call.code ?? '')

/** Whether an error is right with so many instances away: what docs/outages.md says of that, and nothing else. */
export const isExplained = (call: Call, away: number): boolean => {
  if (isLostCount(call) || wasStarved(call, away)) return true
  if (away < 2 || (call.does !== 'read' && call.does !== 'count' && call.does !== 'look')) return false
  const kind = places[scopeOf(call.key)]?.kind
  return (
    (kind === 'kept' || kind === 'state' || kind === 'tally') && unknowable[call.op]?.includes(call.code ?? '') === true
  )
}

/** When which instance wasn't well. */
export interface Troubles {
  /** From now on, or from `at`, until what it answers is called: for everybody, or as one process sees it. */
  begin(instance: string, process?: string, at?: number): (at?: number) => void
  /** How many of them weren't at some time of a call. */
  during(call: Pick<Call, 'began' | 'ended'> & Partial<Pick<Call, 'process'>>): number
}

export const createTroubles = (): Troubles => {
  const all: { readonly instance: string; readonly process: string | undefined; readonly from: number; to: number }[] =
    []
  return {
    begin: (instance, process, at = now()) => {
      const trouble = { instance, process, from: at, to: Number.POSITIVE_INFINITY }
      all.push(trouble)
      return (until = now()) => {
        trouble.to = until
      }
    },
    during: (call) => {
      const concerned = all.filter(
        ({ process, from, to }) =>
          (process === undefined || process === call.process) && from < call.ended && to > call.began,
      )
      return new Set(concerned.map(({ instance }) => instance)).size
    },
  }
}
