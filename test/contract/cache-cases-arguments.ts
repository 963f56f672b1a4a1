import { type CacheCase, define, type Loose, loose, outcome, refusal } from './cache-case.ts'

// ──────────────────────────────────────────────────────────────────── keys ───

/** Odd, but keys: `id` leads each of them. */
const tails: [label: string, tail: string][] = [
  ['a space', ' '],
  ['NUL', '\0'],
  ['CR and LF', '\r\nDEL x'],
  ['a colon', ':'],
  ['a hash tag', '{tag}'],
  ['a star', '*'],
  ['a question mark', '?'],
  ['a range', '[a-z]'],
  ['a backslash', '\\'],
  ['an emoji', '😀'],
  ['NFC', 'é'],
  ['NFD', 'e\u0301'],
  ['__proto__', '__proto__'],
  ['a number', '12'],
  ['a name of ours', '~mr:state:x'],
]

const notKeys: [label: string, make: () => unknown][] = [
  ['an empty text', () => ''],
  ['512 bytes and one', () => 'x'.repeat(513)],
  ['171 three-byte letters', () => '€'.repeat(171)],
  ['half a surrogate pair', () => 'a\ud800'],
  ['the other half', () => '\udc00a'],
  ['undefined', () => undefined],
  ['null', () => null],
  ['a number', () => 5],
  ['an object', () => ({})],
  ['an array', () => ['a']],
  ['a symbol', () => Symbol('a')],
]

const keyCases: CacheCase[] = [
  define(
    'keys: odd ones are kept apart',
    async (cache, id) => {
      await cache.setMany(tails.map(([label, tail]) => [`${id}${tail}`, label]))
      const found = await cache.getMany(tails.map(([, tail]) => `${id}${tail}`))
      const single = await Promise.all(tails.map(([, tail]) => cache.get(`${id}${tail}`)))
      const listed = await cache.keys({ category: 'cache', prefix: id, limit: 1000 })
      return { many: [...found.values()], single, listed: listed.keys.length }
    },
    { many: tails.map(([label]) => label), single: tails.map(([label]) => label), listed: tails.length },
  ),
  define(
    'keys: 512 bytes are allowed',
    async (cache, id) => {
      const key = id.padEnd(512, 'x')
      await cache.set(key, 1)
      return cache.get(key)
    },
    1,
  ),
  define(
    'keys: __proto__ as a whole key',
    async (cache) => {
      await cache.set('__proto__', 'kept', { category: 'ml' })
      const many = await cache.getMany(['__proto__', 'constructor'], { category: 'ml' })
      return [await cache.get('__proto__', { category: 'ml' }), [...many]]
    },
    ['kept', [['__proto__', 'kept']]],
  ),
  ...notKeys.map(([label, make]) =>
    define(
      `key refused: ${label}`,
      async (cache, id) => {
        const key = make()
        const bad = loose(cache)
        return {
          get: await outcome(() => bad.get(key)),
          getMany: await outcome(() => bad.getMany([id, key])),
          getEntry: await outcome(() => bad.getEntry(key)),
          getOrSet: await outcome(() => bad.getOrSet(key, () => 1)),
          set: await outcome(() => bad.set(key, 1)),
          setMany: await outcome(() =>
            bad.setMany([
              [id, 1],
              [key, 1],
            ]),
          ),
          has: await outcome(() => bad.has(key)),
          delete: await outcome(() => bad.delete(key)),
          deleteMany: await outcome(() => bad.deleteMany([id, key])),
          expire: await outcome(() => bad.expire(key)),
          touch: await outcome(() => bad.touch(key)),
          increment: await outcome(() => bad.increment(key)),
          bound: await outcome(() => loose(cache.category('ml')).get(key)),
          nothing: await cache.has(id),
        }
      },
      {
        ...Object.fromEntries(
          [
            'get',
            'getMany',
            'getEntry',
            'getOrSet',
            'set',
            'setMany',
            'has',
            'delete',
            'deleteMany',
            'expire',
            'touch',
            'increment',
          ].map((operation) => [operation, refusal('CACHE_INVALID_KEY', operation)]),
        ),
        bound: refusal('CACHE_INVALID_KEY', 'get', 'ml'),
        nothing: false,
      },
    ),
  ),
]

