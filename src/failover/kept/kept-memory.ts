import { StoreError } from '../../instances/store.js'
import type { Journal } from '../journal/journal.js'
import { isGroup, type JournalEntry, type KeptEntry } from '../journal/journal-entries.js'
import { journalFailure } from '../journal/journal-failure.js'
import type { Landscape } from '../landscape.js'
import { LEAST } from '../time-left.js'
import type { CallTime, KeptPlace } from './kept-places.js'

/** What the journal has to know of writes of kept data. */
export interface KeptMemory {
  /** Into the journal, for `place`, within the time. `error`: what the place said, if it was asked. */
  remember(place: KeptPlace, entry: JournalEntry, time: CallTime, error: unknown): Promise<void>
  /** Whether anything waits for the place, also of what other processes put there before the call began. */
  waits(place: KeptPlace): boolean
  /** The place has it: what waits for it about the same is of before, and goes. */
  taken(place: KeptPlace, entry: KeptEntry, time: CallTime): Promise<void> | undefined
}

export const createKeptMemory = ({ journal }: Pick<Landscape, 'journal'>): KeptMemory => {
  const durably = async (
    place: KeptPlace,
    write: (journal: Journal) => Promise<void>,
    time: CallTime,
    error: unknown,
  ): Promise<void> => {
    if (journal === undefined) throw noJournal(place, error)
    try {
      await inTime(write(journal), time)
    } catch (fault) {
      if (!(fault instanceof StoreError)) throw fault
      throw journalFailure(place.name, fault, 'unknown')
    }
  }

  const remember: KeptMemory['remember'] = (place, entry, time, error) =>
    durably(place, (open) => open.append(place.name, [entry]), time, error)

  const waits: KeptMemory['waits'] = (place) => {
    journal?.look()
    return journal?.holds(place.name) === true
  }

  /**
   * What waits about the same is of the time before: it must not be what is read where both places go away, and an
   * increment must not be added to what came after it.
   */
  const isBehind = (entry: KeptEntry, place: KeptPlace): boolean => {
    if (journal === undefined || !waits(place)) return false
    if ('key' in entry) {
      const waiting = journal.find(place.name, entry.scope, entry.key)
      if (waiting === undefined) return false
      return waiting.own !== undefined || waiting.cleared !== undefined || waiting.counted
    }
    // Of a category increments may wait, which a clear must not be followed by.
    if (!isGroup(entry.scope)) return true
    const found = journal.findAll(place.name, entry.scope)
    return found !== undefined && (found.own.size > 0 || found.cleared !== undefined)
  }

  return {
    remember,
    waits,
    taken: (place, entry, time) => {
      if (!isBehind(entry, place)) return undefined
      // A clear waits for other keys too, so behind one this waits as well.
      if ('key' in entry && journal?.find(place.name, entry.scope, entry.key)?.cleared !== undefined) {
        return remember(place, entry, time, undefined)
      }
      return durably(place, (open) => open.settle(place.name, entry), time, undefined)
    },
  }
}

export const noJournal = ({ name }: KeptPlace, error: unknown): StoreError =>
  new StoreError(
    'journal',
    name,
    `${name} is away, and without a journal nothing would remember this write for it: set MOTIA_REDIS_DIR to a folder that can be written`,
    error === undefined ? 'no' : 'unknown',
  )

/** ms that the disk gets at least, at the end of a call that needs it. */
const DISK = 100

/** ms for an attempt after which the disk still has its time. */
export const beforeDisk = (time: CallTime): number => Math.max(LEAST, Math.ceil(time.left() - DISK))

const inTime = (work: Promise<void>, time: CallTime): Promise<void> =>
  new Promise((resolve, reject) => {
    const late = (): void =>
      reject(new StoreError('timeout', 'journal', 'journal: the disk took longer than the call may', 'unknown'))
    // Where the event loop stood still the outcome may lie there already: it comes first.
    const timer = setTimeout(() => setImmediate(late), Math.max(DISK, time.left()))
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
