import { writeBare } from '../codec/bare.js'
import { packValue, writeAbsent, writeEnvelope } from '../codec/envelope.js'
import type { Packed } from '../codec/packed.js'
import type { Encoded } from '../codec/payload.js'
import { valueBytes } from '../codec/size.js'
import { cacheError, type ErrorPlace } from '../errors.js'
import type { EntryName, ShelfWrite } from '../failover/shelf.js'
import type { Category } from './category.js'
import type { EncodedWriteOptions } from './engine.js'
import type { Oddities } from './oddities.js'
import { optionalDuration, writing } from './options.js'
import { part, whole } from './parts.js'
import { admit } from './schema.js'
import { fromStore } from './store-errors.js'
import { wrongOption } from './wrong-option.js'

/** A checked value, ready to be stored, and what a reader will get of it. */
export interface Prepared {
  readonly write: ShelfWrite
  /** The raw older key: it goes with the write, else its value would be read again when the new one ends. */
  readonly legacy: EntryName | undefined
  readonly value: Encoded
}

/** How long an entry lives, in ms from when it is written, and its tags. */
export interface Life {
  readonly ttl: number
  /** 0: none. */
  readonly grace: number
  readonly tags: readonly string[] | undefined
}

export interface Writer {
  /** Checks and stores one value. What is wrong with it is thrown or rejected. */
  set(category: Category, key: string, value: Encoded, options: EncodedWriteOptions, operation: string): Promise<void>
  /** What an entry written now shall live by; jitter only ever shortens its ttl. */
  life(category: Category, options: EncodedWriteOptions, operation: string): Life
  /** ms for a call that takes a ttl alone; without jitter. */
  plainTtl(category: Category, ttl: unknown, operation: string): number
  /**
   * Throws or rejects with CACHE_SCHEMA, CACHE_TOO_LARGE or CACHE_INVALID_VALUE before anything is written. A promise
   * only under a schema, or to compress a long value, so that the other writes leave in the tick in which they were
   * asked for.
   */
  prepare(
    category: Category,
    key: string,
    value: Encoded,
    life: Life,
    operation: string,
    ms?: number,
  ): Prepared | Promise<Prepared>
  /** "There is nothing", for `ttl` ms. */
  prepareAbsent(category: Category, key: string, ttl: number, tags: Life['tags']): ShelfWrite
  /** Stores what was prepared, and with it removes the older key. */
  store(category: Category, prepared: Prepared, operation: string): Promise<void>
}

/** A value was compressed to be stored: the bytes of its text, and of what is stored in its place. */
export type Compressed = (category: string, before: number, after: number) => void

/** `changing`: told of each write that isn't a computation's, when it leaves. */
export const createWriter = (
  now: () => number,
  random: () => number,
  oddities: Oddities,
  changing: (category: Category, key: string) => void,
  compressed: Compressed,
): Writer => {
  const remarked = (category: Category, written: unknown, ttl: number): number => {
    if (typeof written === 'number' && ttl < 1000) oddities.shortTtl(category.settings, ttl)
    return ttl
  }
  const entry = (
    category: Category,
    key: string,
    value: Encoded,
    stored: Encoded | Packed,
    { ttl, grace, tags }: Life,
    operation: string,
  ): Prepared => {
    const { settings } = category
    const written = now()
    const expires = written + ttl
    const endsAt = expires + grace
    const text =
      settings.codec === 'json'
        ? writeBare(value, (problem) => cacheError('CACHE_INVALID_VALUE', problem, category.place(operation)))
        : writeEnvelope(stored, {
            expires,
            tags,
            // An entry with its category's own ttl shows by its end when it was written.
            createdAt: ttl === settings.ttl ? undefined : written,
            hardExpiry: grace === 0 ? undefined : endsAt,
          })
    // Field by field: a spread would cost as much as the text.
    const { redisKey } = category.name(key)
    return { write: { key, redisKey, text, endsAt, tags }, legacy: category.legacy(key), value }
  }

  const writer: Writer = {
    set: (category, key, value, options, operation) => {
      const send = (ready: Prepared): Promise<void> => {
        changing(category, key)
        return writer.store(category, ready, operation)
      }
      const prepared = writer.prepare(category, key, value, writer.life(category, options, operation), operation)
      return prepared instanceof Promise ? prepared.then(send) : send(prepared)
    },

    store: (category, { write, legacy }, operation) => {
      const written = category.shelf.write([write])
      if (legacy !== undefined) {
        const removed = category.older.remove([legacy])
        return Promise.all([part(written), part(removed)]).then((ended) => whole(ended, category.place(operation)))
      }
      return written.catch((error) => {
        throw fromStore(error, category.place(operation))
      })
    },

    life: (category, options, operation) => {
      const { settings } = category
      const place = category.place(operation)
      const asked = writing(options, place)
      const ttl = asked.ttl === undefined ? settings.ttl : remarked(category, options.ttl, asked.ttl)
      if (settings.codec === 'json' && asked.grace !== undefined && asked.grace !== false)
        throw wrongOption("grace: codec 'json' has no place for it; use codec 'keyv', or leave grace out", place)
      // Silently dropped tags would be entries that no invalidation ever reaches.
      if (settings.codec === 'json' && asked.tags !== undefined)
        throw wrongOption("tags: codec 'json' has no place for them; use codec 'keyv', or leave tags out", place)
      const grace = settings.codec === 'json' ? false : (asked.grace ?? settings.grace)
      return {
        ttl: settings.jitter === 0 ? ttl : Math.max(1, Math.round(ttl * (1 - settings.jitter * random()))),
        grace: grace === false ? 0 : grace,
        tags: asked.tags,
      }
    },

    plainTtl: (category, ttl, operation) => {
      const asked = optionalDuration('ttl', ttl, category.place(operation))
      return asked === undefined ? category.settings.ttl : remarked(category, ttl, asked)
    },

    prepare: (category, key, value, life, operation, ms = category.settings.hardTimeout) => {
      const { settings } = category
      const place = category.place(operation)
      checkSize(value, settings.maxBytes, place)
      const ready = (admitted: Encoded): Prepared | Promise<Prepared> => {
        if (settings.compressAbove === false || settings.codec === 'json')
          return entry(category, key, admitted, admitted, life, operation)
        const counted = (stored: Encoded | Packed): Prepared => {
          if ('packed' in stored) compressed(settings.name, valueBytes(admitted), stored.packed.length)
          return entry(category, key, admitted, stored, life, operation)
        }
        const packed = packValue(admitted, settings.compressAbove)
        return packed instanceof Promise ? packed.then(counted) : counted(packed)
      }
      if (settings.schema === undefined) return ready(value)
      return admit(settings.schema, value, place, ms).then((admitted) => {
        checkSize(admitted, settings.maxBytes, place)
        return ready(admitted)
      })
    },

    prepareAbsent: (category, key, ttl, tags) => {
      const expires = now() + ttl
      return { ...category.name(key), text: writeAbsent({ expires, tags }), endsAt: expires, tags }
    },
  }
  return writer
}

const checkSize = (value: Encoded, maxBytes: number, place: ErrorPlace): void => {
  // A UTF-16 unit takes at most 3 bytes, so most values needn't be measured.
  if (value.meta === undefined && value.json.length * 3 <= maxBytes) return
  const bytes = valueBytes(value)
  if (bytes <= maxBytes) return
  throw cacheError(
    'CACHE_TOO_LARGE',
    `the value takes ${bytes} bytes, category '${place.category}' allows ${maxBytes} (its maxBytes)`,
    place,
  )
}
