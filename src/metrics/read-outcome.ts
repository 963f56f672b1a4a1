/** What came of reading one key. */
export type ReadOutcome = 'hit' | 'stale' | 'miss'

/** What a getOrSet is answered first, as the engine says it and as it goes to a step. */
interface Acquiring {
  readonly value?: unknown
  readonly lease?: unknown
  readonly stale?: true | { readonly patience: number } | undefined
}

/**
 * Pure. Of a getOrSet, for metrics and for runs of steps: what has to be computed is a miss, also where a stale value is
 * there in case that it fails or takes long; stale is what is answered at once. What is remembered as absent is a miss, as
 * for get.
 */
export const outcomeOf = ({ value, lease, stale }: Acquiring): ReadOutcome => {
  if (lease !== undefined) return typeof stale === 'object' && stale.patience === 0 ? 'stale' : 'miss'
  return stale === true ? 'stale' : value === undefined ? 'miss' : 'hit'
}
