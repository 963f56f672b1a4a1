import { isOutage } from '../../instances/instance.js'
import { StoreError } from '../../instances/store.js'
import type { JournalEntry } from '../journal/journal-entries.js'
import { journalFailure } from '../journal/journal-failure.js'
import type { EntryName } from '../shelf.js'
import { bounded, type TimeLeft, timeFrom } from '../time-left.js'
import { type CachedSetting, keyOf } from './cached-setting.js'

/** The error, if another place may take home's place; else it is thrown. */
export const outageOf = (error: unknown): StoreError => {
  if (error instanceof StoreError && isOutage(error)) return error
  throw error
}

/** What is written down before a change is made elsewhere than at home. */
export const createMemory = ({ category, home, overlay, parts, writeMs }: CachedSetting) => {
  const { outages } = parts
  const { journal } = parts.landscape
  const { name } = home
  const isDown = (): boolean => !home.readable() && !home.catchingUp()

  return {
    writeTime: (startedAt: number): TimeLeft => timeFrom(startedAt, writeMs()),

    /** Where nothing can be remembered, home's value would be read again as soon as it serves. */
    mayStray: (): boolean => journal !== undefined || (isDown() && category.onOutage !== 'drop'),

    /** What is removed elsewhere and not remembered would be back with home. */
    mayForget: (): boolean => journal !== undefined,

    invalid: ({ key }: EntryName): JournalEntry => ({ kind: 'invalid', scope: overlay.scope, key }),

    /** A server that is full still deletes, which frees memory. That it may fail is what the journal's entry is for. */
    removeOld: (names: readonly EntryName[], full: boolean): void => {
      if (full || (home.readable() && !home.writable())) home.remove(names.map(keyOf)).catch(() => undefined)
    },

    /** Durable when it resolves. Rejects with kind 'journal'; `applied`: what is true of the change so far. */
    remember: async (
      entries: readonly JournalEntry[],
      time: TimeLeft,
      applied: StoreError['applied'],
    ): Promise<void> => {
      if (journal === undefined) return
      try {
        await bounded(time.left(), journal.append(name, entries), diskLate)
      } catch (error) {
        if (!(error instanceof StoreError)) throw error
        throw journalFailure(name, error, applied)
      }
      outages.enter(name, () => journal.stats(name).entries)
    },
  }
}

const diskLate = (): StoreError =>
  new StoreError('timeout', 'journal', 'journal: the disk took longer than the call may', 'unknown')
