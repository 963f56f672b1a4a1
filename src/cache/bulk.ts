import type { Encoded } from '../codec/payload.js'
import type { ErrorPlace } from '../errors.js'
import type { Category, CategoryOf } from './category.js'
import type { CacheEngine, ManyPlace } from './engine.js'
import type { Loading } from './loading.js'
import type { Reader } from './reading.js'
import { fromStore } from './store-errors.js'
import type { Writer } from './writing.js'

/** Keys in one round trip. */
const BATCH = 1_000
/** Loaders of one call that run at once. */
const LOADS = 50

/** The …Many calls. A call without a category may reach several, where `inferCategory` says so. */
export const createBulk = (
  categoryOf: CategoryOf,
  reader: Reader,
  writer: Writer,
  loading: Loading,
): Pick<CacheEngine, 'getMany' | 'setMany' | 'deleteMany'> => {
  const grouped = ({ category, keys }: ManyPlace, operation: string): Map<Category, string[]> => {
    const groups = new Map<Category, string[]>()
    // An empty call still says when its category is wrong.
    if (keys.length === 0) categoryOf(category, '', operation)
    for (const key of new Set(keys)) {
      const of = categoryOf(category, key, operation)
      const group = groups.get(of)
      if (group) group.push(key)
      else groups.set(of, [key])
    }
    return groups
  }

  const readAll = async (category: Category, keys: readonly string[], found: Map<string, Encoded>): Promise<void> => {
    for (const batch of batches(keys, BATCH)) {
      const answers = await reader.findMany(category, batch, 'getMany')
      answers.forEach((answer, index) => {
        if (answer !== undefined) found.set(batch[index] as string, answer.value)
      })
    }
    if (!loading.has(category)) return
    const missed = keys.filter((key) => !found.has(key))
    for (const batch of batches(missed, LOADS)) {
      const loaded = await Promise.all(batch.map((key) => loading.load(category, key, 'getMany')))
      loaded.forEach((value, index) => {
        if (value !== undefined) found.set(batch[index] as string, value)
      })
    }
  }

  return {
    getMany: async (at) => {
      const found = new Map<string, Encoded>()
      await Promise.all([...grouped(at, 'getMany')].map(([category, keys]) => readAll(category, keys, found)))
      return [...new Set(at.keys)].flatMap((key) => {
        const value = found.get(key)
        return value === undefined ? [] : [[key, value] as [string, Encoded]]
      })
    },

    setMany: async (category, entries, options) => {
      const last = new Map(entries) // of two values for one key the later wins
      const groups = [...grouped({ category, keys: [...last.keys()] }, 'setMany')]
      // Everything is checked before anything is written.
      const prepared = await Promise.all(
        groups.map(async ([of, keys]) => {
          const writes = keys.map(async (key) =>
            writer.prepare(of, key, last.get(key) as Encoded, writer.ttl(of, options, 'setMany'), 'setMany'),
          )
          return { of, writes: (await Promise.all(writes)).map(({ write }) => write) }
        }),
      )
      await Promise.all(
        prepared.map(({ of, writes }) =>
          inBatches(writes, of.place('setMany'), (batch) => of.store().write(batch, of.writing)),
        ),
      )
    },

    deleteMany: async (at) => {
      let count = 0
      const removeAll = (of: Category, keys: readonly string[]) =>
        inBatches(keys, of.place('deleteMany'), async (batch) => {
          const legacy = batch.map(of.legacyKey)
          const old = legacy.filter((key) => key !== undefined)
          const removed = await of.store().remove([...batch.map(of.redisKey), ...old], of.writing)
          let next = batch.length
          batch.forEach((_, index) => {
            const hadOld = legacy[index] === undefined ? false : removed[next++]
            if (removed[index] || hadOld) count++
          })
        })
      await Promise.all([...grouped(at, 'deleteMany')].map(([of, keys]) => removeAll(of, keys)))
      return count
    },
  }
}

const batches = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, index) => items.slice(index * size, (index + 1) * size))

/** One batch after the other. Once one was written, a later failure leaves open what was applied. */
const inBatches = async <T>(
  items: readonly T[],
  place: ErrorPlace,
  send: (batch: T[]) => Promise<void>,
): Promise<void> => {
  let sent = false
  for (const batch of batches(items, BATCH)) {
    await send(batch).catch((error: unknown) => {
      throw fromStore(error, sent ? { ...place, applied: 'unknown' } : place)
    })
    sent = true
  }
}
