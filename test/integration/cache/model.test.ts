import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { type OpenCache, openCache, openEmbeddedCache } from '../../contract/open-cache.ts'
import { startTestRedis } from '../../support/redis-server.ts'

/** One call as data, so that the same list runs on the cache and on a Map. */
type Call =
  | { readonly do: 'get' | 'has' | 'delete' | 'expire' | 'touch' | 'getEntry'; readonly key: string }
  | { readonly do: 'set' | 'getOrSet' | 'fresh' | 'skip'; readonly key: string; readonly value: unknown }
  | { readonly do: 'increment'; readonly key: string; readonly by: number }
  | { readonly do: 'getMany' | 'deleteMany'; readonly keys: readonly string[] }
  | { readonly do: 'setMany'; readonly entries: readonly [string, unknown][] }
  | { readonly do: 'keys'; readonly prefix: string }
  | { readonly do: 'clear' }

const key = fc.constantFrom('a', 'b', 'a:b', 'ab', '*', '[a]', 'é', 'e\u0301', '__proto__', ' ')
const value = fc.oneof(
  fc.integer(),
  fc.constantFrom(null, '', false, 0, ':x', '::y', Number.NaN, -0, 2n ** 64n, 1.5),
  fc.date({ noInvalidDate: true }),
  fc.jsonValue().filter((json) => !JSON.stringify(json).includes('__proto__')), // refused
  fc.array(fc.oneof(fc.string(), fc.constant(undefined), fc.bigInt({ min: -5n, max: 5n }))),
  fc.array(fc.tuple(fc.string(), fc.integer())).map((pairs) => new Map(pairs)),
  fc.uint8Array(),
)

const call: fc.Arbitrary<Call> = fc.oneof(
  fc.record({ do: fc.constantFrom('get', 'has', 'delete', 'expire', 'expire', 'touch', 'getEntry'), key }),
  fc.record({ do: fc.constantFrom('set', 'set', 'getOrSet', 'fresh', 'skip'), key, value }),
  fc.record({ do: fc.constant('increment' as const), key, by: fc.integer({ min: -3, max: 3 }) }),
  fc.record({ do: fc.constantFrom('getMany', 'deleteMany'), keys: fc.array(key) }),
  fc.record({ do: fc.constant('setMany' as const), entries: fc.array(fc.tuple(key, value)) }),
  fc.record({ do: fc.constant('keys' as const), prefix: fc.constantFrom('', 'a', '*', '[') }),
  fc.constant({ do: 'clear' as const }),
)

/** A category with grace: `expire` leaves the entry to `getEntry`, `keys` and whoever counts what he removes. */
type Model = Map<string, { readonly value: unknown; readonly stale: boolean; readonly counter: boolean }>

const onModel = (model: Model, one: Call): unknown => {
  const fresh = (key: string) => {
    const entry = model.get(key)
    return entry?.stale === false ? entry : undefined
  }
  const put = (key: string, value: unknown, counter = false): void => {
    model.set(key, { value, stale: false, counter })
  }
  switch (one.do) {
    case 'get':
      return fresh(one.key)?.value
    case 'getEntry':
      return model.get(one.key)?.value
    case 'has':
    case 'touch':
      return fresh(one.key) !== undefined
    case 'delete':
      return model.delete(one.key)
    case 'expire': {
      const entry = fresh(one.key)
      // What counts has no grace: it is bare, and says its end to the server only.
      if (entry?.counter) model.delete(one.key)
      else if (entry !== undefined) model.set(one.key, { ...entry, stale: true })
      return entry !== undefined
    }
    case 'set':
      return put(one.key, one.value)
    case 'getOrSet':
      if (!fresh(one.key)) put(one.key, one.value)
      return fresh(one.key)?.value
    case 'fresh':
      put(one.key, one.value)
      return one.value
    case 'skip': {
      const entry = fresh(one.key)
      return entry === undefined ? one.value : entry.value
    }
    case 'increment': {
      const entry = fresh(one.key)
      const now = entry === undefined ? 0 : entry.value
      // -0 is stored as something that only JavaScript takes for a number.
      if (!Number.isSafeInteger(now) || Object.is(now, -0)) return 'CACHE_INVALID_VALUE'
      put(one.key, (now as number) + one.by, true)
      return fresh(one.key)?.value
    }
    case 'getMany':
      return new Map(
        [...new Set(one.keys)].flatMap((name) => {
          const entry = fresh(name)
          return entry === undefined ? [] : [[name, entry.value] as const]
        }),
      )
    case 'deleteMany':
      return one.keys.filter((name) => model.delete(name)).length
    case 'setMany':
      for (const [name, set] of one.entries) put(name, set)
      return undefined
    case 'keys':
      return [...model.keys()].filter((name) => name.startsWith(one.prefix)).sort()
    case 'clear':
      model.clear()
      return undefined
  }
}

const onCache = async ({ cache }: OpenCache, one: Call): Promise<unknown> => {
  const ml = cache.category('ml')
  switch (one.do) {
    case 'get':
      return ml.get(one.key)
    case 'getEntry':
      return (await ml.getEntry(one.key))?.value
    case 'has':
    case 'delete':
    case 'expire':
    case 'touch':
      return ml[one.do](one.key)
    case 'set':
      return ml.set(one.key, one.value)
    case 'getOrSet':
      return ml.getOrSet(one.key, () => one.value)
    case 'fresh':
      return ml.getOrSet(one.key, () => one.value, { fresh: true })
    case 'skip':
      return ml.getOrSet(one.key, (context) => context.skip(one.value))
    case 'increment':
      return ml.increment(one.key, { by: one.by }).catch((error) => error.code)
    case 'getMany':
    case 'deleteMany':
      return ml[one.do](one.keys)
    case 'setMany':
      return ml.setMany(one.entries)
    case 'keys':
      return [...(await ml.keys({ prefix: one.prefix, limit: 1000 })).keys].sort()
    case 'clear':
      return ml.clear()
  }
}

let redis: OpenCache
let embedded: OpenCache

beforeAll(async () => {
  // What is computed is waited for: else one may get the stale value.
  const options = { categories: { ml: { softTimeout: '10s' } } } as const
  redis = await openCache((await startTestRedis()).url, options)
  embedded = await openEmbeddedCache(options)
})

describe('a cache answers as a Map would', () => {
  it.each([
    ['Redis', () => redis],
    ['the embedded store', () => embedded],
  ])('over %s', async (_, open) => {
    await fc.assert(
      fc.asyncProperty(fc.array(call, { maxLength: 40 }), async (calls) => {
        const model: Model = new Map()
        await open().cache.clear({ category: 'ml' })
        for (const one of calls) expect(await onCache(open(), one)).toStrictEqual(onModel(model, one))
      }),
      { numRuns: 80 },
    )
  })
})
