import { RedisStateAdapter } from '@motiadev/adapter-redis-state'
import { createClient } from 'redis'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { stateErrorCode } from '../../../src/errors.ts'
import { createHotStore, type HotStore } from '../../../src/state/hot-store.ts'
import { startTestRedis, type TestRedis } from '../../support/redis-server.ts'
import { until } from '../../support/until.ts'
import { collectReport } from '../../unit/state/collect-report.ts'
import { openRedis } from './stores.ts'

interface Running {
  server: TestRedis
  hot: HotStore
  lines: string[]
}

const start = async (args: readonly string[] = []): Promise<Running> => {
  const server = await startTestRedis({ args })
  const opened = await openRedis(server.url)
  onTestFinished(opened.close)
  const { lines, report } = collectReport()
  return { server, lines, hot: createHotStore(opened.store, { ttl: 3_600_000, report }) }
}

const everyCall = (hot: HotStore): [string, Promise<unknown>][] => [
  ['get', hot.get('g', 'k')],
  ['set', hot.set('g', 'k', 2)],
  ['delete', hot.delete('g', 'k')],
  ['getGroup', hot.getGroup('g')],
  ['clear', hot.clear('g')],
  ['keys', hot.keys('g')],
  ['traceIds', hot.traceIds()],
  ['items of a group', hot.items({ groupId: 'g' })],
  ['items', hot.items()],
]

/** The code of each call's rejection. A call that hangs fails the test by its time limit. */
const codesOf = async (calls: [string, Promise<unknown>][]): Promise<Record<string, string | undefined>> =>
  Object.fromEntries(
    await Promise.all(
      calls.map(async ([name, call]) => [name, await call.then(() => 'resolved', stateErrorCode)] as const),
    ),
  )

const isUsable = async (hot: HotStore): Promise<boolean> => (await hot.set('probe', 'k', 1)) === 1

describe('the hot store while its Redis is away', () => {
  it('frozen: every call ends in STATE_TIMEOUT or STATE_UNAVAILABLE; what was there is there afterwards', async () => {
    const { server, hot, lines } = await start()
    await hot.set('kept', 'k', 'before')
    server.freeze()
    const began = performance.now()
    for (const [name, code] of Object.entries(await codesOf(everyCall(hot)))) {
      expect(code, name).toMatch(/^STATE_(TIMEOUT|UNAVAILABLE)$/)
    }
    // The deadlines are 150 and 300 ms; the rest is room for a busy machine.
    expect(performance.now() - began).toBeLessThan(3_000)
    expect(lines.length).toBeGreaterThan(0)

    server.thaw()
    await until('the store serves again', () => isUsable(hot))
    expect(await hot.get('kept', 'k')).toBe('before')
  })

  it('killed: every call ends in STATE_UNAVAILABLE, and it serves again when the server is back', async () => {
    const { server, hot } = await start()
    await hot.set('g', 'k', 1)
    await server.crash()
    await until('the loss of the connection was noticed', () =>
      hot.get('g', 'k').then(
        () => false,
        (error) => stateErrorCode(error) === 'STATE_UNAVAILABLE',
      ),
    )
    for (const [name, code] of Object.entries(await codesOf(everyCall(hot))))
      expect(code, name).toBe('STATE_UNAVAILABLE')
    await server.restart()
    await until('the store serves again', () => isUsable(hot))
  })

  it('writes a line per kind of call, not per call', async () => {
    const { server, hot, lines } = await start()
    await hot.set('g', 'k', 1)
    await server.crash()
    const outcomes = await Promise.all(Array.from({ length: 1_000 }, () => codesOf([['get', hot.get('g', 'k')]])))
    expect(new Set(outcomes.map(({ get }) => get))).not.toContain('resolved')
    // At most one of STATE_TIMEOUT and one of STATE_UNAVAILABLE.
    expect(lines.length).toBeGreaterThanOrEqual(1)
    expect(lines.length).toBeLessThanOrEqual(2)
  })

  it("Motia's Redis adapter is still waiting when ours has long answered", async () => {
    const { server, hot } = await start()
    const theirs = new RedisStateAdapter({ url: server.url })
    for (const state of [theirs, hot]) await state.set('g', 'k', 1)
    server.freeze()
    let answered = false
    const pending = theirs.get('g', 'k').then(() => {
      answered = true
    })
    await expect(hot.get('g', 'k')).rejects.toThrow(/^STATE_TIMEOUT: get key "k" group "g"/)
    for (let call = 0; call < 5; call++) await codesOf([['get', hot.get('g', 'k')]])
    expect(answered).toBe(false)
    server.thaw()
    await pending
    await theirs.cleanup()
  })

  it('out of memory: writes are refused with the reason, reads and deletes go on', async () => {
    const { hot } = await start(['--maxmemory', '3mb', '--maxmemory-policy', 'noeviction'])
    await hot.set('g', 'k', 'small')
    const filler = 'x'.repeat(200_000)
    const fill = async (): Promise<unknown> => {
      for (let n = 0; n < 50; n++) await hot.set('filler', `k${n}`, filler)
      return undefined
    }
    await expect(fill()).rejects.toThrow(/^STATE_UNAVAILABLE: set key "k\d+" group "filler": .*memory/)
    expect(await hot.get('g', 'k')).toBe('small')
    await hot.clear('filler')
    await until('writes are taken again', () => isUsable(hot))
  })
})

describe("somebody else's data at a group's key", () => {
  let server: TestRedis
  let hot: HotStore
  let close: () => Promise<void>
  const client = (url: string) => createClient({ url })
  let raw: ReturnType<typeof client>
  beforeAll(async () => {
    server = await startTestRedis()
    const opened = await openRedis(server.url)
    close = opened.close
    hot = createHotStore(opened.store, { ttl: 3_600_000, report: collectReport().report })
    raw = client(server.url)
    await raw.connect()
    await raw.set('~mr:state:g', 'a text')
    await raw.rPush('~mr:state:list', 'x')
  })
  afterAll(async () => {
    await close()
    raw.destroy()
  })

  it.each(['g', 'list'])(
    'group %s: reads find nothing, writes say what lies there, and it stays as it is',
    async (group) => {
      expect(await hot.get(group, 'k')).toBeNull()
      expect(await hot.getGroup(group)).toEqual([])
      expect(await hot.keys(group)).toEqual([])
      expect(await hot.items({ groupId: group })).toEqual([])
      await expect(hot.set(group, 'k', 1)).rejects.toThrow(
        /^STATE_UNAVAILABLE: set key "k" group .*another type of data/,
      )
      await expect(hot.delete(group, 'k')).rejects.toThrow(
        /^STATE_UNAVAILABLE: delete key "k" group .*another type of data/,
      )
      expect(await raw.exists(`~mr:state:${group}`)).toBe(1)
    },
  )

  it("doesn't keep items() from the other groups", async () => {
    await hot.set('fine', 'k', 1)
    await raw.zAdd('~mr:groups', { score: 0, value: 'g' })
    expect(await hot.items()).toEqual([{ groupId: 'fine', key: 'k', type: 'number', value: 1 }])
  })

  it('clear makes room', async () => {
    await hot.clear('g')
    await hot.set('g', 'k', 1)
    expect(await hot.get('g', 'k')).toBe(1)
  })
})
