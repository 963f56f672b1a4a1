import type { RedisTiers } from '../../types/index.ts'
import { cacheKey, identity, placeOf, tagOf } from './places.ts'
import type { Intended, Recorder } from './recorder.ts'

/** Calls of a workload that are about more than one key, or that write no value. */
export interface ManyCalls {
  getMany(scope: string): Promise<void>
  setMany(scope: string): Promise<void>
  deleteMany(scope: string): Promise<void>
  invalidateTag(scope: string): Promise<void>
  expire(scope: string): Promise<void>
  touch(scope: string): Promise<void>
  list(scope: string): Promise<void>
}

export interface ManyOptions {
  readonly tiers: RedisTiers
  readonly recorder: Recorder
  /** Some keys of a scope, none twice. */
  readonly some: (scope: string) => readonly string[]
  /** Those of a scope that this writer knows, as far as they may be there. */
  readonly all: (scope: string) => readonly string[]
  readonly value: (key: string) => { readonly id: string; readonly text: string }
  readonly reading: () => Time
  readonly writing: () => Time
}

/** What a call has, as calls say it: ms. */
export type Time = Readonly<Record<'limit' | 'each', number>>

const PAGES = 10

export const createManyCalls = ({ tiers, recorder, some, all, value, reading, writing }: ManyOptions): ManyCalls => {
  const { cache } = tiers
  const { run } = recorder
  const categoryOf = (scope: string): { category: string } => ({ category: placeOf(`${scope}/`).name })

  /** One call, noted for each of its keys: all of them before it begins, and each with what it says of it. */
  const together = async <T>(
    each: readonly { readonly intended: Intended; readonly read?: (answer: T) => readonly Intended[] }[],
    call: () => Promise<T>,
  ): Promise<void> => {
    let answer: Promise<T> | undefined
    const asked = (): Promise<T> => {
      answer ??= Promise.resolve().then(call)
      return answer
    }
    await Promise.all(each.map(({ intended, read }) => run(intended, asked, read)))
  }

  return {
    getMany: (scope) => {
      const keys = some(scope)
      const time = reading()
      const intended = keys.map((key) => ({ does: 'read', op: 'cache.getMany', key, ...time }) as const)
      return together(
        intended.map((one) => ({
          intended: one,
          read: (found: Map<string, unknown>) => {
            const got = found.get(cacheKey(one.key))
            return [{ ...one, value: got === undefined || got === null ? null : identity(got) }]
          },
        })),
        () => cache.getMany<unknown>(keys.map(cacheKey), categoryOf(scope)),
      )
    },

    setMany: (scope) => {
      // Those of one call have the same tags.
      const [first = '', ...others] = some(scope)
      const tag = tagOf(first)
      const keys = [first, ...others.filter((key) => tagOf(key) === tag)]
      const written = keys.map((key) => ({ key, ...value(key) }))
      const time = writing()
      return together(
        written.map(({ key, id }) => ({
          intended: { does: 'put', op: 'cache.setMany', key, value: id, tag, ...time },
        })),
        () =>
          cache.setMany(
            written.map(({ key, text }) => [cacheKey(key), text] as const),
            { ...categoryOf(scope), ttl: '1h', ...(tag !== undefined && { tags: [tag] }) },
          ),
      )
    },

    deleteMany: (scope) => {
      const keys = some(scope)
      const time = writing()
      return together(
        keys.map((key) => ({ intended: { does: 'remove', op: 'cache.deleteMany', key, ...time } })),
        () => cache.deleteMany(keys.map(cacheKey), categoryOf(scope)),
      )
    },

    // It goes in batches, each with a deadline of its own.
    invalidateTag: (scope) => {
      const tag = tagOf(`${scope}/k0`) ?? ''
      const { limit, each } = writing()
      return run({ does: 'invalidate', op: 'cache.invalidateTags', scope, tag, limit: 3 * limit, each }, () =>
        cache.invalidateTags([tag], categoryOf(scope)),
      )
    },

    // Without grace nothing is left of what has expired. It looks at the entry first, within the time of a read.
    expire: (scope) => {
      const [key = ''] = some(scope)
      const { limit, each } = reading()
      return run({ does: 'remove', op: 'cache.expire', key, limit: limit + writing().limit, each }, () =>
        cache.expire(cacheKey(key), categoryOf(scope)),
      )
    },

    // It reads the entry, and writes it again if nobody has changed it meanwhile.
    touch: (scope) => {
      const [key = ''] = some(scope)
      const { limit, each } = reading()
      const look = { does: 'look', op: 'cache.touch', key, limit: limit + writing().limit, each } as const
      return run(
        look,
        () => cache.touch(cacheKey(key), { ...categoryOf(scope), ttl: '1h' }),
        (found) => [{ ...look, found }],
      )
    },

    // It goes in pages, each with a deadline of its own; where they are not all of them, nothing is known to be missing.
    list: (scope) => {
      const { limit, each } = reading()
      const look = { does: 'look', op: 'cache.keys', key: `${scope}/k0`, limit: PAGES * limit, each } as const
      const known = all(scope)
      const walk = async (): Promise<{ readonly keys: ReadonlySet<string>; readonly complete: boolean }> => {
        const keys = new Set<string>()
        let complete = true
        let cursor: string | undefined
        for (let page = 0; page < PAGES; page++) {
          const found = await cache.keys({ ...categoryOf(scope), prefix: `${scope}.`, cursor, limit: 1_000 })
          for (const key of found.keys) keys.add(key)
          complete &&= found.partial !== true
          cursor = found.cursor
          if (cursor === undefined) return { keys, complete }
        }
        return { keys, complete: false }
      }
      return run(look, walk, ({ keys, complete }) =>
        known.flatMap((key) => {
          const found = keys.has(cacheKey(key))
          return found || complete ? [{ ...look, key, found }] : []
        }),
      )
    },
  }
}
