import type { Standing } from './health-rules.js'

/** What the prober asks next. PING always; the rest where it is due. */
export interface ProbePlan {
  /** ms from now. */
  readonly wait: number
  /** May writes in? */
  readonly write: boolean
  /** How full is it? */
  readonly memory: boolean
}

/** When something was last learned, by the same clock as `now`. */
export interface LastLearned {
  readonly answer: number
  readonly write: number
  readonly memory: number
}

/** The default of MOTIA_REDIS_PROBE_MS: how often (ms) an idle instance is asked. */
export const IDLE = 1_000
/** How long a probe may take: more where the instance is far away, or slow today. */
export const probeLimit = (latency: number | undefined): number => Math.min(3_000, Math.max(100, (latency ?? 0) * 3))

/** Writes are asked about every so many rounds of an idle instance, and its memory. */
const WRITE_ROUNDS = 5
const MEMORY_ROUNDS = 30

/**
 * Pure: when to ask what. `every`: ms between questions to an idle instance; above the default, which metered servers
 * need, the other waits grow with it. `random`: 0 to 1, so that many processes don't ask at once.
 */
export const planProbe = (
  standing: Standing,
  last: LastLearned,
  now: number,
  every: number,
  random: () => number,
): ProbePlan => {
  const slower = Math.max(1, every / IDLE)
  const between = (least: number, most: number): number => (least + (most - least) * random()) * slower
  const full = standing.unwritable?.kind === 'full'
  switch (standing.phase) {
    case 'suspect':
      return { wait: 20, write: standing.suspected.writes, memory: false }
    case 'down':
      // The connection's own retries are slow then, and there is nothing to ask before.
      if (standing.fault?.slow === true) return { wait: 1_000 * slower, write: true, memory: full }
      return { wait: between(100, 250), write: true, memory: full }
    case 'probing':
      return { wait: standing.pings.count < 3 ? 50 * slower : between(100, 250), write: true, memory: full }
    case 'starting':
    case 'up': {
      if (full) return { wait: 1_000 * slower, write: true, memory: true }
      if (standing.unwritable !== undefined) return { wait: between(250, 500), write: true, memory: false }
      const at = Math.max(now, last.answer + every)
      return {
        wait: at - now,
        write: at - last.write >= every * WRITE_ROUNDS,
        memory: at - last.memory >= every * MEMORY_ROUNDS,
      }
    }
  }
}
