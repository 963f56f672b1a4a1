import { type CacheCase, define, loose, outcome, shown } from './cache-case.ts'

const undef = shown(undefined)
const rest = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

export const entryCases: readonly CacheCase[] = [
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
