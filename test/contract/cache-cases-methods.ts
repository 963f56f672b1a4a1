import type { Cache } from '../../types/index.ts'
import { type CacheCase, define, loose, outcome, refusal, shown, told } from './cache-case.ts'

const undef = shown(undefined)
const rest = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

const singleKeyCases: CacheCase[] = [
  define(
    'get, has, getEntry: absent',
    async (cache, id) => [
      await outcome(() => cache.get(id)),
      await cache.has(id),
      await outcome(() => cache.getEntry(id)),
    ],
    [undef, false, undef],
  ),
  define(
    'set, get, has, delete, delete again',
    async (cache, id) => {
      const seen: unknown[] = [await outcome(() => cache.set(id, { a: 1 }))]
      seen.push(await cache.get(id), await cache.has(id), await cache.delete(id))
      seen.push(await cache.delete(id), await cache.has(id), await outcome(() => cache.get(id)))
      return seen
    },
    [undef, { a: 1 }, true, true, false, false, undef],
  ),
  define(
    'null is a value',
    async (cache, id) => {
      await cache.set(id, null)
      const computed = await cache.getOrSet(id, () => 'computed')
      return [await cache.get(id), await cache.has(id), (await cache.getMany([id])).size, computed]
    },
    [null, true, 1, null],
  ),
  define(
    'categories keep equal keys apart, and the default one is cache',
    async (cache, id) => {
      await cache.set(id, 'default')
      await cache.set(id, 'ml', { category: 'ml' })
      return [
        await cache.get(id),
        await cache.get(id, { category: 'cache' }),
        await cache.get(id, { category: 'ml' }),
        await cache.category('ml').get(id),
        await cache.category('cache').get(id),
        await outcome(() => cache.get(id, { category: 'analytics' })),
      ]
    },
    ['default', 'default', 'ml', 'ml', 'default', undef],
  ),
  define(
    'options of undefined are no options',
    async (cache, id) => {
      await loose(cache).set(id, 1, { ttl: undefined, category: undefined, grace: undefined, tags: undefined })
      await loose(cache).set(`${id}:t`, 1, { tags: [] })
      return [await loose(cache).get(id, { category: undefined }), await cache.get(`${id}:t`)]
    },
    [1, 1],
  ),
  define(
    'a ttl ends a life, a new set starts a new one',
    async (cache, id) => {
      await cache.set(`${id}:a`, 1, { ttl: 40 })
      await cache.set(`${id}:b`, 1, { ttl: '40ms' })
      await cache.set(`${id}:b`, 2, { ttl: '1m' })
      await rest(80)
      return [await outcome(() => cache.get(`${id}:a`)), await cache.has(`${id}:a`), await cache.get(`${id}:b`)]
    },
    [undef, false, 2],
  ),
  define(
    'getEntry shows where, since when and until when',
    async (cache, id) => {
      const before = Date.now()
      await cache.set(id, 'a', { category: 'ml', ttl: '10m' })
      await cache.set(`${id}:d`, 'a', { category: 'ml' })
      const after = Date.now()
      const within = (moment: number | undefined, plus: number) =>
        moment !== undefined && moment >= before + plus && moment <= after + plus
      const entry = await cache.getEntry(id, { category: 'ml' })
      const byDefault = await cache.getEntry(`${id}:d`, { category: 'ml' })
      return {
        value: entry?.value,
        stale: entry?.stale,
        degraded: entry?.degraded,
        tags: entry?.tags,
        version: entry?.version,
        source: typeof entry?.source,
        redisKey: entry?.redisKey.endsWith(`ml:${id}`),
        created: within(entry?.createdAt, 0),
        expires: within(entry?.expiresAt, 600_000),
        createdByDefault: within(byDefault?.createdAt, 0),
        expiresByDefault: within(byDefault?.expiresAt, 86_400_000),
      }
    },
    {
      value: 'a',
      stale: false,
      degraded: false,
      tags: [],
      version: '',
      source: 'string',
      redisKey: true,
      created: true,
      expires: true,
      createdByDefault: true,
      expiresByDefault: true,
    },
  ),
  define(
    'expire: gone for readers, and says whether there was one',
    async (cache, id) => {
      await cache.set(id, 1)
      const seen = [await cache.expire(id), await outcome(() => cache.get(id)), await cache.has(id)]
      return [...seen, await outcome(() => cache.getEntry(id)), await cache.expire(id)]
    },
    [true, undef, false, undef, false],
  ),
  define(
    'touch: a new life for the same value and the same birth',
    async (cache, id) => {
      const before = Date.now()
      await cache.set(id, new Map([[':a', new Date(1)]]), { ttl: '1m' })
      const born = (await cache.getEntry(id))?.createdAt
      const touched = await cache.touch(id, { ttl: '30m' })
      const entry = await cache.getEntry(id)
      const byDefault = await cache.touch(id)
      const later = await cache.getEntry(id)
      return {
        touched,
        byDefault,
        value: shown(entry?.value),
        sameBirth: entry?.createdAt === born && later?.createdAt === born,
        end: (entry?.expiresAt ?? 0) >= before + 1_800_000,
        defaultEnd: (later?.expiresAt ?? 0) >= before + 3_600_000,
        absent: await cache.touch(`${id}:no`),
      }
    },
    {
      touched: true,
      byDefault: true,
      value: shown(new Map([[':a', new Date(1)]])),
      sameBirth: true,
      end: true,
      defaultEnd: true,
      absent: false,
    },
  ),
]

