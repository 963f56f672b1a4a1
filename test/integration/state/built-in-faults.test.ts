import { mkdtempSync, readFileSync, rmSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RedisStateAdapter } from '@motiadev/adapter-redis-state'
import { FileStateAdapter, MemoryStateAdapter, type StateAdapter } from '@motiadev/core'
import { createClient } from 'redis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createStateAdapter } from '../../../src/motia/adapter/state-adapter.ts'
import { createHotStore } from '../../../src/state/hot-store.ts'
import { startTestRedis, type TestRedis } from '../../support/redis-server.ts'
import { collectReport } from '../../unit/state/collect-report.ts'
import { openRedis } from './stores.ts'

/** Each fault of the adapters that Motia brings, shown on them first, so that the test of ours can't pass for nothing. */

const rawClient = (url: string) => createClient({ url })

let server: TestRedis
let raw: ReturnType<typeof rawClient>
let ours: StateAdapter
let closeOurs: () => Promise<void>

beforeAll(async () => {
  server = await startTestRedis()
  raw = rawClient(server.url)
  await raw.connect()
  const opened = await openRedis(server.url)
  closeOurs = opened.close
  const hot = createHotStore(opened.store, { ttl: 3_600_000, report: collectReport().report })
  ours = createStateAdapter(async () => hot, { brand: {}, report: collectReport().report })
})
beforeEach(() => raw.flushAll())
afterAll(async () => {
  await closeOurs()
  raw.destroy()
})

describe("Motia's Redis adapter", () => {
  let theirs: StateAdapter
  beforeAll(() => {
    theirs = new RedisStateAdapter({ url: server.url })
  })
  afterAll(() => theirs.cleanup())

  /** How often the server ran each command during the work. */
  const commandsOf = async (work: () => Promise<unknown>): Promise<Record<string, number>> => {
    await raw.configResetStat()
    await work()
    const counts: Record<string, number> = {}
    for (const [, name, calls] of (await raw.info('commandstats')).matchAll(/^cmdstat_([^:|]+).*?:calls=(\d+)/gm)) {
      if (name !== undefined && !['ping', 'info', 'config', 'client', 'hello'].includes(name))
        counts[name] = Number(calls)
    }
    return counts
  }
  const total = (counts: Record<string, number>): number => Object.values(counts).reduce((sum, count) => sum + count, 0)

  const enumerating: [string, (adapter: StateAdapter) => Promise<unknown>][] = [
    ['getGroup', (adapter) => adapter.getGroup('g')],
    ['keys', (adapter) => adapter.keys('g')],
    ['items', (adapter) => adapter.items({ groupId: 'g' })],
    ['traceIds', (adapter) => adapter.traceIds()],
    ['clear', (adapter) => adapter.clear('g')],
  ]
  it.each(enumerating)('walks the whole keyspace for %s; ours asks for the group', async (_, work) => {
    const foreign = Array.from({ length: 5_000 }, (__, n): [string, string] => [`foreign:${n}`, 'x'])
    await raw.mSet(foreign)
    for (const adapter of [theirs, ours]) for (const key of ['a', 'b']) await adapter.set('g', key, 1)
    expect((await commandsOf(() => work(theirs))).scan).toBeGreaterThanOrEqual(50)
    const counts = await commandsOf(() => work(ours))
    expect(counts.scan ?? 0).toBe(0)
    expect(counts.keys ?? 0).toBe(0)
    expect(total(counts)).toBeGreaterThan(0)
    expect(total(counts)).toBeLessThanOrEqual(6)
  })

  it('asks once per item for items(); ours once per group', async () => {
    for (const adapter of [theirs, ours]) for (let n = 0; n < 50; n++) await adapter.set('g', `k${n}`, n)
    expect((await commandsOf(() => theirs.items({ groupId: 'g' }))).get).toBe(50)
    expect(total(await commandsOf(() => ours.items({ groupId: 'g' })))).toBeLessThanOrEqual(2)
  })

  it("takes a group's glob characters for a pattern: reads and wipes other tenants; ours takes them literally", async () => {
    const fill = async (adapter: StateAdapter): Promise<void> => {
      for (const tenant of ['tenant1', 'tenant2']) await adapter.set(tenant, 'secret', tenant)
    }
    await fill(theirs)
    expect((await theirs.getGroup('*')).sort()).toEqual(['tenant1', 'tenant2'])
    expect(await theirs.getGroup('tenant[12]')).toHaveLength(2)
    await theirs.clear('tenant?')
    expect(await theirs.get('tenant1', 'secret')).toBeNull()

    await fill(ours)
    expect(await ours.getGroup('*')).toEqual([])
    expect(await ours.getGroup('tenant[12]')).toEqual([])
    expect(await ours.keys('tenant*')).toEqual([])
    expect(await ours.items({ groupId: '*' })).toEqual([])
    await ours.clear('tenant?')
    await ours.clear('*')
    expect(await ours.get('tenant1', 'secret')).toBe('tenant1')
    await ours.set('*', 'k', 'literal')
    expect(await ours.getGroup('*')).toEqual(['literal'])
  })

  it("stores ('a:b','c') and ('a','b:c') at one key; ours at two", async () => {
    for (const adapter of [theirs, ours]) {
      await adapter.set('a:b', 'c', 'first')
      await adapter.set('a', 'b:c', 'second')
    }
    expect(await theirs.get('a:b', 'c')).toBe('second')
    expect(await ours.get('a:b', 'c')).toBe('first')
    expect((await theirs.traceIds()).sort()).toEqual(['a'])
    expect((await ours.traceIds()).sort()).toEqual(['a', 'a:b'])
  })

  it('deletes in two steps, so that several callers get the one value; ours gives it to one', async () => {
    const winners = async (adapter: StateAdapter): Promise<number> => {
      await adapter.set('g', 'ticket', 'the only one')
      const answers = await Promise.all(Array.from({ length: 10 }, () => adapter.delete('g', 'ticket')))
      return answers.filter((answer) => answer !== null).length
    }
    expect(await winners(theirs)).toBeGreaterThan(1)
    expect(await winners(ours)).toBe(1)
  })

  it('fails a whole group for one corrupt member; ours skips the member', async () => {
    for (const adapter of [theirs, ours]) await adapter.set('g', 'good', 'fine')
    await raw.set('motia:state:g:bad', '{"cut":')
    await raw.hSet('~mr:state:g', 'bad', '{"cut":')
    await expect(theirs.getGroup('g')).rejects.toThrow(SyntaxError)
    await expect(theirs.items({ groupId: 'g' })).rejects.toThrow(SyntaxError)
    expect(await ours.getGroup('g')).toEqual(['fine'])
    expect(await ours.items({ groupId: 'g' })).toHaveLength(1)
  })
})

