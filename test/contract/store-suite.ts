import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Store } from '../../src/instances/store.ts'
import { until } from '../support/until.ts'

/** Keys and names that broke others: pattern characters, line ends, bytes that end strings, neighbours. */
const oddKeys = [
  ' ',
  '*',
  '?',
  '[a-z]',
  '[',
  ']',
  '\\',
  '\\*',
  '{tag}',
  ':',
  'a:b',
  'a\0b',
  'a\r\nb',
  '😀',
  'é',
  'e\u0301',
  '__proto__',
  'constructor',
  '0',
  '007',
  'g1',
  'g10',
  '^',
  '-',
  'a'.repeat(512),
]

const soon = (ms = 60_000): number => Date.now() + ms
let count = 0

/** What every Store promises (src/instances/store.ts). `open` gives the same store to all tests; each uses its own prefix. */
export const storeSuite = (title: string, open: () => Store): void => {
  describe(`Store contract: ${title}`, () => {
    let store: Store
    let p: string
    beforeEach(() => {
      store = open()
      p = `case${++count}:`
    })
    const write = (key: string, text: string, endsAt = soon()): Promise<void> =>
      store.write([{ key: p + key, text, endsAt }])
    const groupNames = async (): Promise<string[]> => (await store.groups()).filter((name) => name.startsWith(p))
    const set = (
      group: string,
      field: string,
      text: string,
      ttl: number | false = 60_000,
      most = 1_000,
    ): Promise<void> => store.groupSet(p + group, field, text, ttl, most)

    describe('entries', () => {
      it('answers what was written, and undefined for what was not', async () => {
        await write('a', '')
        expect(await store.read(`${p}a`)).toBe('')
        expect(await store.read(`${p}b`)).toBeUndefined()
      })

      it('keeps texts as they are', async () => {
        const texts = ['', '0', 'null', '{"a":[1,"ü😀"]}', 'a\0b', '\r\n', 'x'.repeat(200_000), '"\u2028'.repeat(9)]
        await store.write(texts.map((text, i) => ({ key: `${p}${i}`, text, endsAt: soon() })))
        expect(await store.readMany(texts.map((_, i) => `${p}${i}`))).toEqual(texts)
        for (const [i, text] of texts.entries()) expect(await store.read(`${p}${i}`)).toBe(text)
      })

      it('gives each of many reads of one tick its own answer, large and small', async () => {
        const texts = Array.from({ length: 300 }, (_, i) => (i % 50 === 0 ? String(i).repeat(40_000) : `text ${i}`))
        await store.write(texts.map((text, i) => ({ key: `${p}${i}`, text, endsAt: soon() })))
        const answers = await Promise.all(Array.from({ length: 600 }, (_, i) => store.read(`${p}${i % 301}`)))
        answers.forEach((answer, i) => {
          expect(answer).toBe(texts[i % 301])
        })
      })

      it('answers many keys in the order asked, repeated and absent ones included', async () => {
        await write('1', 'one')
        await write('2', 'two')
        expect(await store.readMany([`${p}2`, `${p}x`, `${p}1`, `${p}2`])).toEqual(['two', undefined, 'one', 'two'])
        expect(await store.readMany([])).toEqual([])
      })

      it('writes and removes more than one batch at once', async () => {
        const keys = Array.from({ length: 2_345 }, (_, i) => `${p}${i}`)
        await store.write(keys.map((key) => ({ key, text: key, endsAt: soon() })))
        expect(await store.readMany(keys)).toEqual(keys)
        expect((await store.remove([...keys, `${p}none`])).filter(Boolean)).toHaveLength(2_345)
        expect((await store.readMany(keys)).filter((text) => text !== undefined)).toEqual([])
        await store.write([])
        expect(await store.remove([])).toEqual([])
      })

      it('says for each removed key whether it was there', async () => {
        await write('a', '1')
        expect(await store.remove([`${p}b`, `${p}a`, `${p}a`])).toEqual([false, true, false])
      })

      it('ends an entry at its time, which may be a fraction or over already', async () => {
        await write('past', 'x', Date.now() - 1_000)
        await until('it is gone', async () => (await store.read(`${p}past`)) === undefined)
        await write('fraction', 'x', Date.now() + 60_000.5)
        expect(await store.read(`${p}fraction`)).toBe('x')
        await write('short', 'x', Date.now() + 40)
        await until('the entry has ended', async () => (await store.read(`${p}short`)) === undefined)
        expect(await store.readMany([`${p}short`])).toEqual([undefined])
        expect(await store.remove([`${p}short`])).toEqual([false])
      })

      it('tells the remaining life', async () => {
        await write('a', 'x', soon(5_000))
        const life = await store.life(`${p}a`)
        expect(life).toBeGreaterThan(3_000)
        expect(life).toBeLessThanOrEqual(5_000)
        expect(await store.life(`${p}b`)).toBeUndefined()
      })

      it('gives a key a new life with a new text', async () => {
        await write('a', 'x', soon(1_000))
        await write('a', 'y', soon(90_000))
        expect(await store.life(`${p}a`)).toBeGreaterThan(60_000)
      })

      it('swaps only what is still there unchanged', async () => {
        const next = { text: 'new', endsAt: soon(90_000) }
        expect(await store.swap(`${p}a`, 'old', next)).toBe(false)
        expect(await store.read(`${p}a`)).toBeUndefined()
        await write('a', 'old')
        expect(await store.swap(`${p}a`, 'OLD', next)).toBe(false)
        expect(await store.swap(`${p}a`, 'old', next)).toBe(true)
        expect(await store.read(`${p}a`)).toBe('new')
        expect(await store.life(`${p}a`)).toBeGreaterThan(60_000)
      })

      it('lets exactly one of many swaps win', async () => {
        await write('a', 'old')
        const wins = await Promise.all(
          Array.from({ length: 20 }, (_, i) => store.swap(`${p}a`, 'old', { text: `by ${i}`, endsAt: soon() })),
        )
        expect(wins.filter(Boolean)).toHaveLength(1)
        expect(await store.read(`${p}a`)).toBe(`by ${wins.indexOf(true)}`)
      })

      it('keeps odd keys apart', async () => {
        await store.write(oddKeys.map((key) => ({ key: p + key, text: `of ${key}`, endsAt: soon() })))
        for (const key of oddKeys) expect(await store.read(p + key)).toBe(`of ${key}`)
        expect(await store.remove([`${p}*`, `${p}[a-z]`])).toEqual([true, true])
        expect(await store.read(`${p}a:b`)).toBe('of a:b')
      })
    })

    describe('counters', () => {
      const add = (by: number, endsAt = soon()): Promise<number> => store.increment(`${p}n`, by, endsAt)

      it('start at 0 and keep the life of the first call', async () => {
        expect(await add(5, soon(50_000))).toBe(5)
        expect(await add(-7, soon(900_000))).toBe(-2)
        expect(await store.life(`${p}n`)).toBeLessThanOrEqual(50_000)
        expect(await store.read(`${p}n`)).toBe('-2')
      })

      it('start over when they have ended', async () => {
        await add(5, Date.now() + 30)
        await until('the counter has ended', async () => (await store.read(`${p}n`)) === undefined)
        expect(await add(1)).toBe(1)
      })

      it('lose no call of many at once', async () => {
        const results = await Promise.all(Array.from({ length: 100 }, () => add(1)))
        expect(results.sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1))
      })

      it.each(['{"value":41,"expires":EXPIRES}', '{"ver":"00","value":41,"expires":EXPIRES,"meta":{"t":["x"]}}'])(
        'take over an envelope, for as long as it was valid: %s',
        async (envelope) => {
          await write('n', envelope.replace('EXPIRES', String(soon(20_000))), soon(600_000))
          expect(await add(1, soon(900_000))).toBe(42)
          expect(await store.read(`${p}n`)).toBe('42')
          const life = (await store.life(`${p}n`)) ?? 0
          expect(life).toBeGreaterThan(15_000)
          expect(life).toBeLessThanOrEqual(20_000)
        },
      )

      it('never lengthen the life of an envelope, also without an end of its own', async () => {
        await write('n', `{"value":1,"expires":${soon(800_000)}}`, soon(20_000))
        await add(1, soon(900_000))
        expect(await store.life(`${p}n`)).toBeLessThanOrEqual(20_000)
        await write('n', '{"value":1}', soon(20_000))
        expect(await add(1, soon(900_000))).toBe(2)
        expect(await store.life(`${p}n`)).toBeLessThanOrEqual(20_000)
      })

      it.each([
        ['is no longer valid', '{"value":41,"expires":1}'],
        ['says that there is nothing', '{"expires":EXPIRES,"meta":{"n":1}}'],
      ])('start over from an envelope that %s', async (_, envelope) => {
        await write('n', envelope.replace('EXPIRES', String(soon(20_000))))
        expect(await add(2, soon(900_000))).toBe(2)
        expect(await store.life(`${p}n`)).toBeGreaterThan(600_000)
      })

      it.each([
        'abc',
        '',
        '1.5',
        '1e3',
        '007',
        '-0',
        '+1',
        ' 1',
        '{"value":"1"}',
        '{"value":1.5}',
        '{"value":null}',
        '[]',
        'null',
        '"1"',
        '{"value":9007199254740993}',
        '{',
      ])('refuse what is no integer: %j', async (text) => {
        await write('n', text)
        await expect(add(1)).rejects.toMatchObject({ name: 'StoreError', kind: 'not-a-number', applied: 'no' })
        expect(await store.read(`${p}n`)).toBe(text)
      })

      it('refuse to leave the safe integers, and stay as they were', async () => {
        const most = Number.MAX_SAFE_INTEGER
        expect(await add(most)).toBe(most)
        await expect(add(1)).rejects.toMatchObject({ kind: 'out-of-range', applied: 'no' })
        expect(await store.read(`${p}n`)).toBe(String(most))
        expect(await add(-most)).toBe(0)
        expect(await add(-most)).toBe(-most)
        await expect(add(-1)).rejects.toMatchObject({ kind: 'out-of-range' })
        await write('n', '9223372036854775807')
        await expect(add(1)).rejects.toMatchObject({ kind: 'out-of-range' })
        await write('n', `{"value":${most},"expires":${soon()}}`)
        await expect(add(1)).rejects.toMatchObject({ kind: 'out-of-range' })
        expect(await add(0)).toBe(most)
        expect(await store.read(`${p}n`)).toBe(String(most))
      })

      it('count as numbers do', async () => {
        const integers = fc.array(fc.integer({ min: -(2 ** 50), max: 2 ** 50 }), { minLength: 1, maxLength: 6 })
        await fc.assert(
          fc.asyncProperty(integers, async (steps) => {
            const key = `${p}sum${++count}`
            let sum = 0
            for (const step of steps) {
              sum += step
              expect(await store.increment(key, step, soon())).toBe(sum)
            }
          }),
          { numRuns: 20 },
        )
      })
    })

    describe('prefixes', () => {
      const all = async (prefix: string, limit = 100): Promise<string[]> => {
        const keys = new Set<string>()
        let cursor: string | undefined
        do {
          const page = await store.scan(prefix, cursor, limit)
          for (const key of page.keys) keys.add(key)
          cursor = page.cursor
          expect(cursor).not.toBe('')
        } while (cursor !== undefined)
        return [...keys].sort()
      }

      it('are literal, whatever characters they hold', async () => {
        await store.write(oddKeys.map((key) => ({ key: `${p}${key}|x`, text: '', endsAt: soon() })))
        for (const key of oddKeys) expect(await all(`${p}${key}|`)).toEqual([`${p}${key}|x`])
        expect(await all(p)).toHaveLength(oddKeys.length)
      })

      it('walk page by page, also when few of many keys match', async () => {
        const keys = Array.from({ length: 1_500 }, (_, i) => `${p}${i % 300 === 0 ? 'rare' : 'often'}:${i}`)
        await store.write(keys.map((key) => ({ key, text: '', endsAt: soon() })))
        expect(await all(p, 7)).toEqual([...keys].sort())
        expect(await all(`${p}rare:`, 7)).toHaveLength(5)
      })

      it.each(['', '0', '-1', 'garbage', '1.5', '99999999999999999999999', '*', 'a b', '\0'])(
        'refuse a cursor that is none: %j',
        async (cursor) => {
          await expect(store.scan(p, cursor, 10)).rejects.toMatchObject({
            name: 'StoreError',
            kind: 'refused',
            applied: 'no',
          })
        },
      )

      it('clear what begins with them and nothing else', async () => {
        const keys = [...oddKeys.map((key) => `*${key}`), ...Array.from({ length: 2_100 }, (_, i) => `*${i}_`)]
        await store.write([...keys, 'x', '', 'a*'].map((key) => ({ key: p + key, text: '', endsAt: soon() })))
        expect(await store.clear(`${p}*`)).toBe(new Set(keys).size)
        expect(await all(p)).toEqual([p, `${p}a*`, `${p}x`].sort())
        expect(await store.clear(`${p}*`)).toBe(0)
      })
    })

    describe('groups', () => {
      it('keep named texts and answer undefined for what they have not', async () => {
        await set('g', 'a', '0')
        await set('g', 'b', '')
        expect(await store.groupGet(`${p}g`, 'a')).toBe('0')
        expect(await store.groupGet(`${p}g`, 'b')).toBe('')
        expect(await store.groupGet(`${p}g`, 'c')).toBeUndefined()
        expect(await store.groupGet(`${p}h`, 'a')).toBeUndefined()
        expect(new Map(await store.groupAll(`${p}g`))).toEqual(
          new Map([
            ['a', '0'],
            ['b', ''],
          ]),
        )
        expect((await store.groupFields(`${p}g`)).sort()).toEqual(['a', 'b'])
      })

      it('delete one item, say what it was, and end with their last', async () => {
        await set('g', 'a', '1')
        await set('g', 'b', '2')
        expect(await store.groupDelete(`${p}g`, 'a')).toBe('1')
        expect(await store.groupDelete(`${p}g`, 'a')).toBeUndefined()
        expect(await groupNames()).toEqual([`${p}g`])
        expect(await store.groupDelete(`${p}g`, 'b')).toBe('2')
        expect(await groupNames()).toEqual([])
        expect(await store.groupDelete(`${p}none`, 'b')).toBeUndefined()
      })

      it('hand a deleted item to exactly one of many', async () => {
        await set('g', 'a', 'prize')
        const answers = await Promise.all(Array.from({ length: 20 }, () => store.groupDelete(`${p}g`, 'a')))
        expect(answers.filter((answer) => answer !== undefined)).toEqual(['prize'])
      })

      it('clear, and can be filled again', async () => {
        await set('g', 'a', '1')
        await set('h', 'a', '1')
        await store.groupClear(`${p}g`)
        await store.groupClear(`${p}none`)
        expect(await store.groupAll(`${p}g`)).toEqual([])
        expect(await store.groupFields(`${p}g`)).toEqual([])
        expect(await groupNames()).toEqual([`${p}h`])
        await set('g', 'b', '2')
        expect(await store.groupAll(`${p}g`)).toEqual([['b', '2']])
      })

      it('list those that exist, in byte order', async () => {
        const names = ['b', 'a', 'B', 'é', '😀', '\uffee', 'g10', 'g1', 'g1:']
        for (const name of names) await set(name, 'f', '1')
        const bytes = names.map((name) => Buffer.from(p + name)).sort(Buffer.compare)
        expect(await groupNames()).toEqual(bytes.map(String))
      })

      it('are told apart whatever their names hold', async () => {
        for (const name of oddKeys) await set(name, name, `of ${name}`)
        for (const name of oddKeys) expect(await store.groupAll(p + name)).toEqual([[name, `of ${name}`]])
        await set('a:b', 'c', '1')
        await set('a', 'b:c', '2')
        expect(await store.groupGet(`${p}a:b`, 'c')).toBe('1')
        expect(await store.groupGet(`${p}a`, 'b:c')).toBe('2')
        await store.groupClear(`${p}*`)
        await store.groupClear(`${p}g1`)
        expect(await store.groupAll(`${p}g10`)).toEqual([['g10', 'of g10']])
        expect(await groupNames()).toHaveLength(oddKeys.length - 1)
        await set('empty field', '', 'x')
        expect(await store.groupAll(`${p}empty field`)).toEqual([['', 'x']])
      })

      it('end as a whole, counted from the last write', async () => {
        await set('g', 'a', '1', 60_000)
        await set('g', 'b', '2', 40)
        await until('the group has ended', async () => (await store.groupGet(`${p}g`, 'a')) === undefined)
        expect(await store.groupAll(`${p}g`)).toEqual([])
        expect(await groupNames()).toEqual([])
        expect(await store.groupDelete(`${p}g`, 'a')).toBeUndefined()
        await set('g', 'c', '3')
        expect(await store.groupAll(`${p}g`)).toEqual([['c', '3']])
        expect(await groupNames()).toEqual([`${p}g`])
      })

      it('stay for ever with ttl false, also after one', async () => {
        await set('g', 'a', '1', 60)
        await set('g', 'b', '2', false)
        await set('short', 'a', '1', 60)
        await until('the other has ended', async () => !(await groupNames()).includes(`${p}short`))
        expect(await store.groupFields(`${p}g`)).toHaveLength(2)
      })

      it('take no more than their limit of items, but changes of those they have', async () => {
        await set('g', 'a', '1', false, 2)
        await set('g', 'b', '1', false, 2)
        await expect(set('g', 'c', '1', false, 2)).rejects.toMatchObject({ kind: 'too-large', applied: 'no' })
        await set('g', 'a', '2', false, 2)
        expect((await store.groupFields(`${p}g`)).sort()).toEqual(['a', 'b'])
        await store.groupDelete(`${p}g`, 'a')
        await set('g', 'c', '1', false, 2)
      })

      it('answer more than one page completely', async () => {
        const items = Array.from({ length: 3_210 }, (_, i): [string, string] => [`f${i}`, `v${i}`])
        await Promise.all(items.map(([field, text]) => set('g', field, text, false, 5_000)))
        expect(new Map(await store.groupAll(`${p}g`))).toEqual(new Map(items))
        expect(new Set(await store.groupFields(`${p}g`))).toEqual(new Set(items.map(([field]) => field)))
      })

      it('list more than one page of groups', async () => {
        const names = Array.from({ length: 2_050 }, (_, i) => `many${String(i).padStart(4, '0')}`)
        await Promise.all(names.map((name) => set(name, 'f', '1')))
        expect(await groupNames()).toEqual(names.map((name) => p + name))
        await Promise.all(names.map((name) => store.groupClear(p + name)))
        expect(await groupNames()).toEqual([])
      })

      it('do not meet entries', async () => {
        await set('g', 'a', '1')
        await write('g', 'entry')
        await store.clear(p)
        expect(await store.groupGet(`${p}g`, 'a')).toBe('1')
        expect((await store.scan(p, undefined, 100)).keys).toEqual([])
      })
    })

    it('knows its health', () => {
      expect(store.health()).toMatchObject({ state: 'up', readable: true, writable: true })
    })
  })
}

/** In a file of its own call, because it ends the store. */
export const closeSuite = (title: string, open: () => Store): void => {
  it(`${title}: rejects every call after close, which may be called again`, async () => {
    const store = open()
    await store.write([{ key: 'close', text: '', endsAt: soon() }])
    await store.close()
    await store.close()
    const closed = { name: 'StoreError', kind: 'closed', applied: 'no' }
    await expect(store.read('a')).rejects.toMatchObject(closed)
    await expect(store.write([{ key: 'a', text: '', endsAt: soon() }])).rejects.toMatchObject(closed)
    await expect(store.groups()).rejects.toMatchObject(closed)
    await expect(store.groupSet('g', 'f', '', false, 1)).rejects.toMatchObject(closed)
  })
}