const counterCases: CacheCase[] = [
  define(
    'increment: by one, by more, by less, by nothing',
    async (cache, id) => [
      await cache.increment(id),
      await cache.increment(id, { by: 5 }),
      await cache.increment(id, { by: -10 }),
      await cache.increment(id, { by: 0 }),
      await cache.get(id),
      (await cache.getEntry(id))?.value,
      [...(await cache.getMany([id])).values()],
      await cache.getOrSet(id, () => 'computed'),
      await cache.has(id),
    ],
    [1, 6, -4, -4, -4, -4, [-4], -4, true],
  ),
  define(
    'increment: at once, nothing lost',
    async (cache, id) => {
      const seen = await Promise.all(Array.from({ length: 100 }, () => cache.increment(id, { category: 'analytics' })))
      return [new Set(seen).size, Math.max(...seen), await cache.get(id, { category: 'analytics' })]
    },
    [100, 100, 100],
  ),
  define(
    'increment goes on from a number that was set, and set from a counter',
    async (cache, id) => {
      await cache.set(id, 41)
      const next = await cache.increment(id)
      await cache.set(id, 'text')
      const text = await cache.get(id)
      await cache.set(id, 7)
      return [next, text, await cache.increment(id, { by: 3 }), await cache.get(id)]
    },
    [42, 'text', 10, 10],
  ),
  define(
    'increment refuses what is no whole number, and leaves it',
    async (cache, id) => {
      await cache.set(`${id}:t`, 'text')
      await cache.set(`${id}:f`, 1.5)
      await cache.set(`${id}:o`, { a: 1 })
      return [
        await outcome(() => cache.increment(`${id}:t`)),
        await outcome(() => cache.increment(`${id}:f`)),
        await outcome(() => cache.increment(`${id}:o`)),
        [...(await cache.getMany([`${id}:t`, `${id}:f`, `${id}:o`])).values()],
      ]
    },
    [...Array.from({ length: 3 }, () => refusal('CACHE_INVALID_VALUE', 'increment')), ['text', 1.5, { a: 1 }]],
  ),
  define(
    'increment stays within what a number holds',
    async (cache, id) => [
      await cache.increment(id, { by: Number.MAX_SAFE_INTEGER }),
      await outcome(() => cache.increment(id)),
      await cache.get(id),
      await cache.increment(`${id}:n`, { by: -Number.MAX_SAFE_INTEGER }),
      await outcome(() => cache.increment(`${id}:n`, { by: -1 })),
    ],
    [
      Number.MAX_SAFE_INTEGER,
      refusal('CACHE_INVALID_VALUE', 'increment'),
      Number.MAX_SAFE_INTEGER,
      -Number.MAX_SAFE_INTEGER,
      refusal('CACHE_INVALID_VALUE', 'increment'),
    ],
  ),
  define(
    'a counter lives from its first increment, and can be touched',
    async (cache, id) => {
      const before = Date.now()
      await cache.increment(id, { ttl: '1m' })
      await cache.increment(id, { ttl: '5m' })
      const first = (await cache.getEntry(id))?.expiresAt ?? 0
      const touched = await cache.touch(id, { ttl: '5m' })
      const second = (await cache.getEntry(id))?.expiresAt ?? 0
      return [
        first <= Date.now() + 60_000,
        first >= before + 59_000,
        touched,
        second > before + 290_000,
        await cache.get(id),
      ]
    },
    [true, true, true, true, 2],
  ),
]

