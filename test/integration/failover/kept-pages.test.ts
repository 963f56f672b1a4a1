import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { EmbeddedCopy } from '../../../src/failover/state-copy/embedded-copy.ts'
import { openFilledCopy } from '../../../src/failover/state-copy/embedded-copy-filling.ts'
import type { GroupFigures, GroupStore } from '../../../src/instances/store.ts'
import { until } from '../../support/until.ts'
import { type Ground, layout, openGround } from './kept-ground.ts'

let ground: Ground
beforeEach(async () => {
  ground = await openGround()
})
afterEach(() => ground.close())

const set = (store: GroupStore, group: string, field: string, text: string): Promise<void> =>
  store.groupSet(group, field, text, 600_000, 10_000)

const groupsOf = async (store: GroupStore, search = '', limit = 7): Promise<GroupFigures[]> => {
  const all: GroupFigures[] = []
  let cursor: string | undefined
  do {
    const page = await store.groupPage({ search, cursor, limit })
    expect(page.groups.length).toBeLessThanOrEqual(limit)
    all.push(...page.groups)
    cursor = page.cursor
  } while (cursor !== undefined)
  return all
}
const namesOf = async (store: GroupStore, search?: string): Promise<string[]> =>
  (await groupsOf(store, search)).map(({ name }) => name)
const itemsOf = async (store: GroupStore, group: string, search = '', limit = 7): Promise<[string, string][]> => {
  const all: [string, string][] = []
  let cursor: string | undefined
  do {
    const page = await store.itemPage(group, { search, cursor, limit })
    all.push(...page.items.map(([field, text]): [string, string] => [field, text]))
    cursor = page.cursor
  } while (cursor !== undefined)
  return all.sort()
}
const twenty = Array.from({ length: 20 }, (_, i) => `g${i + 10}`)
const twentyItems = Array.from({ length: 20 }, (_, i): [string, string] => [`f${i}`, String(i)]).sort()
const fill = async (store: GroupStore): Promise<void> => {
  for (const name of twenty) await set(store, name, 'a', '1')
}

/** It is read, and takes no writes. */
const refuseWrites = async (): Promise<void> => {
  const redis = new Redis(ground.a.url)
  await redis.config('SET', 'min-replicas-to-write', '1')
  redis.disconnect()
  await until('home takes no writes', () => !ground.home.writable(), 20_000)
}

