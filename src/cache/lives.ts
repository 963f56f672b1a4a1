import { writeAbsent, writeEnvelope } from '../codec/envelope.js'
import { cacheError } from '../errors.js'
import type { ShelfWrite } from '../failover/shelf.js'
import type { Category } from './category.js'
import type { CacheEngine, Place } from './engine.js'
import { type Found, freshValue, itself, type Reader } from './reading.js'
import { fromStore } from './store-errors.js'
import type { Writer } from './writing.js'

export interface LivesParts {
  readonly at: (place: Place, operation: string) => Category
  readonly reader: Reader
  readonly writer: Writer
  readonly remove: (place: Place, operation: 'expire') => Promise<boolean>
  readonly changing: (category: Category, key: string) => void
  /** Epoch ms. */
  readonly now: () => number
}

/** Lost races after which `touch` and `expire` give up. */
const ATTEMPTS = 20

/** The calls that change an entry's end and leave its value. */
export const createLives = (parts: LivesParts): Pick<CacheEngine, 'expire' | 'touch'> => {
  const { at, reader, writer, remove, changing, now } = parts

  const swap = (category: Category, { shelf, name, text }: Found, next: Next, operation: string): Promise<boolean> =>
    shelf.swap(name, text, next).catch((error) => {
      throw fromStore(error, category.place(operation))
    })

  /** Until it says how it ended; undefined: others changed the entry meanwhile. */
  const untilDone = async (
    category: Category,
    operation: string,
    attempt: () => Promise<boolean | undefined>,
  ): Promise<boolean> => {
    for (let n = 0; n < ATTEMPTS; n++) {
      const done = await attempt()
      if (done !== undefined) return done
    }
    const text = `the entry was changed by others ${ATTEMPTS} times while it was given a new end`
    throw cacheError('CACHE_UNAVAILABLE', text, category.place(operation))
  }

  return {
    expire: async (place) => {
      // The value stays as it is, so it needn't be one of the category's.
      const category = at({ ...place, unchecked: true }, 'expire')
      return untilDone(category, 'expire', async () => {
        const found = await reader.locate(category, place.key, 'expire')
        const next = found && ended(category, found, now())
        // Without grace there is nothing to keep; and of an outage only removals are remembered.
        if (next === undefined || found?.degraded !== false) return remove(place, 'expire')
        changing(category, place.key)
        // A stale one is changed too: what is being computed for it is of the time before.
        return (await swap(category, found, next, 'expire')) ? !found.stale : undefined
      })
    },

    touch: async (place, ttl) => {
      const category = at(place, 'touch')
      const life = writer.plainTtl(category, ttl, 'touch')
      return untilDone(category, 'touch', async () => {
        const found = await reader.find(category, place.key, 'touch', itself)
        if (found === undefined || freshValue(found) === undefined) return false
        const next = renewed(category, found, life, now())
        return (await swap(category, found, next, 'touch')) || undefined
      })
    },
  }
}

type Next = Pick<ShelfWrite, 'text' | 'endsAt' | 'tags'>

/** ms for which the entry may be answered after its end. */
const graceOf = ({ entry: { expires, hardExpiry } }: Found): number =>
  expires === undefined || hardExpiry === undefined ? 0 : Math.max(0, hardExpiry - expires)

/** It ends now, and its grace begins; never a longer life than it had. Undefined: it has no grace. */
const ended = (category: Category, found: Found, now: number): Next | undefined => {
  const { hardExpiry } = found.entry
  const grace = graceOf(found)
  if (hardExpiry === undefined || grace === 0) return undefined
  return withEnds(category, found, now, Math.min(hardExpiry, now + grace), now)
}

/** The entry with a new life, and the grace it had. One that doesn't say its end lives by the server's ttl alone, and stays as it is. */
const renewed = (category: Category, found: Found, life: number, now: number): Next => {
  const expires = now + life
  if (found.entry.expires === undefined) return { text: found.text, endsAt: expires, tags: undefined }
  return withEnds(category, found, expires, expires + graceOf(found), now)
}

const withEnds = (category: Category, { entry }: Found, expires: number, endsAt: number, now: number): Next => {
  const fields = {
    ...{ expires, tags: entry.tags, version: entry.version },
    createdAt: createdAt(category, entry.createdAt, entry.expires ?? expires, now),
    hardExpiry: endsAt > expires ? endsAt : undefined,
  }
  const text = entry.outcome === 'hit' ? writeEnvelope(entry.packed ?? entry.value, fields) : writeAbsent(fields)
  return { text, endsAt, tags: entry.tags }
}

/** An entry that doesn't say when it was written was given its category's ttl then. 0: not known. */
export const createdAt = (category: Category, said: number | undefined, expiresAt: number, now: number): number => {
  if (said !== undefined) return said
  return Number.isFinite(expiresAt) ? Math.min(now, expiresAt - category.settings.ttl) : 0
}