const manyCases: CacheCase[] = [
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

const listingCases: CacheCase[] = [
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
      seen.push((await ml.keys({ prefix: `${id}:` })).keys, await outcome(() => ml.invalidateTags(['a'])))
      const { get } = ml
      return [...seen, await outcome(() => get(`${id}:a`))]
    },
    [
      1,
      [1, 2],
      1,
      3,
      true,
      [':a', ':b', ':c'],
      2,
      true,
      true,
      true,
      2,
      [],
      refusal('CACHE_INVALID_OPTION', 'invalidateTags', 'ml'),
      undef,
    ],
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

const computeCases: CacheCase[] = [
  define(
    'getOrSet: computes once, then hits; the context says for what',
    async (cache, id) => {
      const contexts: unknown[] = []
      const factory = (context: { key: string; category: string; stale: boolean; signal: AbortSignal }) => {
        contexts.push([context.key === id, context.category, context.stale, context.signal.aborted])
        return Promise.resolve({ n: contexts.length })
      }
      return [await cache.getOrSet(id, factory), await cache.getOrSet(id, factory), contexts]
    },
    [{ n: 1 }, { n: 1 }, [[true, 'cache', false, false]]],
  ),
  define(
    'getOrSet: undefined means absent and is not stored',
    async (cache, id) => [await outcome(() => cache.getOrSet(id, () => undefined)), await cache.has(id)],
    [undef, false],
  ),
  define(
    'getOrSet: skip answers and stores nothing',
    async (cache, id) => [
      await cache.getOrSet(id, (context) => context.skip({ a: 1 })),
      await cache.has(id),
      await cache.getOrSet(id, () => 'stored'),
      await cache.get(id),
    ],
    [{ a: 1 }, false, 'stored', 'stored'],
  ),
  define(
    'getOrSet: ttl by option, and by the factory',
    async (cache, id) => {
      const before = Date.now()
      await cache.getOrSet(`${id}:a`, () => 1, { ttl: '2m' })
      await cache.getOrSet(
        `${id}:b`,
        (context) => {
          context.setTtl('7m')
          return 1
        },
        { ttl: '2m' },
      )
      const minutes = async (key: string) =>
        Math.round((((await cache.getEntry(key))?.expiresAt ?? 0) - before) / 60_000)
      return [await minutes(`${id}:a`), await minutes(`${id}:b`)]
    },
    [2, 7],
  ),
  define(
    "getOrSet: a factory's error is rethrown as it is, and nothing is stored",
    async (cache, id) => {
      const fails = (error: unknown) => () => {
        throw error
      }
      class OwnError extends Error {
        override readonly name = 'OwnError'
      }
      const own = new OwnError('no such menu')
      let same = false
      try {
        await cache.getOrSet(id, fails(own))
      } catch (error) {
        same = error === own
      }
      return {
        same,
        own: await outcome(() => cache.getOrSet(id, fails(own))),
        rejected: await outcome(() => cache.getOrSet(id, () => Promise.reject(new TypeError('later')))),
        text: await outcome(() => cache.getOrSet(id, fails('just text'))),
        nothing: await outcome(() => cache.getOrSet(id, fails(undefined))),
        stored: await cache.has(id),
        after: await cache.getOrSet(id, () => 'well'),
      }
    },
    {
      same: true,
      own: { name: 'OwnError', message: 'no such menu' },
      rejected: { name: 'TypeError', message: 'later' },
      text: { thrown: 'just text' },
      nothing: { thrown: undef },
      stored: false,
      after: 'well',
    },
  ),
  define(
    'getOrSet: fifty callers, one computation, a copy for each',
    async (cache, id) => {
      let runs = 0
      const answers = await Promise.all(
        Array.from({ length: 50 }, () =>
          cache.getOrSet(id, async () => {
            runs++
            await rest(30)
            return { list: [new Date(1)] }
          }),
        ),
      )
      for (const answer of answers) answer.list.push(new Date(2))
      return [
        runs,
        answers.every(({ list }) => list.length === 2 && list[0]?.getTime() === 1),
        shown(await cache.get(id)),
      ]
    },
    [1, true, shown({ list: [new Date(1)] })],
  ),
  define(
    'getOrSet: fifty callers of a failing factory, one call, fifty rejections',
    async (cache, id) => {
      let runs = 0
      const answers = await Promise.allSettled(
        Array.from({ length: 50 }, () =>
          cache.getOrSet(id, async () => {
            runs++
            await rest(30)
            throw new RangeError(`run ${runs}`)
          }),
        ),
      )
      const failed = answers.flatMap((answer) => (answer.status === 'rejected' ? [told(answer.reason)] : []))
      return [runs, failed.length, [...new Set(failed.map((one) => JSON.stringify(one)))]]
    },
    [1, 50, [JSON.stringify({ name: 'RangeError', message: 'run 1' })]],
  ),
  define(
    'getOrSet: hardTimeout ends the wait and aborts the signal; the late value is not stored',
    async (cache, id) => {
      let aborted: unknown
      let finish: (value: string) => void = () => undefined
      const answer = await outcome(() =>
        cache.getOrSet(
          id,
          ({ signal }) => {
            signal.addEventListener('abort', () => {
              aborted = told(signal.reason)
            })
            return new Promise<string>((resolve) => {
              finish = resolve
            })
          },
          { hardTimeout: 40 },
        ),
      )
      finish('late')
      await rest(20)
      return { answer, aborted, stored: await cache.has(id), after: await cache.getOrSet(id, () => 'well') }
    },
    {
      answer: refusal('CACHE_TIMEOUT', 'getOrSet'),
      aborted: refusal('CACHE_TIMEOUT', 'getOrSet'),
      stored: false,
      after: 'well',
    },
  ),
  define(
    'getOrSet: fresh computes although a value is there',
    async (cache, id) => {
      await cache.set(id, 'old')
      return [
        await cache.getOrSet(id, () => 'new', { fresh: false }),
        await cache.getOrSet(id, () => 'new', { fresh: true }),
        await cache.get(id),
      ]
    },
    ['old', 'new', 'new'],
  ),
  define(
    'getOrSet: the options that have no effect yet are accepted',
    async (cache, id) =>
      cache.getOrSet(id, () => 1, { grace: '1h', softTimeout: '10ms', hardTimeout: '1m', ttl: '5m', tags: [] }),
    1,
  ),
  define(
    'a factory may use the cache',
    async (cache, id) =>
      cache.getOrSet(id, async () => {
        await cache.set(`${id}:inner`, 1)
        return ((await cache.get<number>(`${id}:inner`)) ?? 0) + (await cache.getOrSet(`${id}:deep`, () => 10))
      }),
    11,
  ),
]

export const methodCases: readonly CacheCase[] = [
  ...singleKeyCases,
  ...counterCases,
  ...manyCases,
  ...listingCases,
  ...computeCases,
]
