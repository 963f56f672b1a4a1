import { type CacheCase, define, outcome, refusal } from './cache-case.ts'

export const counterCases: readonly CacheCase[] = [
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
