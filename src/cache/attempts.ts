import { LRUCache } from 'lru-cache'
import { NOTE_LIFE } from '../instances/lease-rules.js'

/**
 * What is remembered of attempts to renew stale values, key by key: who failed rests a while, and who died with its
 * step shall be waited for the next time. Bounded: the keys that were tried least recently are forgotten.
 */
export interface Attempts {
  /** An attempt failed a moment ago: there is no other before its rest is over. */
  rests(id: string): boolean
  /** ms for which there is no other attempt now; longer each time. */
  failed(id: string): number
  /** One failed in another process, and rests for so long. */
  failedElsewhere(id: string, ms: number): void
  /** It ended with its step. Forgotten after a while, as the note at the key is. */
  died(id: string): void
  hasDied(id: string): boolean
  /** One worked, here or elsewhere: all is forgotten. */
  worked(id: string): void
}

interface Attempt {
  failures: number
  restsUntil: number
  /** Until when it is remembered that it died. */
  diedUntil: number
}

const FIRST_REST = 1_000
const LONGEST_REST = 30_000
/** After so long without another failure the next one is a first one. */
const FORGOTTEN = 2 * LONGEST_REST
const MOST = 10_000

/** `elapsed`: monotonic ms. */
export const createAttempts = (elapsed: () => number): Attempts => {
  const attempts = new LRUCache<string, Attempt>({ max: MOST })

  const attemptAt = (id: string): Attempt => {
    const attempt = attempts.get(id) ?? { failures: 0, restsUntil: 0, diedUntil: 0 }
    attempts.set(id, attempt)
    return attempt
  }

  return {
    rests: (id) => (attempts.get(id)?.restsUntil ?? 0) > elapsed(),
    failed: (id) => {
      const attempt = attemptAt(id)
      const now = elapsed()
      if (attempt.restsUntil + FORGOTTEN < now) attempt.failures = 0
      const rest = Math.min(LONGEST_REST, FIRST_REST * 2 ** attempt.failures)
      attempt.failures++
      attempt.restsUntil = now + rest
      return rest
    },
    failedElsewhere: (id, ms) => {
      const attempt = attemptAt(id)
      attempt.restsUntil = Math.max(attempt.restsUntil, elapsed() + ms)
    },
    died: (id) => {
      attemptAt(id).diedUntil = elapsed() + NOTE_LIFE
    },
    hasDied: (id) => (attempts.get(id)?.diedUntil ?? 0) > elapsed(),
    worked: (id) => void attempts.delete(id),
  }
}
