import { StoreError } from '../../instances/store.js'

/**
 * The error of a change that `instance` couldn't take, and the journal neither: of kind 'journal' where that is full or
 * missing, of its own kind where only the disk fails.
 */
export const journalFailure = (instance: string, error: StoreError, applied: StoreError['applied']): StoreError =>
  new StoreError(
    error.kind === 'full' ? 'journal' : error.kind,
    instance,
    `${instance}: it can't take the change now, and the ${error.message}`,
    applied,
  )
