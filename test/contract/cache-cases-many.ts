import type { Cache } from '../../types/index.ts'
import { type CacheCase, define, outcome, refusal, shown } from './cache-case.ts'

const undef = shown(undefined)

export const manyCases: readonly CacheCase[] = [
  define(
    'getMany: hits only, in the order asked, each key once',
    async (cache, id) => {
      const [a, b, c] = [`${id}:a`, `${id}:b`, `${id}:c`]
      await cache.setMany([
        [a, 1],
        [c, null],
      ])
      const found = await cache.getMany([c, b, a, c])
      return { isMap: found instanceof Map, pairs: [...found].map(([key, value]) => [key.slice(id.length), value]) }
    },
    {
      isMap: true,
      pairs: [
        [':c', null],
        [':a', 1],
      ],
    },
  ),
  define(
    'many of nothing',
    async (cache) => [
      (await cache.getMany([])).size,
      await outcome(() => cache.setMany([])),
      await cache.deleteMany([]),
      await outcome(() => cache.getMany([], { category: 'No Such' })),
    ],
    [0, undef, 0, refusal('CACHE_INVALID_OPTION', 'getMany', '')],
  ),
  define(
    'any iterable will do',
    async (cache, id) => {
      function* keys() {
        yield `${id}:a`
        yield `${id}:b`
      }
      await cache.setMany(new Map([[`${id}:a`, 1]]))
      await cache.setMany(
        (function* () {
          yield [`${id}:b`, 2] as const
        })(),
        { category: 'cache', ttl: '1m' },
      )
      const found = await cache.getMany(new Set([`${id}:a`, `${id}:b`]))
      return [[...found.values()], [...(await cache.getMany(keys())).values()], await cache.deleteMany(keys())]
    },
    [[1, 2], [1, 2], 2],
  ),
  define(
    "a caller's broken iterable is the caller's error",
    async (cache) => {
      function* broken(): Generator<string> {
        yield 'a'
        throw new RangeError('broken')
      }
      return [await outcome(() => cache.getMany(broken())), await outcome(() => cache.deleteMany(broken()))]
    },
    [
      { name: 'RangeError', message: 'broken' },
      { name: 'RangeError', message: 'broken' },
    ],
  ),
  define(
    'setMany: the later of two wins',
    async (cache, id) => {
      await cache.setMany([
        [id, 1],
        [`${id}:b`, 1],
        [id, 2],
      ])
      return [...(await cache.getMany([id, `${id}:b`])).values()]
    },
    [2, 1],
  ),
  define(
    'deleteMany counts what was there, each key once',
    async (cache, id) => {
      await cache.setMany([
        [`${id}:a`, 1],
        [`${id}:b`, 1],
      ])
      const first = await cache.deleteMany([`${id}:a`, `${id}:b`, `${id}:c`, `${id}:a`])
      return [first, await cache.deleteMany([`${id}:a`]), (await cache.getMany([`${id}:a`, `${id}:b`])).size]
    },
    [2, 0, 0],
  ),
  define(
    '2,500 keys in one call',
    async (cache, id) => {
      const keys = Array.from({ length: 2500 }, (_, index) => `${id}:${index}`)
      await cache.setMany(keys.map((key, index) => [key, index]))
      const found = await cache.getMany(keys)
      const right = keys.every((key, index) => found.get(key) === index) && [...found.keys()].join() === keys.join()
      return [found.size, right, await cache.deleteMany(keys), (await cache.getMany(keys)).size]
    },
    [2500, true, 2500, 0],
  ),
]

/** All pages of a category's keys under a prefix. */
const allKeys = async (cache: Cache, prefix: string, limit: number): Promise<{ keys: string[]; pages: number }> => {
  const keys: string[] = []
  let pages = 0
  let cursor: string | undefined
  do {
    const page = await cache.keys({ category: 'ml', prefix, limit, ...(cursor !== undefined && { cursor }) })
    keys.push(...page.keys)
    pages++
    cursor = page.cursor
  } while (cursor !== undefined)
  return { keys, pages }
}

export const listingCases: readonly CacheCase[] = [
  define(
    'keys: all of them, in pages, without their prefix',
    async (cache, id) => {
      const written = Array.from({ length: 250 }, (_, index) => `${id}:k${String(index).padStart(3, '0')}`)
      await cache.setMany(
        written.map((key) => [key, 1]),
        { category: 'ml' },
      )
      const { keys, pages } = await allKeys(cache, `${id}:`, 20)
      return [[...new Set(keys)].sort().join() === written.join(), pages > 2]
    },
    [true, true],
  ),
  define(
    'keys: a prefix is literal',
    async (cache, id) => {
      await cache.setMany(
        [`${id}*`, `${id}*a`, `${id}[a-z]`, `${id}b`, `${id}?`].map((key) => [key, 1] as const),
        {
          category: 'ml',
        },
      )
      const found = async (tail: string) =>
        (await allKeys(cache, `${id}${tail}`, 1000)).keys.map((key) => key.slice(id.length)).sort()
      return [await found('*'), await found('[a-z]'), await found('?'), await found('x')]
    },
    [['*', '*a'], ['[a-z]'], ['?'], []],
  ),
  define(
    'the bound form: the same answers for its category',
    async (cache, id) => {
      const ml = cache.category('ml')
      await ml.set(`${id}:a`, 1, { ttl: '1m' })
      await ml.setMany([[`${id}:b`, 2]])
      const seen: unknown[] = [await ml.get(`${id}:a`), [...(await ml.getMany([`${id}:a`, `${id}:b`])).values()]]
      seen.push((await ml.getEntry(`${id}:a`))?.value, await ml.getOrSet(`${id}:c`, () => 3), await ml.has(`${id}:c`))
      seen.push((await ml.keys({ prefix: `${id}:` })).keys.map((key) => key.slice(id.length)).sort())
      seen.push(await ml.increment(`${id}:n`, { by: 2 }), await ml.touch(`${id}:a`, { ttl: '5m' }))
      seen.push(await ml.expire(`${id}:a`), await ml.delete(`${id}:b`), await ml.deleteMany([`${id}:c`, `${id}:n`]))
      // What is stale is still kept, and so are its keys.
      seen.push((await ml.keys({ prefix: `${id}:` })).keys.map((key) => key.slice(id.length)))
      seen.push(await outcome(() => ml.invalidateTags([id])))
      const { get } = ml
      return [...seen, await outcome(() => get(`${id}:a`))]
    },
    [1, [1, 2], 1, 3, true, [':a', ':b', ':c'], 2, true, true, true, 2, [':a'], 0, undef],
  ),
  define(
    'clear: its category and no other',
    async (cache, id) => {
      await cache.set(id, 1, { category: 'analytics' })
      await cache.set(id, 2)
      const answer = await outcome(() => cache.clear({ category: 'analytics' }))
      await cache.category('analytics').clear()
      return [
        answer,
        await cache.has(id, { category: 'analytics' }),
        (await cache.keys({ category: 'analytics' })).keys,
        await cache.get(id),
      ]
    },
    [undef, false, [], 2],
  ),
]