// ───────────────────────────────────────────────────────────────── options ───

const notDurations: [label: string, value: unknown][] = [
  ['0', 0],
  ['-1', -1],
  ['1.5', 1.5],
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['1e15', 1e15],
  ["'10 parsecs'", '10 parsecs'],
  ["'60'", '60'],
  ["'366d'", '366d'],
  ["''", ''],
  ['null', null],
  ['true', true],
  ['false', false],
  ['an object', {}],
  ['a BigInt', 5n],
  ['a function', () => 5],
]

const durationCases: CacheCase[] = notDurations.map(([label, value]) =>
  define(
    `option refused: a duration of ${label}`,
    async (cache, id) => {
      const bad = loose(cache)
      return {
        ttl: await outcome(() => bad.set(id, 1, { ttl: value })),
        many: await outcome(() => bad.setMany([[id, 1]], { ttl: value })),
        grace: await outcome(() => bad.set(`${id}:g`, 1, { grace: value })),
        computed: await outcome(() => bad.getOrSet(id, () => 1, { ttl: value })),
        soft: await outcome(() => bad.getOrSet(id, () => 1, { softTimeout: value })),
        hard: await outcome(() => bad.getOrSet(id, () => 1, { hardTimeout: value })),
        setTtl: await outcome(() =>
          cache.getOrSet(id, (context) => {
            loose(context).setTtl(value)
            return 1
          }),
        ),
        touch: await outcome(() => bad.touch(id, { ttl: value })),
        increment: await outcome(() => bad.increment(id, { ttl: value })),
        nothing: await cache.has(id),
      }
    },
    {
      ttl: refusal('CACHE_INVALID_OPTION', 'set'),
      many: refusal('CACHE_INVALID_OPTION', 'setMany'),
      grace: value === false ? { $: 'undefined', content: '' } : refusal('CACHE_INVALID_OPTION', 'set'),
      computed: refusal('CACHE_INVALID_OPTION', 'getOrSet'),
      soft: refusal('CACHE_INVALID_OPTION', 'getOrSet'),
      hard: refusal('CACHE_INVALID_OPTION', 'getOrSet'),
      setTtl: refusal('CACHE_INVALID_OPTION', 'getOrSet'),
      touch: refusal('CACHE_INVALID_OPTION', 'touch'),
      increment: refusal('CACHE_INVALID_OPTION', 'increment'),
      nothing: false,
    },
  ),
)