describe('pages of kept groups', () => {
  it('are those of home while all is well', async () => {
    const store = ground.groups()
    await fill(store)
    for (let i = 0; i < 30; i++) await set(store, 'g10', `f${i}`, String(i))
    expect(await namesOf(store)).toEqual(twenty)
    expect((await groupsOf(store, 'g10'))[0]).toMatchObject({ items: 31 })
    expect(await itemsOf(store, 'g10')).toEqual((await store.groupAll('g10')).sort())
  })

  it('go on at the mirror where home left off', async () => {
    const store = ground.groups()
    await fill(store)
    for (let i = 0; i < 600; i++) await set(store, 'large', `f${i}`, 'x'.repeat(100))
    const groups = await store.groupPage({ search: 'g', cursor: undefined, limit: 7 })
    const items = await store.itemPage('large', { search: '', cursor: undefined, limit: 50 })
    ground.home.drill(60_000)
    const next = await store.groupPage({ search: 'g1', cursor: groups.cursor, limit: 7 })
    expect(next.groups.map(({ name }) => name)).toEqual(['g17', 'g18', 'g19'])
    // Where a page of HSCAN ended is home's own matter: it begins anew, and nothing is left out.
    const fields = new Set<string>()
    let cursor = items.cursor
    do {
      const page = await store.itemPage('large', { search: '', cursor, limit: 50 })
      for (const [field] of page.items) fields.add(field)
      cursor = page.cursor
    } while (cursor !== undefined)
    expect(fields.size).toBe(600)
  })

  it('have what waits in the journal, in its place', async () => {
    const store = ground.groups()
    await fill(store)
    await refuseWrites()
    await set(store, 'g15', 'new', '2')
    await set(store, 'g05', 'a', '3')
    await set(store, 'g30', 'a', '4')
    await store.groupDelete('g20', 'a')
    const groups = await groupsOf(store)
    expect(groups.map(({ name }) => name)).toEqual(['g05', ...twenty, 'g30'])
    // What is left of those for which something waits isn't counted.
    expect(groups.filter(({ items }) => items === undefined).map(({ name }) => name)).toEqual([
      ...['g05', 'g15', 'g20', 'g30'],
    ])
    expect(await namesOf(store, '5')).toEqual(['g05', 'g15', 'g25'])
    expect(await itemsOf(store, 'g15')).toEqual([
      ['a', '1'],
      ['new', '2'],
    ])
    expect(await itemsOf(store, 'g05')).toEqual([['a', '3']])
    expect(await itemsOf(store, 'g20')).toEqual([])
    for (let i = 0; i < 20; i++) await set(store, 'g16', `f${i}`, String(i))
    expect(await itemsOf(store, 'g16')).toEqual((await store.groupAll('g16')).sort())
  })

  it('come from the copy of the only server while both are away, and are refused where there is none', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'motia-redis-copy-'))
    const report = { info: () => undefined, warn: () => undefined, error: () => undefined }
    const { landscape, home, mirror } = ground
    const copy = openFilledCopy(dir, home, { landscape, layout, report, now: Date.now, pause: 1, rest: 50, quiet: 0 })
    try {
      const store = ground.groups({ copy })
      await fill(store)
      await until('the copy is complete', async () => {
        await copy.check()
        return copy.complete()
      })
      await store.groupClear('g20')
      for (const [field, text] of twentyItems) await set(store, 'g16', field, text)
      for (const instance of [home, mirror]) instance.drill(60_000)
      await set(store, 'g05', 'a', '3')
      expect(await groupsOf(store)).toEqual(
        ['g05', ...twenty.filter((name) => name !== 'g20')].map((name) => ({
          name,
          // To count them each would have to be read.
          items: undefined,
          endsAt: undefined,
        })),
      )
      expect(await namesOf(store, '16')).toEqual(['g16'])
      expect(await itemsOf(store, 'g16')).toEqual([['a', '1'], ...twentyItems])
      expect(await itemsOf(store, 'g16', 'f1')).toHaveLength(11)
      expect(await itemsOf(store, 'g20')).toEqual([])
      const alone = ground.groups()
      const ask = { search: '', cursor: undefined, limit: 7 }
      await expect(alone.groupPage(ask)).rejects.toMatchObject({ kind: 'unknown' })
      await expect(alone.itemPage('g16', ask)).rejects.toMatchObject({ kind: 'unknown' })
    } finally {
      await copy.close()
      rmSync(dir, { recursive: true, force: true })
    }
  })

  it('while both are away cost the page, whatever the groups hold, and nothing where they are refused', async () => {
    const { landscape, home, mirror } = ground
    const { journal } = landscape
    if (journal === undefined) throw new Error('there is a journal')
    const cost = { items: 0, groups: 0, scopes: 0 }
    const names = Array.from({ length: 40 }, (_, i) => `g${i + 10}`)
    const fields = Array.from({ length: 300 }, (_, i) => `f${String(i).padStart(3, '0')}`)
    const held = { text: 'x', version: undefined, marker: undefined }
    const following = (all: readonly string[], name: string | undefined, most: number): string[] =>
      all.filter((each) => name === undefined || each > name).slice(0, most)
    const copy: EmbeddedCopy = {
      complete: () => true,
      get: (_, field) => {
        cost.items++
        return fields.includes(field) ? held : { text: undefined, version: undefined, marker: undefined }
      },
      all: () => {
        cost.groups++
        return new Map(fields.map((field) => [field, held]))
      },
      groups: () => names,
      namesAfter: (name, most) => following(names, name, most),
      fieldsAfter: (_, field, most) => following(fields, field, most),
      set: () => undefined,
      delete: () => undefined,
      clear: () => undefined,
    }
    const counted = {
      ...landscape,
      journal: {
        ...journal,
        findAll: (...asked: Parameters<typeof journal.findAll>) => {
          cost.groups++
          return journal.findAll(...asked)
        },
        scopesOfGroups: (instance: string) => {
          cost.scopes++
          return journal.scopesOfGroups(instance)
        },
      },
    }
    for (const instance of [home, mirror]) instance.drill(60_000)
    const store = ground.groups({ copy, landscape: counted })
    const ask = { search: '', cursor: undefined, limit: 30 }
    const page = await store.groupPage(ask)
    expect(page.groups.map(({ name }) => name)).toEqual(names.slice(0, 30))
    expect(cost).toEqual({ items: 30, groups: 0, scopes: 2 })
    const items = await store.itemPage('g10', ask)
    expect(items.items.map(([field]) => field)).toEqual(fields.slice(0, 30))
    expect(cost).toEqual({ items: 60, groups: 0, scopes: 2 })
    const alone = ground.groups({ landscape: counted })
    await expect(alone.groupPage(ask)).rejects.toMatchObject({ kind: 'unknown' })
    await expect(alone.itemPage('g10', ask)).rejects.toMatchObject({ kind: 'unknown' })
    expect(cost).toEqual({ items: 60, groups: 0, scopes: 2 })
  })
})
