import { setTimeout } from 'node:timers/promises'
import type { Instance } from '../../instances/instance.js'
import type { Journal } from './journal.js'
import type { Scope } from './journal-entries.js'
import type { Added } from './journal-sums.js'

/** ms between two looks whether a batch has been added. */
const LOOK_EVERY = 3

/**
 * Increments that wait for home are in the journal until they are in the counter, and for a moment in both. So a counter
 * is read between two batches of them: in no other way is each counted once.
 */
export interface SteadySums {
  /**
   * What waits for each of the keys, for `read` to add to what it finds. Called again where a batch got in between, for
   * `ms` at most. Of a batch that was lost on its way nobody knows how much is in it: until it is replayed once more,
   * that may be counted twice.
   */
  with<T>(keys: readonly string[], ms: number, read: (added: readonly (Added | undefined)[]) => Promise<T>): Promise<T>
  /** Which state of replay a number belongs to that is told now; undefined: a batch for that counter is under way. */
  state(key: string): number | undefined
}

export const createSteadySums = (
  journal: Journal | undefined,
  home: Pick<Instance, 'name'>,
  scope: Scope,
): SteadySums => ({
  with: async (keys, ms, read) => {
    if (journal === undefined || !journal.holds(home.name)) return read([])
    const end = performance.now() + ms
    for (;;) {
      const batch = journal.adding(home.name)
      const found = keys.map((key) => journal.find(home.name, scope, key))
      if (found.every((each) => each?.counted !== true)) return read([])
      const patient = performance.now() < end
      if (patient && found.some((each) => each?.beingAdded === true)) {
        await setTimeout(LOOK_EVERY)
        continue
      }
      const answer = await read(found.map((each) => each?.added))
      if (!patient || journal.adding(home.name) === batch) return answer
    }
  },
  state: (key) => {
    if (journal === undefined) return 0
    const batch = journal.adding(home.name)
    return journal.find(home.name, scope, key)?.beingAdded === true ? undefined : batch
  },
})
