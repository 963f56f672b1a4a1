import { writeBare } from '../codec/bare.js'
import { writeEnvelope } from '../codec/envelope.js'
import type { Encoded } from '../codec/payload.js'
import { valueBytes } from '../codec/size.js'
import { cacheError, type ErrorPlace } from '../errors.js'
import type { EntryName, ShelfWrite } from '../failover/shelf.js'
import type { Category } from './category.js'
import type { EncodedWriteOptions } from './engine.js'
import type { Oddities } from './oddities.js'
import { optionalDuration, writeTtl } from './options.js'
import { part, whole } from './parts.js'
import { admit } from './schema.js'
import { fromStore } from './store-errors.js'

/** A checked value, ready to be stored, and what a reader will get of it. */
export interface Prepared {
  readonly write: ShelfWrite
  /** The raw older key: it goes with the write, else its value would be read again when the new one ends. */
  readonly legacy: EntryName | undefined
  readonly value: Encoded
}

/** Under what a computed value is stored. */
export interface Grant {
  /** ms that checking the value may take. */
  readonly ms: number
  /** False once the value is of the time before a later write or delete: then it is answered, not stored. */
  isCurrent(): boolean
}

export interface Writer {
  /** Checks and stores one value. What is wrong with it is thrown or rejected. */
  set(category: Category, key: string, value: Encoded, options: EncodedWriteOptions, operation: string): Promise<void>
  /** The same, for those who go on with the value; answers what a reader gets of it. */
  put(
    category: Category,
    key: string,
    value: Encoded,
    options: EncodedWriteOptions,
    operation: string,
    grant: Grant,
  ): Promise<Encoded>
  /** ms that an entry written now shall live; jitter only ever shortens it. */
  ttl(category: Category, options: EncodedWriteOptions, operation: string): number
  /** ms for a call that takes a ttl alone; without jitter. */
  plainTtl(category: Category, ttl: unknown, operation: string): number
  /**
   * Throws or rejects with CACHE_SCHEMA, CACHE_TOO_LARGE or CACHE_INVALID_VALUE before anything is written. A promise
   * only under a schema, so that the other writes leave in the tick in which they were asked for.
   */
  prepare(
    category: Category,
    key: string,
    value: Encoded,
    ttl: number,
    operation: string,
    ms?: number,
  ): Prepared | Promise<Prepared>
}

/** `changing`: told of each write that isn't a computation's, when it leaves. */
export const createWriter = (
  now: () => number,
  random: () => number,
  oddities: Oddities,
  changing: (category: Category, key: string) => void,
): Writer => {
  const remarked = (category: Category, written: unknown, ttl: number): number => {
    if (typeof written === 'number' && ttl < 1000) oddities.shortTtl(category.settings, ttl)
    return ttl
  }
  const store = (category: Category, { write, legacy }: Prepared, operation: string): Promise<void> => {
    const written = category.shelf.write([write])
    if (legacy !== undefined) {
      const removed = category.older.remove([legacy])
      return Promise.all([part(written), part(removed)]).then((ended) => whole(ended, category.place(operation)))
    }
    return written.catch((error) => {
      throw fromStore(error, category.place(operation))
    })
  }
  const entry = (category: Category, key: string, stored: Encoded, ttl: number, operation: string): Prepared => {
    const { settings } = category
    const written = now()
    const endsAt = written + ttl
    // An entry with its category's own ttl shows by its end when it was written.
    const createdAt = ttl === settings.ttl ? undefined : written
    const text =
      settings.codec === 'json'
        ? writeBare(stored, (problem) => cacheError('CACHE_INVALID_VALUE', problem, category.place(operation)))
        : writeEnvelope(stored, { expires: endsAt, createdAt })
    const write = { ...category.name(key), text, endsAt }
    return { write, legacy: category.legacy(key), value: stored }
  }

  const writer: Writer = {
    set: (category, key, value, options, operation) => {
      const send = (ready: Prepared): Promise<void> => {
        changing(category, key)
        return store(category, ready, operation)
      }
      const prepared = writer.prepare(category, key, value, writer.ttl(category, options, operation), operation)
      return prepared instanceof Promise ? prepared.then(send) : send(prepared)
    },

    put: async (category, key, value, options, operation, grant) => {
      const ttl = writer.ttl(category, options, operation)
      const prepared = await writer.prepare(category, key, value, ttl, operation, grant.ms)
      if (grant.isCurrent()) await store(category, prepared, operation)
      return prepared.value
    },

    ttl: (category, options, operation) => {
      const { settings } = category
      const asked = writeTtl(options, category.place(operation))
      const ttl = asked === undefined ? settings.ttl : remarked(category, options.ttl, asked)
      return settings.jitter === 0 ? ttl : Math.max(1, Math.round(ttl * (1 - settings.jitter * random())))
    },

    plainTtl: (category, ttl, operation) => {
      const asked = optionalDuration('ttl', ttl, category.place(operation))
      return asked === undefined ? category.settings.ttl : remarked(category, ttl, asked)
    },

    prepare: (category, key, value, ttl, operation, ms = category.settings.hardTimeout) => {
      const { settings } = category
      const place = category.place(operation)
      checkSize(value, settings.maxBytes, place)
      if (settings.schema === undefined) return entry(category, key, value, ttl, operation)
      return admit(settings.schema, value, place, ms).then((admitted) => {
        checkSize(admitted, settings.maxBytes, place)
        return entry(category, key, admitted, ttl, operation)
      })
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
