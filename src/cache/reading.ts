import { type Absent, type Hit, readEnvelope } from '../codec/envelope.js'
import type { Encoded } from '../codec/payload.js'
import { checkMeta } from '../codec/rich-check.js'
import type { EntryName, Located, Shelf } from '../failover/shelf.js'
import type { Category } from './category.js'
import type { Oddities } from './oddities.js'
import { reopen } from './opened.js'
import { view } from './schema.js'
import { fromStore } from './store-errors.js'

/** A readable entry that matches its category's schema, fresh or within its grace. */
export interface Found {
  readonly entry: Hit | Absent
  /** What the reader gets: under a schema, its output. Undefined: it is known that there is nothing. */
  readonly value: Encoded | undefined
  /** Its end has passed, its grace has not. */
  readonly stale: boolean
  /** Under which name, and on which shelf: older code's lie elsewhere. */
  readonly name: EntryName
  readonly shelf: Shelf
  readonly text: string
}

export interface Reader {
  /** `use` makes the answer of a hit: one layer of promises less than mapping it afterwards. */
  find<T>(category: Category, key: string, operation: string, use: (found: Found) => T): Promise<T | undefined>
  /** What a text says that lies at the key now. */
  open(category: Category, name: EntryName, text: string, operation: string): Awaitable<Found | undefined>
  /** With where it came from. */
  locate(category: Category, key: string, operation: string): Promise<LocatedFound | undefined>
  /** One round trip, one more where older keys may hold what is missing; in the order asked. */
  findMany(category: Category, keys: readonly string[], operation: string): Promise<(Found | undefined)[]>
}

/** What those get who look at all of it. */
export const itself = (found: Found): Found => found

/** What those get who take fresh values only. */
export const freshValue = ({ stale, value }: Found): Encoded | undefined => (stale ? undefined : value)

export type LocatedFound = Found & Pick<Located, 'source' | 'degraded'>

type Awaitable<T> = T | Promise<T>

export const createReader = (now: () => number, oddities: Oddities): Reader => {
  const read = (category: Category, text: string, legacy: boolean): Hit | Absent | undefined => {
    const { settings } = category
    const options = { codec: settings.codec, now: now(), maxBytes: settings.maxBytes }
    let result = readEnvelope(text, options)
    // Older code wrote what it liked: an envelope of Keyv's, or bare JSON.
    if (legacy && result.outcome === 'corrupt') result = readEnvelope(text, { ...options, codec: 'json' })
    if (result.outcome === 'corrupt') oddities.unreadable(settings, result.reason)
    if (result.outcome === 'absent') return result
    if (result.outcome !== 'hit') return undefined
    if (result.value.meta !== undefined && !hasFittingMeta(result.value)) {
      oddities.unreadable(settings, 'bad-metadata')
      return undefined
    }
    return result
  }

  const interpret = (
    category: Category,
    name: EntryName,
    text: string,
    legacy: boolean,
    operation: string,
  ): Awaitable<Found | undefined> => {
    const entry = read(category, text, legacy)
    if (entry === undefined) return undefined
    const { settings } = category
    const shelf = legacy ? category.older : category.shelf
    // Without a grace of its own it would have ended.
    const stale = entry.hardExpiry !== undefined && entry.expires !== undefined && entry.expires <= now()
    const value = entry.outcome === 'hit' ? entry.value : undefined
    if (settings.schema === undefined || value === undefined) return { entry, value, stale, name, shelf, text }
    return view(settings.schema, value, category.place(operation), settings.hardTimeout).then((seen) => {
      if ('encoded' in seen) return { entry, value: seen.encoded, stale, name, shelf, text }
      oddities.mismatch(settings, seen.at)
      return undefined
    })
  }

  const failing = (category: Category, operation: string) => (error: unknown) => {
    throw fromStore(error, category.place(operation))
  }

  const findLegacy = async (category: Category, key: string, operation: string): Promise<Found | undefined> => {
    const legacy = category.legacy(key)
    if (legacy === undefined) return undefined
    const text = await category.older.read(legacy).catch(failing(category, operation))
    return text === undefined ? undefined : interpret(category, legacy, text, true, operation)
  }

  const readMany = async (
    category: Category,
    shelf: Shelf,
    names: readonly EntryName[],
    legacy: boolean,
    operation: string,
  ): Promise<(Found | undefined)[]> => {
    if (names.length === 0) return []
    const texts = await shelf.readMany(names).catch(failing(category, operation))
    const readOne = async (name: EntryName, index: number): Promise<Found | undefined> => {
      const text = texts[index]
      return text === undefined ? undefined : interpret(category, name, text, legacy, operation)
    }
    return Promise.all(names.map(readOne))
  }

  return {
    open: (category, name, text, operation) => interpret(category, name, text, false, operation),

    find: (category, key, operation, use) => {
      const name = category.name(key)
      const orLegacy = (found: Found | undefined) => {
        if (found !== undefined) return use(found)
        return category.legacy(key) === undefined
          ? undefined
          : findLegacy(category, key, operation).then((old) => old && use(old))
      }
      const held = category.shelf.peek?.(name)
      if (held !== undefined) {
        const open = (text: string) => interpret(category, name, text, false, operation)
        // What stays beside the text is for those who rely on the schema.
        const found = category.unchecked ? open(held.text) : reopen(category, name, held, now, open)
        return found instanceof Promise ? found.then(orLegacy) : Promise.resolve(orLegacy(found))
      }
      return category.shelf.read(name).then(
        (text) => {
          const found = text === undefined ? undefined : interpret(category, name, text, false, operation)
          return found instanceof Promise ? found.then(orLegacy) : orLegacy(found)
        },
        (error) => {
          throw fromStore(error, category.place(operation))
        },
      )
    },

    locate: async (category, key, operation) => {
      const name = category.name(key)
      const located = await category.shelf.locate(name).catch(failing(category, operation))
      const found = located && (await interpret(category, name, located.text, false, operation))
      if (located !== undefined && found !== undefined) {
        return { ...found, source: located.source, degraded: located.degraded }
      }
      const legacy = category.legacy(key)
      const older = legacy && (await category.older.locate(legacy).catch(failing(category, operation)))
      const old = legacy && older && (await interpret(category, legacy, older.text, true, operation))
      return old && older && { ...old, source: older.source, degraded: older.degraded }
    },

    findMany: async (category, keys, operation) => {
      const found = await readMany(category, category.shelf, keys.map(category.name), false, operation)
      const missed = keys.flatMap((key, index) => {
        const legacy = found[index] === undefined ? category.legacy(key) : undefined
        return legacy === undefined ? [] : [{ legacy, index }]
      })
      const names = missed.map(({ legacy }) => legacy)
      const older = await readMany(category, category.older, names, true, operation)
      missed.forEach(({ index }, at) => {
        found[index] = older[at]
      })
      return found
    },
  }
}

const hasFittingMeta = ({ parsed, meta }: Encoded): boolean => {
  try {
    if (meta !== undefined) checkMeta(parsed, meta)
    return true
  } catch {
    return false // its text names the fault for whoever decodes; here it only counts
  }
}
