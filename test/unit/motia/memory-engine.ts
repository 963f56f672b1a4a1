import type { Acquired, CacheEngine, EncodedWriteOptions, Lease, Place } from '../../../src/cache/engine.ts'
import { createFlights, type Turn } from '../../../src/cache/flights.ts'
import type { Encoded } from '../../../src/codec/payload.ts'

export interface Memory {
  readonly engine: CacheEngine
  readonly data: Map<string, Encoded>
  /** What the operations were called with, in order. */
  readonly calls: { op: string; args: unknown[] }[]
  /** Keys for which somebody computes or waits. */
  busyKeys(): number
  /** Makes the next operations of this name wait until the returned function is called. */
  hold(op: string): () => void
}

/** A CacheEngine in this process's memory: what the channel is tested over. Life times are only recorded. */
export const createMemoryEngine = (): Memory => {
  const data = new Map<string, Encoded>()
  const calls: Memory['calls'] = []
  const flights = createFlights<Encoded | undefined>()
  const held = new Map<string, Promise<void>>()
  const id = ({ category, key }: Place): string => `${category ?? 'cache'}:${key}`

  const seen = async (op: string, ...args: unknown[]): Promise<void> => {
    calls.push({ op, args })
    await held.get(op)
  }
  const take = (place: Place): boolean => data.delete(id(place))

  const lease = (place: Place, turn: Turn<Encoded | undefined>): Lease => ({
    category: place.category ?? 'cache',
    hardTimeout: 10_000,
    fill: async (value, options: EncodedWriteOptions) => {
      await seen('fill', place, value, options)
      if (!turn.claim()) return value
      if (value !== undefined) data.set(id(place), value)
      turn.end({ value })
      return value
    },
    skip: async (value) => {
      await seen('skip', place)
      if (turn.claim()) turn.end({ value })
      return value
    },
    fail: (error) => {
      calls.push({ op: 'fail', args: [place, error] })
      if (turn.claim()) turn.end({ error })
    },
    release: () => turn.pass(),
  })

  const engine: CacheEngine = {
    get: async (place) => {
      await seen('get', place)
      return data.get(id(place))
    },
    getMany: async ({ category, keys }) => {
      await seen('getMany', category, keys)
      return keys.flatMap((key): [string, Encoded][] => {
        const value = data.get(id({ category, key }))
        return value === undefined ? [] : [[key, value]]
      })
    },
    getEntry: async (place) => {
      await seen('getEntry', place)
      const value = data.get(id(place))
      const where = { source: 'primary', stale: false, degraded: false, tags: [], version: '', redisKey: id(place) }
      return value && { value, ...where, createdAt: 1, expiresAt: Number.POSITIVE_INFINITY }
    },
    has: async (place) => data.has(id(place)),
    set: async (place, value, options) => {
      await seen('set', place, value, options)
      data.set(id(place), value)
    },
    setMany: async (category, entries, options) => {
      await seen('setMany', category, entries, options)
      for (const [key, value] of entries) data.set(id({ category, key }), value)
    },
    delete: async (place) => {
      await seen('delete', place)
      return take(place)
    },
    deleteMany: async ({ category, keys }) => keys.filter((key) => take({ category, key })).length,
    expire: async (place) => take(place),
    touch: async (place, ttl) => {
      await seen('touch', place, ttl)
      return data.has(id(place))
    },
    increment: async (place, options) => {
      await seen('increment', place, options)
      const next = Number(data.get(id(place))?.json ?? 0) + Number(options.by ?? 1)
      data.set(id(place), { json: `${next}` })
      return next
    },
    invalidateTags: async (category, tags) => {
      await seen('invalidateTags', category, tags)
      return tags.length
    },
    clear: async (category) => {
      await seen('clear', category)
      const keys = [...data.keys()].filter((key) => key.startsWith(`${category}:`))
      for (const key of keys) data.delete(key)
      return keys.length
    },
    keys: async (category, options) => {
      await seen('keys', category, options)
      const keys = [...data.keys()].filter((key) => key.startsWith(`${category}:`))
      return { keys: keys.map((key) => key.slice(category.length + 1)), cursor: undefined }
    },
    acquire: async (place, options, signal): Promise<Acquired> => {
      await seen('acquire', place, options)
      const visit = flights.enter(id(place))
      try {
        const value = data.get(id(place))
        if (value !== undefined) return { outcome: 'hit', value }
        const joined = await visit.join({ fresh: false, patience: 10_000, signal })
        if ('late' in joined) throw new Error('impatient')
        if ('turn' in joined) return { outcome: 'lease', lease: lease(place, joined.turn) }
        if ('error' in joined.outcome) throw joined.outcome.error
        return { outcome: 'hit', value: joined.outcome.value }
      } finally {
        visit.leave()
      }
    },
  }
  return {
    engine,
    data,
    calls,
    busyKeys: () => flights.size,
    hold: (op) => {
      let open = (): void => undefined
      held.set(
        op,
        new Promise((resolve) => {
          open = () => {
            held.delete(op)
            resolve()
          }
        }),
      )
      return () => open()
    },
  }
}
