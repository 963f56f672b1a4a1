import type { ErrorPlace } from '../errors.js'
import { StoreError } from '../instances/store.js'
import { fromStore } from './store-errors.js'

/** How one of several commands of a call ended. */
export interface Part {
  /** Something was written, or may have been. */
  readonly applied: boolean
  readonly error?: unknown
}

export const part = (command: Promise<unknown>): Promise<Part> => command.then(done, failed)

const done = (): Part => ({ applied: true })
const failed = (error: unknown): Part => ({
  applied: error instanceof StoreError && error.applied === 'unknown',
  error,
})

/**
 * Throws where a part failed: then the call did. What was applied of the call is 'no' only if nothing was applied of
 * any part, so all of them must have ended.
 */
export const whole = (ended: readonly Part[], place: ErrorPlace): void => {
  const bad = ended.find(({ error }) => error !== undefined)
  if (bad !== undefined)
    throw fromStore(bad.error, ended.some(({ applied }) => applied) ? { ...place, applied: 'unknown' } : place)
}
