import type { Encoded } from '../codec/payload.js'
import { isCacheError } from '../errors.js'
import type { Category, CategoryOf } from './category.js'
import type { CacheEngine, ManyPlace, WithHits } from './engine.js'
import type { Loading } from './loading.js'
import { type Part, part, whole } from './parts.js'
import { type Found, itself, type Reader } from './reading.js'
import { LOADS } from './slots.js'
import type { Prepared, Writer } from './writing.js'

/** Keys in one round trip. */
const BATCH = 1_000

export interface BulkParts {
  readonly categoryOf: CategoryOf
  readonly reader: Reader
  readonly writer: Writer
  readonly loading: Loading
  /** Told of each key when its write or removal leaves. */
  readonly changing: (category: Category, key: string) => void
}

interface Keyed {
  readonly category: Category
  readonly key: string
}

/** One without a fresh value. */
interface Missed extends Keyed {
  readonly stale: Found | undefined
}

/** Keys of one category. */
interface Group<T> {
  readonly category: Category
  readonly items: T[]
}

/** The …Many calls. A call without a category may reach several, where `inferCategory` says so. */
export const createBulk = ({
  categoryOf,
  reader,
  writer,
  loading,
  changing,
}: BulkParts): Pick<CacheEngine, 'getMany' | 'setMany' | 'deleteMany'> => {
  const keyed = ({ category, keys }: ManyPlace, operation: string): Keyed[] => {
    // An empty call still says when its category is wrong.
    if (keys.length === 0) categoryOf(category, '', operation)
    return Array.from(new Set(keys), (key) => ({ category: categoryOf(category, key, operation), key }))
  }

  const load = async (missed: readonly Missed[], found: Map<string, Encoded>): Promise<void> => {
    for (const batch of batches(missed, LOADS)) {
      const ended = await Promise.allSettled(
        batch.map(({ category, key, stale }) => loading.load(category, key, 'getMany', stale)),
      )
      ended.forEach((one, index) => {
        if (one.status === 'fulfilled' && one.value !== undefined) found.set(keyAt(batch, index), one.value)
      })
      // What the others made is theirs who asked, too: it comes with the error.
      const failed = ended.find((one) => one.status === 'rejected')
      if (failed !== undefined) throw failed.reason
    }
  }

  /** Of kept data some may be known where all of it isn't; and what can't be known is no miss. */
  const knownOf = async (
    category: Category,
    keys: readonly string[],
    error: unknown,
  ): Promise<PromiseSettledResult<Found | undefined>[]> => {
    const { mirror, onOutage } = category.settings
    if (!mirror || onOutage !== 'failover') throw error
    return Promise.allSettled(keys.map((key) => reader.find(category, key, 'getMany', itself)))
  }

  return {
    getMany: async (at) => {
      const asked = keyed(at, 'getMany')
      const found = new Map<string, Encoded>()
      const read = async ({ category, items }: Group<Keyed>): Promise<void> => {
        const loads = loading.has(category)
        const missed: Missed[] = []
        for (const batch of batches(items, BATCH)) {
          const keys = batch.map(({ key }) => key)
          const answers = await reader.findMany(category, keys, 'getMany').then(
            (all) => all.map((value) => ({ status: 'fulfilled' as const, value })),
            (error) => knownOf(category, keys, error),
          )
          batch.forEach((item, index) => {
            const ended = answers[index]
            if (ended?.status !== 'fulfilled') return
            const answer = ended.value
            if (answer === undefined || answer.stale) missed.push({ ...item, stale: answer })
            else {
              if (answer.value !== undefined) found.set(item.key, answer.value)
              if (loads) loading.found(category, item.key, answer)
            }
          })
          for (const each of answers) if (each.status === 'rejected') throw each.reason
        }
        if (loads) await load(missed, found)
      }
      const ended = await Promise.allSettled(grouped(asked).map(read))
      const hits = asked.flatMap(({ key }) => {
        const value = found.get(key)
        return value === undefined ? [] : [[key, value] as [string, Encoded]]
      })
      const failed = ended.find((each) => each.status === 'rejected')
      if (failed !== undefined) throw withHits(failed.reason, hits)
      return hits
    },

    setMany: async (category, entries, options) => {
      const last = new Map(entries) // of two values for one key the later wins
      // Everything is checked before anything is written.
      const checked = keyed({ category, keys: [...last.keys()] }, 'setMany').map(
        async ({ category: of, key }): Promise<Prepared & Keyed> => {
          const life = writer.life(of, options, 'setMany')
          return { category: of, key, ...(await writer.prepare(of, key, last.get(key) as Encoded, life, 'setMany')) }
        },
      )
      const groups = grouped(await Promise.all(checked))
      const send = (batch: readonly (Prepared & Keyed)[], of: Category) => {
        const legacy = batch.flatMap((one) => one.legacy ?? [])
        const written = part(of.shelf.write(batch.map(({ write }) => write)))
        return legacy.length === 0 ? [written] : [written, part(of.older.remove(legacy))]
      }
      await inBatches(groups, 'setMany', changing, send)
    },

    deleteMany: async (at) => {
      let count = 0
      const remove = async (batch: readonly Keyed[], category: Category): Promise<void> => {
        const older = batch.map(({ key }) => category.legacy(key))
        const names = older.filter((name) => name !== undefined)
        const [removed, removedOlder] = await Promise.all([
          category.shelf.remove(batch.map(({ key }) => category.name(key))),
          names.length === 0 ? [] : category.older.remove(names),
        ])
        let next = 0
        batch.forEach((_, index) => {
          const hadOld = older[index] === undefined ? false : removedOlder[next++]
          if (removed[index] || hadOld) count++
        })
      }
      const groups = grouped(keyed(at, 'deleteMany'))
      await inBatches(groups, 'deleteMany', changing, (batch, of) => [part(remove(batch, of))])
      return count
    },
  }
}

const grouped = <T extends Keyed>(items: readonly T[]): Group<T>[] => {
  const groups = new Map<Category, Group<T>>()
  for (const item of items) {
    const { category } = item
    const group = groups.get(category)
    if (group) group.items.push(item)
    else groups.set(category, { category, items: [item] })
  }
  return [...groups.values()]
}

const batches = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, index) => items.slice(index * size, (index + 1) * size))

const withHits = (error: unknown, found: readonly [string, Encoded][]): unknown => {
  if (!isCacheError(error)) return error
  const hits = found.map(([key, { json, meta }]) => [key, meta === undefined ? { json } : { json, meta }] as const)
  return Object.assign(error, { hits } satisfies WithHits)
}

const keyAt = (batch: readonly Keyed[], index: number): string => (batch[index] as Keyed).key

/** The groups side by side, the batches of each one after the other up to the first that fails. */
const inBatches = async <T extends Keyed>(
  groups: readonly Group<T>[],
  operation: string,
  changing: BulkParts['changing'],
  send: (batch: readonly T[], of: Category) => Promise<Part>[],
): Promise<void> => {
  const sendAll = async (group: Group<T>): Promise<Part[]> => {
    const ended: Part[] = []
    for (const batch of batches(group.items, BATCH)) {
      for (const { category, key } of batch) changing(category, key)
      const parts = await Promise.all(send(batch, group.category))
      ended.push(...parts)
      if (parts.some(({ error }) => error !== undefined)) break
    }
    return ended
  }
  const ended = await Promise.all(groups.map(sendAll))
  const bad = ended.findIndex((parts) => parts.some(({ error }) => error !== undefined))
  const first = groups[Math.max(0, bad)]?.items[0]
  if (first !== undefined) whole(ended.flat(), first.category.place(operation))
}
