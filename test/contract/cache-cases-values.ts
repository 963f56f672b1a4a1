import { type CacheCase, define, outcome, refusal, shown } from './cache-case.ts'

const deep = (levels: number): unknown => {
  let value: unknown = 'end'
  for (let i = 0; i < levels; i++) value = [value]
  return value
}
const cycle = (): unknown => {
  const value: Record<string, unknown> = { name: 'a' }
  value.self = value
  return value
}
class Point {
  constructor(
    readonly x: number,
    readonly y: number,
  ) {}
}
const sparse = (): unknown => {
  const value: unknown[] = []
  value[2] = 1
  return value
}

const kept: [label: string, make: () => unknown][] = [
  ['null', () => null],
  ['NaN', () => Number.NaN],
  ['-0', () => -0],
  ['Infinity', () => Number.POSITIVE_INFINITY],
  ['a BigInt', () => 2n ** 70n],
  ['a Date', () => new Date(1_700_000_000_000)],
  [
    'a Map',
    () =>
      new Map<unknown, unknown>([
        [1, 2n],
        ['a', new Date(1)],
      ]),
  ],
  ['a Set', () => new Set([1, 'a'])],
  ['a Uint8Array', () => new Uint8Array([1, 2, 255])],
  ['a Float64Array', () => new Float64Array([0.5, -1])],
  ['a Buffer', () => Buffer.from([0, 1, 255])],
  ['a Buffer inside', () => ({ a: [Buffer.from('é')] })],
  ['a RegExp', () => /a\/b/gi],
  ['a URL', () => new URL('http://example.com/a?b=c')],
  ['a frozen object', () => Object.freeze({ a: Object.freeze([1]) })],
  ["''", () => ''],
  ['0', () => 0],
  ['false', () => false],
  ['a string that starts with a colon', () => ':base64:aGk='],
  ['strings that start with colons, inside', () => ({ a: [':', '::x'] })],
  ['undefined inside', () => ({ a: undefined, b: [undefined, 1] })],
  ['own constructor', () => ({ constructor: 'mine', prototype: 1 })],
  ['a name with dots', () => ({ 'a.b': new Date(2), 'c\\d': new Date(3) })],
  ['plain JSON', () => ({ a: [1, 'b', null, true, { c: {} }], d: 'ü😀\u0000\u2028' })],
  ['300 levels', () => deep(300)],
]

const refused: [label: string, make: () => unknown][] = [
  ['undefined', () => undefined],
  ['a symbol', () => Symbol('a')],
  ['a function', () => () => 1],
  ['a function inside', () => ({ a: [() => 1] })],
  ['an invalid Date', () => new Date(Number.NaN)],
  ['an Error', () => new Error('a')],
  ['a class instance', () => new Point(1, 2)],
  ['a cycle', cycle],
  ['an array with holes', sparse],
  ['20,000 levels', () => deep(20_000)],
  [
    'a throwing getter',
    () => ({
      get a() {
        throw new Error('getter')
      },
    }),
  ],
  [
    'a throwing toJSON',
    () => ({
      toJSON: () => {
        throw new Error('toJSON')
      },
    }),
  ],
  ['own __proto__', () => JSON.parse('{"a":{"__proto__":{"x":1}}}')],
]

export const valueCases: CacheCase[] = [
  ...kept.map(([label, make]) =>
    define(
      `value: ${label}`,
      async (cache, id) => {
        await cache.set(`${id}:s`, make())
        const miss = await cache.getOrSet(`${id}:f`, make)
        return {
          get: shown(await cache.get(`${id}:s`)),
          miss: shown(miss),
          hit: shown(await cache.getOrSet(`${id}:f`, () => 'computed again')),
          many: shown([...(await cache.getMany([`${id}:s`])).values()]),
          entry: shown((await cache.getEntry(`${id}:s`))?.value),
        }
      },
      { get: shown(make()), miss: shown(make()), hit: shown(make()), many: [shown(make())], entry: shown(make()) },
    ),
  ),
  ...refused.map(([label, make]) =>
    define(
      `value refused: ${label}`,
      async (cache, id) => ({
        set: await outcome(() => cache.set(`${id}:s`, make())),
        setMany: await outcome(() =>
          cache.setMany([
            [`${id}:first`, 1],
            [`${id}:s`, make()],
          ]),
        ),
        getOrSet: await outcome(() => cache.getOrSet(`${id}:s`, make)),
        skip: await outcome(() => cache.getOrSet(`${id}:s`, (context) => context.skip(make()))),
        nothing: shown([...(await cache.getMany([`${id}:s`, `${id}:first`])).keys()]),
      }),
      {
        set: refusal('CACHE_INVALID_VALUE', 'set'),
        setMany: refusal('CACHE_INVALID_VALUE', 'setMany'),
        // What a factory answers may be absent.
        getOrSet: label === 'undefined' ? shown(undefined) : refusal('CACHE_INVALID_VALUE', 'getOrSet'),
        skip: label === 'undefined' ? shown(undefined) : refusal('CACHE_INVALID_VALUE', 'getOrSet'),
        nothing: [],
      },
    ),
  ),
  define(
    'value: the limit, and one byte more',
    async (cache, id) => ({
      limit: await outcome(() => cache.set(`${id}:a`, 'x'.repeat(1_048_576))),
      length: ((await cache.get<string>(`${id}:a`)) ?? '').length,
      more: await outcome(() => cache.set(`${id}:b`, 'x'.repeat(1_048_577))),
      computed: await outcome(() => cache.getOrSet(`${id}:b`, () => 'x'.repeat(1_048_577))),
      many: await outcome(() =>
        cache.setMany([
          [`${id}:c`, 1],
          [`${id}:b`, 'é'.repeat(524_289)],
        ]),
      ),
      nothing: shown([...(await cache.getMany([`${id}:b`, `${id}:c`])).keys()]),
    }),
    {
      limit: shown(undefined),
      length: 1_048_576,
      more: refusal('CACHE_TOO_LARGE', 'set'),
      computed: refusal('CACHE_TOO_LARGE', 'getOrSet'),
      many: refusal('CACHE_TOO_LARGE', 'setMany'),
      nothing: [],
    },
  ),
  define(
    'value: a Proxy is stored as what it shows',
    async (cache, id) => {
      await cache.set(id, new Proxy({ a: 1 }, {}))
      return cache.get(id)
    },
    { a: 1 },
  ),
  define(
    'value: later changes of the caller are not seen',
    async (cache, id) => {
      const value = { list: [1], at: new Date(1) }
      const written = cache.set(id, value)
      value.list.push(2)
      value.at.setTime(2)
      await written
      const pairs: [string, unknown][] = [[`${id}:a`, value]]
      const many = cache.setMany(pairs)
      value.list.push(3)
      await many
      return shown([await cache.get(id), await cache.get(`${id}:a`)])
    },
    [
      { list: [1], at: shown(new Date(1)) },
      { list: [1, 2], at: shown(new Date(2)) },
    ],
  ),
]