describe("Motia's memory and file adapters", () => {
  let dir: string
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'motia-redis-state-'))
  })
  afterEach(() => rmSync(dir, { recursive: true, force: true }))

  const file = (): FileStateAdapter => new FileStateAdapter({ adapter: 'default', filePath: dir })
  const builtIn: [string, () => StateAdapter][] = [
    ['memory', () => new MemoryStateAdapter()],
    ['file', file],
  ]

  it.each([0, '', false])('memory reads %j back as null; ours gives it', async (value) => {
    const theirs = new MemoryStateAdapter()
    for (const adapter of [theirs, ours]) await adapter.set('g', 'k', value)
    expect(await theirs.get('g', 'k')).toBeNull()
    expect(await ours.get('g', 'k')).toBe(value)
  })

  it.each(builtIn)("%s can't delete a falsy value; ours can", async (_, make) => {
    const theirs = make()
    for (const value of [0, '', false]) {
      for (const adapter of [theirs, ours]) {
        await adapter.set('g', 'k', value)
        await adapter.delete('g', 'k')
      }
      expect(await theirs.keys('g')).toEqual(['k'])
      expect(await ours.keys('g')).toEqual([])
    }
  })

  it.each(builtIn)('%s takes a group for a prefix of other groups; ours takes it whole', async (_, make) => {
    const theirs = make()
    for (const adapter of [theirs, ours]) {
      await adapter.set('user', 'k', 'mine')
      await adapter.set('users', 'k', "somebody else's")
    }
    expect(await theirs.getGroup('user')).toEqual(['mine', "somebody else's"])
    expect(await ours.getGroup('user')).toEqual(['mine'])
  })

  it('file rewrites everything for one item and reads a truncated file as empty; ours writes the item, and damage stays with its member', async () => {
    const theirs = file()
    const path = join(dir, 'motia.state.json')
    for (const adapter of [theirs, ours]) for (let n = 0; n < 100; n++) await adapter.set('g', `k${n}`, `v${n}`)
    const whole = readFileSync(path).length
    truncateSync(path, whole - 5)
    await raw.hSet('~mr:state:g', 'k0', '"v')

    expect(await theirs.get('g', 'k50')).toBeNull()
    await theirs.set('g', 'k0', 'new')
    expect(await theirs.keys('g')).toEqual(['k0'])

    expect(await ours.get('g', 'k50')).toBe('v50')
    expect(await ours.getGroup('g')).toHaveLength(99)
    await ours.set('g', 'k0', 'new')
    expect(await ours.getGroup('g')).toHaveLength(100)
  })

  it("file and memory fail items() for a text filter over a number; ours doesn't match it", async () => {
    for (const [, make] of builtIn) {
      const theirs = make()
      const filter = [{ valueKey: 'n', operation: 'contains', value: '5' } as const]
      for (const adapter of [theirs, ours]) await adapter.set('g', 'k', { n: 5 })
      await expect(theirs.items({ groupId: 'g', filter })).rejects.toThrow(TypeError)
      expect(await ours.items({ groupId: 'g', filter })).toEqual([])
    }
  })
})
