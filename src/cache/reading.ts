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
  /** In the order asked. */
  findMany(category: Category, keys: readonly string[], operation: string): Promise<(Found | undefined)[]>
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
  ): Awaitable<Found | undefined> => {
    const hit = open(category, text, legacy)
    if (hit === undefined) return undefined
    const { settings } = category
    if (settings.schema === undefined) return { hit, value: hit.value, redisKey, text }
    return view(settings.schema, hit.value).then((seen) => {
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
    return text === undefined ? undefined : interpret(category, legacyKey, text, true)
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
            const found = text === undefined ? undefined : interpret(category, redisKey, text, false)
            return found instanceof Promise ? found.then(orLegacy) : orLegacy(found)
          },
          (error) => {
            throw fromStore(error, category.place(operation))
          },
        )
    },

    findMany: async (category, keys, operation) => {
      const read = async (redisKeys: readonly string[], legacy: boolean): Promise<(Found | undefined)[]> => {
        const texts = await category
          .store()
          .readMany(redisKeys, category.reading)
          .catch((error) => {
            throw fromStore(error, category.place(operation))
          })
        return Promise.all(
          texts.map((text, index) =>
            text === undefined ? undefined : interpret(category, redisKeys[index] as string, text, legacy),
          ),
        )
      }
      const found = await read(keys.map(category.redisKey), false)
      const missed = keys.flatMap((key, index) => {
        const old = found[index] === undefined ? category.legacyKey(key) : undefined
        return old === undefined ? [] : [{ index, old }]
      })
      if (missed.length === 0) return found
      const older = await read(
        missed.map(({ old }) => old),
        true,
      )
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
