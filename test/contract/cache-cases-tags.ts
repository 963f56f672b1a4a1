import type { Cache } from '../../types/index.ts'
import { type CacheCase, define, loose, outcome, refusal } from './cache-case.ts'

const left = async (cache: Cache, keys: readonly string[], category = 'cache'): Promise<boolean[]> =>
  Promise.all(keys.map((key) => cache.has(key, { category })))

export const tagCases: readonly CacheCase[] = [
  define(
    'tags: what bears one goes, and nothing else; the answer is how many',
    async (cache, id) => {
      const [x, y] = [`${id}:x`, `${id}:y`]
      const [a, b, c, d] = [`${id}:a`, `${id}:b`, `${id}:c`, `${id}:d`]
      await cache.set(a, 1, { tags: [x] })
      await cache.setMany([[b, 2]], { tags: [x, y, x] })
      await cache.set(c, 3, { tags: [y], ttl: '1m' })
      await cache.set(d, 4)
      const removed = [await cache.invalidateTags([x]), await cache.invalidateTags([x])]
      return [removed, await left(cache, [a, b, c, d]), await cache.invalidateTags([x, y]), await cache.has(d)]
    },
    [[2, 0], [false, false, true, true], 1, true],
  ),
  define(
    'tags: an entry tells its own, each once, as they were last given',
    async (cache, id) => {
      await cache.set(id, new Map([[1, new Date(0)]]), { tags: ['b', 'a', 'b'] })
      const first = (await cache.getEntry(id))?.tags
      await cache.touch(id, { ttl: '1h' })
      const touched = (await cache.getEntry(id))?.tags
      await cache.set(id, 1)
      return [first, touched, (await cache.getEntry(id))?.tags]
    },
    [['b', 'a'], ['b', 'a'], []],
  ),
  define(
    'tags: the last write counts, and a new life changes nothing',
    async (cache, id) => {
      const [x, y] = [`${id}:x`, `${id}:y`]
      const [a, b, c] = [`${id}:a`, `${id}:b`, `${id}:c`]
      await cache.set(a, 1, { tags: [x] })
      await cache.set(a, 2, { tags: [y] })
      await cache.set(b, 1, { tags: [x] })
      await cache.set(b, 2)
      await cache.set(c, 1, { tags: [x], ttl: '1m' })
      await cache.touch(c, { ttl: '1h' })
      return [await cache.invalidateTags([x]), await left(cache, [a, b, c]), await cache.invalidateTags([y])]
    },
    [1, [true, true, false], 1],
  ),
  define(
    'tags: in all categories, or in the one that is named',
    async (cache, id) => {
      await cache.set(id, 1, { tags: [id] })
      await cache.set(id, 2, { tags: [id], category: 'ml' })
      await cache.category('analytics').set(id, 3, { tags: [id] })
      const one = [await cache.invalidateTags([id], { category: 'ml' }), await cache.has(id, { category: 'ml' })]
      const bound = await cache.category('cache').invalidateTags([id])
      await cache.set(id, 1, { tags: [id] })
      const all = await cache.invalidateTags([id])
      return [one, bound, all, await cache.has(id), await cache.has(id, { category: 'analytics' })]
    },
    [[1, false], 1, 2, false, false],
  ),
  define(
    'tags: computed values bear those of the call, or those that the factory sets',
    async (cache, id) => {
      const [a, b] = [`${id}:a`, `${id}:b`]
      await cache.getOrSet(a, () => 1, { tags: [id] })
      await cache.getOrSet(
        b,
        (context) => {
          context.setTags([id, 'more'])
          return 2
        },
        { tags: ['given'] },
      )
      const tags = [(await cache.getEntry(a))?.tags, (await cache.getEntry(b))?.tags]
      const removed = await cache.invalidateTags([id])
      return [tags.map((each) => each?.map((tag) => tag.replace(id, 'id'))), removed, await left(cache, [a, b])]
    },
    [[['id'], ['id', 'more']], 2, [false, false]],
  ),
  define(
    'tags: what was begun to be computed before an invalidation is answered, not stored',
    async (cache, id) => {
      let computed = 0
      const compute = (tags: readonly string[], meanwhile: () => Promise<unknown>) =>
        cache.getOrSet(
          id,
          async (context) => {
            computed++
            await meanwhile()
            context.setTags(tags)
            return computed
          },
          { ttl: '1m' },
        )
      const overtaken = await compute([id], () => cache.invalidateTags([id]))
      const after = await cache.get(id)
      const inCategory = await compute([id], () => cache.invalidateTags([id], { category: 'cache' }))
      const still = await cache.get(id)
      const elsewhere = await compute([id], () => cache.invalidateTags([id], { category: 'ml' }))
      await cache.delete(id)
      const other = await compute([id], () => cache.invalidateTags([`${id}:other`]))
      return [overtaken, after ?? 'absent', inCategory, still ?? 'absent', elsewhere, other, await cache.get(id)]
    },
    [1, 'absent', 2, 'absent', 3, 4, 4],
  ),
  define(
    'tags: who asks after an invalidation gets what was computed after it',
    async (cache, id) => {
      let computed = 0
      let go = (): void => undefined
      const gate = new Promise<void>((resolve) => {
        go = resolve
      })
      let begun = (): void => undefined
      const running = new Promise<void>((resolve) => {
        begun = resolve
      })
      const ask = () =>
        cache.getOrSet(
          id,
          async () => {
            const n = ++computed
            begun()
            if (n === 1) await gate
            return n
          },
          { tags: [id] },
        )
      const before = ask()
      await running
      await cache.invalidateTags([id])
      const after = ask()
      // Long enough that it waits for the first one.
      await new Promise((resolve) => setTimeout(resolve, 50))
      go()
      return [await before, await after, await cache.get(id)]
    },
    [1, 2, 2],
  ),
  define(
    'tags: 64 of an entry, of 256 bytes each, with every character there is',
    async (cache, id) => {
      const odd = ['"', '\\', ']', '","', '*', ':', '\0', '\r\n', 'é', 'e\u0301', '😀', '\u2028', '__proto__']
      const many = Array.from({ length: 64 - odd.length }, (_, i) => String(i).padStart(256, 'x'))
      const tags = [...odd, ...many]
      await cache.set(id, 1, { tags, category: 'ml' })
      const entry = await cache.getEntry(id, { category: 'ml' })
      const counts: number[] = []
      for (const tag of odd) {
        await cache.set(id, 1, { tags, category: 'ml' })
        counts.push(await cache.invalidateTags([tag], { category: 'ml' }))
      }
      return [entry?.tags.join() === tags.join(), counts.every((count) => count === 1)]
    },
    [true, true],
  ),
  define(
    'tags: none to invalidate is nothing to do, though not in a category that can not be',
    async (cache) => [
      await cache.invalidateTags([]),
      await cache.invalidateTags([], { category: 'ml' }),
      await outcome(() => loose(cache).invalidateTags([], { category: 'No Such' })),
    ],
    [0, 0, refusal('CACHE_INVALID_OPTION', 'invalidateTags', '')],
  ),
]
