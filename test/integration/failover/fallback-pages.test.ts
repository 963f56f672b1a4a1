import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { EmbeddedStore } from '../../../src/embedded/embedded-store.ts'
import type { LastResortStore } from '../../../src/failover/landscape.ts'
import { withFallbackGroups } from '../../../src/failover/stand-in/fallback-groups.ts'
import { createFallback, openLastResort } from '../../../src/failover/stand-in/last-resort.ts'
import type { GroupStore } from '../../../src/instances/store.ts'
import { rawCategory } from '../../../src/settings/categories.ts'
import type { CategorySettings } from '../../../src/settings/settings.ts'
import { testFolder } from '../../support/folder.ts'

const MANY = 3_000
const categoryOf = (name: string): CategorySettings => ({
  ...rawCategory('primary'),
  ...{ name, codec: 'keyv', keyPrefix: `${name}:`, sensitive: name === 'user' },
})

describe('pages of what lies in the last resort', () => {
  let files: EmbeddedStore
  let groups: GroupStore
  /** Keys that were looked at, and texts that were read. */
  const cost = { keys: 0, texts: 0 }
  const counted = async <T>(call: () => Promise<T>): Promise<{ answer: T; keys: number; texts: number }> => {
    Object.assign(cost, { keys: 0, texts: 0 })
    return { answer: await call(), ...cost }
  }

  beforeAll(async () => {
    files = openLastResort(testFolder())
    const store: LastResortStore = {
      ...files,
      scan: async (...asked) => {
        const page = await files.scan(...asked)
        cost.keys += page.keys.length
        return page
      },
      read: (...asked) => {
        cost.texts++
        return files.read(...asked)
      },
      readMany: (keys, options) => {
        cost.texts += keys.length
        return files.readMany(keys, options)
      },
    }
    const endsAt = Date.now() + 600_000
    for (const [name, many] of [
      ['menu', 30],
      ['orders', MANY],
      ['user', MANY],
      ['zones', 1],
    ] as const) {
      const fallback = createFallback({ store: files, home: 'primary', category: name, from: () => 0, now: Date.now })
      const keys = Array.from({ length: many }, (_, i) => `${name}:k${String(i).padStart(4, '0')}`)
      await fallback.write(
        keys.map((key) => ({ key, text: JSON.stringify({ value: key, expires: endsAt }), endsAt })),
        { timeout: 10_000 },
      )
    }
    groups = withFallbackGroups(files, { store, categoryOf, idOf: (instance) => instance, now: Date.now })
  })
  afterAll(() => files.close())

  const ask = { search: '', cursor: undefined, limit: 10 }
  const fieldsOf = async (group: string, search: string, limit: number): Promise<string[]> => {
    const fields: string[] = []
    let cursor: string | undefined
    do {
      const page = await groups.itemPage(group, { search, cursor, limit })
      expect(page.items.length).toBeLessThanOrEqual(limit)
      fields.push(...page.items.map(([field]) => field))
      cursor = page.cursor
    } while (cursor !== undefined)
    return fields
  }

  it('the names of groups cost no text, and one look each', async () => {
    const { answer, keys, texts } = await counted(() => groups.groupPage(ask))
    expect(answer.groups.map(({ name }) => name)).toEqual(['~cache/menu', '~cache/orders', '~cache/zones'])
    expect({ keys, texts }).toEqual({ keys: 4, texts: 0 })
  })

  it('a page reads what it shows, however much lies there', async () => {
    for (const group of ['~cache/menu', '~cache/orders']) {
      const { answer, keys, texts } = await counted(() => groups.itemPage(group, ask))
      expect(answer.items).toHaveLength(10)
      expect({ keys, texts }).toEqual({ keys: 10, texts: 10 })
    }
    const one = await counted(() => groups.groupGet('~cache/orders', 'k2999'))
    expect(one).toEqual({ answer: '"orders:k2999"', keys: 0, texts: 1 })
    const gone = await counted(() => groups.itemPage('~cache/elsewhere', ask))
    expect(gone).toMatchObject({ answer: { items: [], cursor: undefined }, keys: 0, texts: 0 })
  })

  it('a search reads only what has it in its name, and looks at so many names', async () => {
    const rare = await counted(() => groups.itemPage('~cache/orders', { ...ask, search: '999', limit: 50 }))
    expect(rare.keys).toBeLessThanOrEqual(2_000)
    expect(rare.texts).toBe(rare.answer.items.length)
    expect(await fieldsOf('~cache/orders', '999', 50)).toEqual(['k0999', 'k1999', 'k2999'])
  })

  it('cover everything once, in order, and nothing of a sensitive category', async () => {
    const all = await fieldsOf('~cache/orders', '', 200)
    expect(all).toEqual(Array.from({ length: MANY }, (_, i) => `k${String(i).padStart(4, '0')}`))
    expect(await groups.groupFields('~cache/orders')).toEqual(all)
    expect(await fieldsOf('~cache/user', '', 200)).toEqual([])
    expect(await groups.groupGet('~cache/user', 'k0001')).toBeUndefined()
  })

  it('refuse a cursor of somebody else', async () => {
    const { cursor } = await groups.itemPage('~cache/orders', ask)
    for (const other of ['', 'garbage', 'after.', 'scan.0']) {
      await expect(groups.itemPage('~cache/menu', { ...ask, cursor: other })).rejects.toMatchObject({ kind: 'refused' })
    }
    await expect(groups.itemPage('~cache/menu', { ...ask, cursor })).rejects.toMatchObject({ kind: 'refused' })
  })
})
