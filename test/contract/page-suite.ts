import { beforeEach, describe, expect, it } from 'vitest'
import type { GroupPage, ItemPage, Store } from '../../src/instances/store.ts'
import { until } from '../support/until.ts'

let count = 0

/** What every Store promises of groups and items page by page. `open` gives the same store to all tests. */
export const pageSuite = (title: string, open: () => Store): void => {
  describe(`Store contract, pages of groups: ${title}`, () => {
    let store: Store
    let p: string
    beforeEach(() => {
      store = open()
      p = `pages${++count}:`
    })
    const set = (group: string, field: string, text: string, ttl: number | false = 60_000): Promise<void> =>
      store.groupSet(p + group, field, text, ttl, 10_000)

    const groupPages = async (search: string, limit: number): Promise<GroupPage[]> => {
      const pages: GroupPage[] = []
      let cursor: string | undefined
      do {
        const page = await store.groupPage({ search, cursor, limit })
        pages.push(page)
        cursor = page.cursor
      } while (cursor !== undefined)
      return pages
    }
    const itemPages = async (group: string, search: string, limit: number): Promise<ItemPage[]> => {
      const pages: ItemPage[] = []
      let cursor: string | undefined
      do {
        const page = await store.itemPage(p + group, { search, cursor, limit })
        pages.push(page)
        cursor = page.cursor
      } while (cursor !== undefined)
      return pages
    }
    const namesIn = (pages: readonly GroupPage[]): string[] =>
      pages.flatMap(({ groups }) => groups.map(({ name }) => name))
    const fieldsIn = (pages: readonly ItemPage[]): string[] =>
      pages.flatMap(({ items }) => items.map(([field]) => field))

    it('cover all groups once, in byte order, none larger than asked', async () => {
      const names = Array.from({ length: 257 }, (_, i) => `${p}g${i}`)
      await Promise.all(names.map((name) => store.groupSet(name, 'f', '1', 60_000, 10)))
      const pages = await groupPages(p, 50)
      expect(namesIn(pages)).toEqual(names.sort())
      expect(Math.max(...pages.map(({ groups }) => groups.length))).toBe(50)
    })

    it('tell how many items a group has, and when it ends', async () => {
      for (const field of ['a', 'b', 'c']) await set('three', field, '1', 90_000)
      await set('ever', 'a', '1', false)
      const [ever, three] = (await groupPages(p, 10)).flatMap(({ groups }) => groups)
      expect(three).toMatchObject({ name: `${p}three`, items: 3 })
      expect(three?.endsAt).toBeGreaterThan(Date.now() + 80_000)
      expect(three?.endsAt).toBeLessThanOrEqual(Date.now() + 91_000)
      expect(ever).toEqual({ name: `${p}ever`, items: 1, endsAt: undefined })
      const page = await store.itemPage(`${p}three`, { search: '', cursor: undefined, limit: 2 })
      expect(page).toMatchObject({ total: 3 })
      expect(page.endsAt).toBeGreaterThan(Date.now() + 80_000)
      expect((await store.groupPage({ search: '', cursor: undefined, limit: 1 })).total).toBeGreaterThanOrEqual(2)
    })

    it('search for a text anywhere in the name, in which no character has a meaning', async () => {
      const odd = ['a*b', 'a?b', 'a[b]', 'a\\b', 'a%b', 'a.b', 'a^b', 'a-b', 'a\0b', 'aéb', 'a😀b']
      for (const name of [...odd, 'ab', 'axb']) await set(`x${name}x`, `x${name}x`, '1')
      for (const name of odd) expect(namesIn(await groupPages(`${p}x${name}`, 10))).toEqual([`${p}x${name}x`])
      for (const name of [...odd, 'ab', 'axb']) await set('odd', `x${name}x`, '1')
      for (const name of odd) expect(fieldsIn(await itemPages('odd', name, 10))).toEqual([`x${name}x`])
      expect(namesIn(await groupPages(`${p}none`, 10))).toEqual([])
    })

    it('go on where they ended, whatever comes and goes meanwhile', async () => {
      for (let i = 10; i < 40; i++) await set(`g${i}`, 'f', '1')
      const first = await store.groupPage({ search: p, cursor: undefined, limit: 10 })
      await store.groupClear(`${p}g19`)
      await set('g05', 'f', '1')
      await store.groupClear(`${p}g20`)
      const second = await store.groupPage({ search: p, cursor: first.cursor, limit: 10 })
      expect(second.groups.map(({ name }) => name)).toEqual(Array.from({ length: 10 }, (_, i) => `${p}g${21 + i}`))
    })

    it('leave out groups that have ended', async () => {
      await set('short', 'f', '1', 30)
      await set('long', 'f', '1')
      await until('the group has ended', async () => (await store.groupGet(`${p}short`, 'f')) === undefined)
      expect(namesIn(await groupPages(p, 10))).toEqual([`${p}long`])
      expect(await store.itemPage(`${p}short`, { search: '', cursor: undefined, limit: 10 })).toEqual({
        items: [],
        cursor: undefined,
        total: 0,
        endsAt: undefined,
      })
    })

    it.each([7, 40, 1_500])('cover all of %i items', async (many) => {
      const texts = new Map(Array.from({ length: many }, (_, i) => [`f${i}`, `text ${i} ${'x'.repeat(i % 100)}`]))
      await Promise.all([...texts].map(([field, text]) => set('g', field, text)))
      const pages = await itemPages('g', '', 50)
      expect(new Map(pages.flatMap(({ items }) => items))).toEqual(texts)
      expect(pages.map(({ total }) => total)).toEqual(pages.map(() => many))
      expect(Math.max(...pages.map(({ items }) => items.length))).toBeLessThan(100)
      expect(fieldsIn(await itemPages('g', 'f6', 50))).toEqual(expect.arrayContaining(['f6']))
      expect(new Set(fieldsIn(await itemPages('g', '3', 50)))).toEqual(
        new Set([...texts.keys()].filter((field) => field.includes('3'))),
      )
    })

    it('hold as many large items as travel well together', async () => {
      for (let i = 0; i < 12; i++) await set('large', `f${i}`, 'x'.repeat(600_000))
      const pages = await itemPages('large', '', 50)
      expect(fieldsIn(pages).sort()).toEqual(Array.from({ length: 12 }, (_, i) => `f${i}`).sort())
      expect(pages.length).toBeGreaterThan(1)
    })

    it('refuse a cursor of somebody else', async () => {
      await set('g', 'f', '1')
      for (const cursor of [
        '',
        'garbage',
        '0',
        '-1',
        '../',
        'after.',
        'after.%',
        'scan.x',
        'scan.99999999999999999999',
      ]) {
        const ask = { search: '', cursor, limit: 10 }
        await expect(store.groupPage(ask)).rejects.toMatchObject({ name: 'StoreError', kind: 'refused' })
        await expect(store.itemPage(`${p}g`, ask)).rejects.toMatchObject({ name: 'StoreError', kind: 'refused' })
      }
    })
  })
}