const wrongCalls: [label: string, method: keyof Loose, args: (id: string) => readonly unknown[]][] = [
  ['an unknown option', 'get', (id) => [id, { categry: 'ml' }]],
  ['an option of another method', 'get', (id) => [id, { ttl: '1m' }]],
  ['an unknown option', 'set', (id) => [id, 1, { tll: '1m' }]],
  ['an unknown option', 'getOrSet', (id) => [id, () => 1, { timeout: '1m' }]],
  ['an unknown option', 'keys', () => [{ category: 'cache', pattern: '*' }]],
  ['an unknown option', 'clear', () => [{ category: 'cache', all: true }]],
  ['options that are null', 'get', (id) => [id, null]],
  ['options that are a number', 'increment', (id) => [id, 2]],
  ['options that are a text', 'get', (id) => [id, 'ml']],
  ['options that are an array', 'set', (id) => [id, 1, ['ttl']]],
  ['options that are a function', 'has', (id) => [id, () => 1]],
  ['a category that is a number', 'get', (id) => [id, { category: 5 }]],
  ['a category that is null', 'set', (id) => [id, 1, { category: null }]],
  ['no category', 'clear', () => []],
  ['no category', 'keys', () => [{ prefix: 'a' }]],
  ['no factory', 'getOrSet', (id) => [id]],
  ['a factory that is a value', 'getOrSet', (id) => [id, 5]],
  ['fresh that is a text', 'getOrSet', (id) => [id, () => 1, { fresh: 'yes' }]],
  ['keys that are a text', 'getMany', () => ['abc']],
  ['keys that are undefined', 'getMany', () => []],
  ['keys that are a number', 'deleteMany', () => [5]],
  ['entries that are an object', 'setMany', () => [{ a: 1 }]],
  ['entries that are no pairs', 'setMany', () => [['ab']]],
  ['entries with a third part', 'setMany', () => [[['a', 1, { ttl: 5 }]]]],
  ['by that is a fraction', 'increment', (id) => [id, { by: 1.5 }]],
  ['by that is NaN', 'increment', (id) => [id, { by: Number.NaN }]],
  ['by that is a text', 'increment', (id) => [id, { by: '2' }]],
  ['by that is too large', 'increment', (id) => [id, { by: 2 ** 53 }]],
  ['limit 0', 'keys', () => [{ category: 'cache', limit: 0 }]],
  ['limit 1001', 'keys', () => [{ category: 'cache', limit: 1001 }]],
  ['limit 1e9', 'keys', () => [{ category: 'cache', limit: 1e9 }]],
  ['limit 1.5', 'keys', () => [{ category: 'cache', limit: 1.5 }]],
  ['a prefix that is a number', 'keys', () => [{ category: 'cache', prefix: 5 }]],
  ['a cursor that is garbage', 'keys', () => [{ category: 'cache', cursor: 'garbage' }]],
  ['a cursor that is a number', 'keys', () => [{ category: 'cache', cursor: 5 }]],
  ['tags that are a text', 'set', (id) => [id, 1, { tags: 'a' }]],
  ['an empty tag', 'set', (id) => [id, 1, { tags: ['a', ''] }]],
  ['a tag of 257 bytes', 'setMany', (id) => [[[id, 1]], { tags: [`${'é'.repeat(128)}x`] }]],
  ['a tag with half a surrogate pair', 'getOrSet', (id) => [id, () => 1, { tags: ['\ud800'] }]],
  ['65 tags', 'set', (id) => [id, 1, { tags: Array.from({ length: 65 }, (_, i) => `${i}`) }]],
  ['an empty tag', 'invalidateTags', () => [['a', '']]],
  ['a tag of 257 bytes', 'invalidateTags', () => [['x'.repeat(257)]]],
  ['1001 tags', 'invalidateTags', () => [Array.from({ length: 1001 }, (_, i) => `${i}`)]],
  ['tags that are a text', 'invalidateTags', () => ['a']],
  ['tags that hold a number', 'invalidateTags', () => [[5]]],
]

const wrongCallCases: CacheCase[] = wrongCalls.map(([label, method, args]) =>
  define(
    `${method} refuses ${label}`,
    async (cache, id) => ({
      answer: await outcome(async () => loose(cache)[method](...args(id))),
      nothing: await cache.has(id),
    }),
    { answer: refusal('CACHE_INVALID_OPTION', method), nothing: false },
  ),
)

const boundCases: CacheCase[] = [
  define(
    'a bound form refuses a category among its options, and a name that is none',
    async (cache, id) => ({
      twice: await outcome(() => loose(cache.category('ml')).set(id, 1, { category: 'ml' })),
      number: await outcome(() => loose(loose(cache).category(5)).get(id)),
      shape: await outcome(() => cache.category('No Such').get(id)),
    }),
    {
      twice: refusal('CACHE_INVALID_OPTION', 'set', 'ml'),
      number: refusal('CACHE_INVALID_OPTION', 'get'),
      shape: refusal('CACHE_INVALID_OPTION', 'get', ''),
    },
  ),
  define(
    'wrong tags set by a factory are refused, not dropped',
    async (cache, id) => ({
      answer: await outcome(() =>
        cache.getOrSet(id, (context) => {
          context.setTags([''])
          return 1
        }),
      ),
      nothing: await cache.has(id),
    }),
    { answer: refusal('CACHE_INVALID_OPTION', 'getOrSet'), nothing: false },
  ),
]

export const argumentCases: readonly CacheCase[] = [...keyCases, ...durationCases, ...wrongCallCases, ...boundCases]
