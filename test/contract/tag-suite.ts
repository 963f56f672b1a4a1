import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Store } from '../../src/instances/store.ts'
import { until } from '../support/until.ts'

const soon = (ms = 60_000): number => Date.now() + ms
let count = 0

/** Tags that could be mistaken for others, for patterns, or for what stands around them in a text. */
const oddTags = [
  ' ',
  'a',
  'ab',
  'a:b',
  ':a',
  'a:',
  '*',
  '[a-z]',
  'a"b',
  'a\\b',
  'a\\"',
  'a]b',
  '"],"g":1',
  'a,b',
  'a\0b',
  'a\r\nb',
  'é',
  'e\u0301',
  '😀',
  '\u2028',
  'x'.repeat(256),
]

/** An entry's text as the codec writes it. */
const taggedText = (tags: readonly string[], value: unknown = 1, meta: object = {}): string =>
  `{"value":${JSON.stringify(value)},"expires":${soon()}${
    tags.length === 0 ? '' : `,"meta":${JSON.stringify({ t: tags, ...meta })}`
  }}`

/** What a Store promises of tags. Each test has a category of its own. */
export const tagSuite = (title: string, open: () => Store): void => {
  describe(`Store contract, tags: ${title}`, () => {
    let store: Store
    let category: string
    beforeEach(() => {
      store = open()
      category = `tagcase${++count}`
    })
    const at = (key: string): string => `${category}:${key}`
    const write = (key: string, tags: readonly string[], endsAt = soon(), text = taggedText(tags)): Promise<void> =>
      store.write([{ key: at(key), text, endsAt, ...(tags.length > 0 && { tags: { category, names: tags } }) }])
    const remove = (...names: string[]): Promise<number> => store.removeTagged({ category, names })
    const there = async (...keys: string[]): Promise<boolean[]> =>
      (await store.readMany(keys.map(at))).map((text) => text !== undefined)

    it('removes what bears the tag, and nothing else', async () => {
      await write('a', ['x'])
      await write('b', ['x', 'y'])
      await write('c', ['y'])
      await write('d', [])
      expect(await remove('x')).toBe(2)
      expect(await there('a', 'b', 'c', 'd')).toEqual([false, false, true, true])
      expect(await remove('x')).toBe(0)
    })

    it('counts an entry once, whichever of the tags it bears', async () => {
      await write('a', ['x', 'y'])
      await write('b', ['y', 'z'])
      expect(await remove('x', 'y', 'z', 'none')).toBe(2)
    })

    it('finds what was written again, with whatever tags it bears now', async () => {
      await write('a', ['x'])
      await write('a', ['y'])
      await write('b', ['x'])
      await write('b', [])
      await write('c', ['y'])
      await write('c', ['x'])
      expect(await remove('x')).toBe(1)
      expect(await there('a', 'b', 'c')).toEqual([true, true, false])
      expect(await remove('y')).toBe(1)
    })

    it('finds what was removed and written again', async () => {
      await write('a', ['x'])
      await remove('x')
      await write('a', ['x'])
      await store.remove([at('a')])
      await write('a', ['x'])
      expect(await remove('x')).toBe(1)
      expect(await remove('x')).toBe(0)
    })

    it('finds what got a new life after its first end', async () => {
      const first = taggedText(['x'])
      await write('a', ['x'], soon(80), first)
      const next = { text: taggedText(['x'], 2), endsAt: soon(), tags: { category, names: ['x'] } }
      expect(await store.swap(at('a'), first, next)).toBe(true)
      expect(await store.swap(at('a'), first, next)).toBe(false)
      // A write cleans the index of what has ended.
      await write('b', ['x'], soon(40))
      await until('the other one has ended', async () => !(await there('b'))[0])
      await new Promise((resolve) => setTimeout(resolve, 60))
      await write('c', ['x'])
      expect(await there('a')).toEqual([true])
      expect(await remove('x')).toBe(2)
      expect(await there('a', 'b', 'c')).toEqual([false, false, false])
    })

    it('counts nothing that has ended', async () => {
      await write('a', ['x'], soon(30))
      await until('it has ended', async () => !(await there('a'))[0])
      expect(await remove('x')).toBe(0)
    })

    it('keeps odd tags apart', async () => {
      await store.write(
        oddTags.map((tag, i) => ({
          key: at(String(i)),
          text: taggedText([tag, 'all']),
          endsAt: soon(),
          tags: { category, names: [tag, 'all'] },
        })),
      )
      for (const [i, tag] of oddTags.entries()) {
        expect([tag, await remove(tag)]).toEqual([tag, 1])
        expect(await there(String(i), String(i + 1))).toEqual([false, i + 1 < oddTags.length])
      }
      expect(await remove('all')).toBe(0)
    })

    it('finds a tag wherever it stands in a text, and takes nothing of the value for one', async () => {
      const names = ['a"]', 'x', '\\']
      const like = { meta: { t: ['x'] }, other: ',"meta":{"t":["x"]}' }
      await write('nested', [], soon(), taggedText([], like))
      await write('both', names, soon(), taggedText(names, like, { s: { values: ['x', 'Date'] }, c: 1, g: 2 }))
      await write('like', ['y'], soon(), taggedText(['y'], like, { s: { values: { x: ['Date'] } } }))
      const packed = `{"expires":${soon()},"meta":${JSON.stringify({ t: names, z: 'x'.repeat(200_000) })}}`
      await write('packed', names, soon(), packed)
      const version = '0123456789abcdef01234567'
      await write('versioned', names, soon(), taggedText(names).replace('{', `{"ver":"${version}",`))
      // Written again without tags, and still in the index.
      await write('nested', ['x'])
      await write('nested', [], soon(), taggedText([], like))
      expect(await remove('x')).toBe(3)
      expect(await there('both', 'packed', 'versioned', 'like')).toEqual([false, false, false, true])
    })

    it('has tags of each category apart, and says which have any', async () => {
      await write('a', ['x'])
      const other = `${category}-b`
      const tags = { category: other, names: ['x'] }
      await store.write([{ key: `${other}:a`, text: taggedText(['x']), endsAt: soon(), tags }])
      expect(await remove('x')).toBe(1)
      expect(await store.read(`${other}:a`)).toBeDefined()
      const found = await store.invalidateEverywhere(['x'])
      expect(found).toContain(other)
      expect(new Set(found).size).toBe(found.length)
      expect(await store.removeTagged(tags)).toBe(1)
    })

    it('finds all of more than one page, small and large', async () => {
      const keys = Array.from({ length: 1_777 }, (_, i) => String(i))
      const large = 'x'.repeat(70_000)
      const names = ['many', 'x']
      const entries = keys.map((key, i) => ({
        key: at(key),
        text: taggedText(names, i % 100 === 0 ? large : i),
        endsAt: soon(),
        tags: { category, names },
      }))
      await store.write([...entries, { key: at('bare'), text: taggedText([]), endsAt: soon() }])
      expect((await there(...keys)).filter(Boolean)).toHaveLength(keys.length)
      expect(await remove('many')).toBe(keys.length)
      expect((await there(...keys, 'bare')).filter(Boolean)).toHaveLength(1)
    })

    it('leaves nothing that was written before, however much is written meanwhile', async () => {
      const names = ['x']
      const entry = (key: string, value: number) => ({
        key: at(key),
        text: taggedText(names, value),
        endsAt: soon(),
        tags: { category, names },
      })
      await store.write(Array.from({ length: 2_000 }, (_, i) => entry(`old${i}`, 0)))
      let ended = false
      const writing = (async () => {
        for (let i = 0; !ended; i++) await store.write([entry(`new${i}`, i), entry(`old${i % 2_000}`, -1)])
      })()
      await remove('x')
      ended = true
      await writing
      const texts = await store.readMany(Array.from({ length: 2_000 }, (_, i) => at(`old${i}`)))
      // What is there now was written since.
      expect(texts.filter((text) => text !== undefined && !text.startsWith('{"value":-1,'))).toEqual([])
    })

    it('is right after any order of writes and removals', async () => {
      const names = ['x', 'y', 'z']
      const step = fc.oneof(
        fc.record({ key: fc.constantFrom('a', 'b', 'c'), tags: fc.subarray(names) }),
        fc.record({ removed: fc.constantFrom('a', 'b', 'c') }),
        fc.record({ invalidated: fc.subarray(names, { minLength: 1 }) }),
      )
      let round = 0
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
          const of = `${category}-${++round}`
          const model = new Map<string, readonly string[]>()
          for (const each of steps) {
            if ('key' in each) {
              const { key, tags } = each
              const write = { key: `${of}:${key}`, text: taggedText(tags), endsAt: soon() }
              await store.write([tags.length === 0 ? write : { ...write, tags: { category: of, names: tags } }])
              model.set(key, tags)
            } else if ('removed' in each) {
              await store.remove([`${of}:${each.removed}`])
              model.delete(each.removed)
            } else {
              const hit = [...model].filter(([, tags]) => tags.some((tag) => each.invalidated.includes(tag)))
              expect(await store.removeTagged({ category: of, names: each.invalidated })).toBe(hit.length)
              for (const [key] of hit) model.delete(key)
            }
          }
          const left = await store.readMany(['a', 'b', 'c'].map((key) => `${of}:${key}`))
          expect(left.map((text) => text !== undefined)).toEqual(['a', 'b', 'c'].map((key) => model.has(key)))
        }),
        { numRuns: 60 },
      )
    })
  })
}
