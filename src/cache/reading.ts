import { type Hit, readEnvelope } from '../codec/envelope.js'
import type { Encoded } from '../codec/payload.js'
import { checkMeta } from '../codec/rich-check.js'
import type { Category } from './category.js'
import type { Oddities } from './oddities.js'
import { view } from './schema.js'
import { fromStore } from './store-errors.js'

/** A fresh, readable entry that matches its category's schema. */
export interface Found {
  readonly hit: Hit
  /** What the reader gets: under a schema, its output. */
  readonly value: Encoded
  readonly redisKey: string
  readonly text: string
}

export interface Reader {
  /** `use` makes the answer of a hit: one layer of promises less than mapping it afterwards. */
  find<T>(category: Category, key: string, operation: string, use: (found: Found) => T): Promise<T | undefined>
  /** One round trip, one more where older keys may hold what is missing. All of one store; in the order asked. */
  findMany(asked: readonly Keyed[], operation: string): Promise<(Found | undefined)[]>
}

export interface Keyed {
  readonly category: Category
  readonly key: string
}

type Awaitable<T> = T | Promise<T>

export const createReader = (now: () => number, oddities: Oddities): Reader => {
  const open = (category: Category, text: string, legacy: boolean): Hit | undefined => {
    const { settings } = category
    const options = { codec: settings.codec, now: now(), maxBytes: settings.maxBytes }
    let result = readEnvelope(text, options)
    // Older code wrote what it liked: an envelope of Keyv's, or bare JSON.
    if (legacy && result.outcome === 'corrupt') result = readEnvelope(text, { ...options, codec: 'json' })
    if (result.outcome === 'corrupt') oddities.unreadable(settings, result.reason)
    if (result.outcome !== 'hit') return undefined
    if (result.value.meta !== undefined && !hasFittingMeta(result.value)) {
      oddities.unreadable(settings, 'bad-metadata')
      return undefined
    }
    return result
  }

  const interpret = (
    category: Category,
    redisKey: string,
    text: string,
    legacy: boolean,
    operation: string,
  ): Awaitable<Found | undefined> => {
    const hit = open(category, text, legacy)
    if (hit === undefined) return undefined
    const { settings } = category
    if (settings.schema === undefined) return { hit, value: hit.value, redisKey, text }
    return view(settings.schema, hit.value, category.place(operation), settings.hardTimeout).then((seen) => {
      if ('encoded' in seen) return { hit, value: seen.encoded, redisKey, text }
      oddities.mismatch(settings, seen.at)
      return undefined
    })
  }

  const findLegacy = async (category: Category, key: string, operation: string): Promise<Found | undefined> => {
    const legacyKey = category.legacyKey(key)
    if (legacyKey === undefined) return undefined
    const text = await category
      .store()
      .read(legacyKey, category.reading)
      .catch((error) => {
        throw fromStore(error, category.place(operation))
      })
    return text === undefined ? undefined : interpret(category, legacyKey, text, true, operation)
  }

  const readMany = async (
    asked: readonly Keyed[],
    keyOf: (one: Keyed) => string,
    legacy: boolean,
    operation: string,
  ): Promise<(Found | undefined)[]> => {
    const [first] = asked
    if (first === undefined) return []
    const { category } = first
    const keys = asked.map(keyOf)
    const texts = await category
      .store()
      .readMany(keys, category.reading)
      .catch((error) => {
        throw fromStore(error, category.place(operation))
      })
    const read = async ({ category: of }: Keyed, index: number): Promise<Found | undefined> => {
      const text = texts[index]
      return text === undefined ? undefined : interpret(of, keys[index] as string, text, legacy, operation)
    }
    return Promise.all(asked.map(read))
  }

  return {
    find: (category, key, operation, use) => {
      const redisKey = category.redisKey(key)
      const orLegacy = (found: Found | undefined) => {
        if (found !== undefined) return use(found)
        return category.legacyKey(key) === undefined
          ? undefined
          : findLegacy(category, key, operation).then((old) => old && use(old))
      }
      return category
        .store()
        .read(redisKey, category.reading)
        .then(
          (text) => {
            const found = text === undefined ? undefined : interpret(category, redisKey, text, false, operation)
            return found instanceof Promise ? found.then(orLegacy) : orLegacy(found)
          },
          (error) => {
            throw fromStore(error, category.place(operation))
          },
        )
    },

    findMany: async (asked, operation) => {
      const found = await readMany(asked, ({ category, key }) => category.redisKey(key), false, operation)
      const missed = asked.flatMap((one, index) =>
        found[index] === undefined && one.category.legacyKey(one.key) !== undefined ? [{ ...one, index }] : [],
      )
      const older = await readMany(missed, ({ category, key }) => category.legacyKey(key) ?? key, true, operation)
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
