import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { RedisStateAdapter } from '@motiadev/adapter-redis-state'
import { FileStateAdapter } from '@motiadev/core'
import type { MotiaPluginContext, StateAdapter } from 'motia'
import { describe, expect, it, onTestFinished } from 'vitest'
import { testFolder } from '../support/folder.ts'
import { startTestRedis, type TestRedis } from '../support/redis-server.ts'
import { heard, openTestTiers } from '../support/tiers.ts'
import { expectNothingUnhandled } from '../support/unhandled.ts'
import { until } from '../support/until.ts'
import { isBack, keysOf } from './outage-round.ts'

/** Where the app kept a state adapter of Motia's: what happens to cached data while no instance is left. */
expectNothingUnhandled()

const menu = { category: 'menu' }

const open = async (state: (primary: TestRedis) => StateAdapter, env: Readonly<Record<string, string>> = {}) => {
  const lines = heard()
  const [primary, secondary] = await Promise.all([startTestRedis(), startTestRedis()])
  const { tiers } = openTestTiers({
    ...{ REDIS_PRIMARY_URL: primary.url, REDIS_SECONDARY_URL: secondary.url, MOTIA_REDIS_INJECT: 'off' },
    ...env,
  })
  const other = state(primary)
  onTestFinished(() => other.cleanup())
  const registerApi = () => () => undefined
  tiers.plugin({ state: other, printer: console, registerApi } as unknown as MotiaPluginContext)
  await until('it has started', () => lines.some((line) => line.includes('secondary  up')))
  const both = async (): Promise<void> => {
    await Promise.all([primary.crash(), secondary.crash()])
    await until('both are away', () => tiers.health().status === 'outage')
  }
  const back = async (): Promise<void> => {
    await Promise.all([primary.restart(), secondary.restart()])
    await until('all is well', () => ['primary', 'secondary'].every((name) => isBack(tiers.health(), name)))
  }
  return { tiers, other, both, back, lines }
}

const inFile = (): StateAdapter => new FileStateAdapter({ adapter: 'default', filePath: testFolder() })
const inRedis = (port: number, host = '127.0.0.1'): StateAdapter =>
  new RedisStateAdapter({ socket: { host, port, reconnectStrategy: false } })

/** Cached data is set, read, and gone; nothing of it is left when all is well. */
const round = async ({ tiers, other, both, back }: Awaited<ReturnType<typeof open>>): Promise<void> => {
  await tiers.cache.set('a', 'before', menu)
  await both()
  await tiers.cache.set('a', { of: 'the outage' }, { ...menu, ttl: '1h' })
  await tiers.cache.set('short', 1, { ...menu, ttl: 60, grace: false })
  await tiers.cache.set('u', 'of a person', { category: 'user' })
  expect(JSON.stringify(await other.get('~cache/menu', 'a'))).toContain('the outage')
  expect(await tiers.cache.getEntry('a', menu)).toMatchObject({ value: { of: 'the outage' }, degraded: true })
  expect(await tiers.cache.increment('n', { ...menu, by: 2 })).toBe(2)
  expect(await tiers.cache.increment('n', menu)).toBe(3)
  expect(await keysOf(tiers.cache, 'menu')).toEqual(expect.arrayContaining(['a', 'n']))
  // What is sensitive isn't shown, and there all the same.
  expect(await other.get('~cache/user', 'u')).toBe(null)
  expect(await tiers.cache.get('u', { category: 'user' })).toBe('of a person')
  await until('its life is over', async () => (await tiers.cache.get('short', menu)) === undefined)
  expect(await tiers.cache.delete('a', menu)).toBe(true)
  expect(await tiers.cache.get('a', menu)).toBe(undefined)
  expect(await other.get('~cache/menu', 'a')).toBe(null)
  await tiers.cache.set('b', 1, menu)
  await back()
  await until('nothing is left there', async () => (await other.keys('~cache/menu')).length === 0)
  expect(await tiers.cache.get('n', menu)).toBe(3)
}

describe('cached data while no instance is left, where the app kept another state adapter', () => {
  it('goes into its files', async () => {
    await round(await open(inFile))
  })

  it('goes into its Redis', async () => {
    const { port } = await startTestRedis()
    await round(await open(() => inRedis(port)))
  })

  it('what somebody else left there is swept, what is not ours stays', async () => {
    const state = inFile()
    await state.set('~cache/menu', 'old', { place: 'x' })
    await state.set('flow', 'a', 1)
    const { other } = await open(() => state)
    await until('it is gone', async () => (await other.get('~cache/menu', 'old')) === null)
    expect(await other.get('flow', 'a')).toBe(1)
  })

  it('goes there without a folder, too', async () => {
    const file = join(testFolder(), 'file')
    writeFileSync(file, '')
    const { tiers, both } = await open(inFile, { MOTIA_REDIS_DIR: file })
    await both()
    await tiers.cache.set('a', 1, menu)
    expect(await tiers.cache.get('a', menu)).toBe(1)
    await expect(tiers.cache.set('u', 1, { category: 'user' })).rejects.toMatchObject({ code: 'CACHE_UNAVAILABLE' })
  })

  it('as far as there is room: a thousand entries, the rest lies in our files', async () => {
    const state = new Map<string, unknown>()
    const counting = {
      get: async (group: string, key: string) => state.get(`${group} ${key}`) ?? null,
      set: async (group: string, key: string, value: unknown) => state.set(`${group} ${key}`, value),
      delete: async (group: string, key: string) => state.delete(`${group} ${key}`),
      clear: async () => state.clear(),
      traceIds: async () => [],
      cleanup: async () => undefined,
    } as unknown as StateAdapter
    const { tiers, both } = await open(() => counting, { MOTIA_REDIS_DEADLINE_WRITE: '3s' })
    await both()
    const keys = Array.from({ length: 1_100 }, (_, i) => `k${i}`)
    await tiers.cache.setMany(
      keys.map((key) => [key, key] as const),
      menu,
    )
    expect(state.size).toBe(1_000)
    expect((await tiers.cache.getMany(keys, menu)).size).toBe(1_100)
    await tiers.cache.set('k0', 'x'.repeat(1_000_000), menu)
    expect(state.size).toBe(999)
    expect(await tiers.cache.get<string>('k0', menu)).toHaveLength(1_000_000)
  })

  for (const host of ['127.0.0.1', 'localhost']) {
    it(`never into the instance that failed (${host}), and one line says so`, async () => {
      const { tiers, both, lines } = await open(({ port }) => inRedis(port, host))
      const said = () => lines.filter((line) => line.includes('context.state lies on primary'))
      await until('it is said', () => said().length === 1)
      await both()
      await tiers.cache.set('a', 1, menu)
      expect(await tiers.cache.getEntry('a', menu)).toMatchObject({ value: 1, source: 'embedded' })
      expect(said()).toHaveLength(1)
    })
  }

  it('what could not be removed at once is removed later', async () => {
    const state = inFile()
    let fails = 0
    const { tiers, both, back } = await open(
      () =>
        ({
          ...state,
          get: (group: string, key: string) => state.get(group, key),
          set: (group: string, key: string, value: unknown) => state.set(group, key, value),
          delete: (group: string, key: string) => state.delete(group, key),
          traceIds: () => state.traceIds(),
          cleanup: () => state.cleanup(),
          clear: async (group: string) => {
            if (fails++ === 0) throw new Error('not now')
            await state.clear(group)
          },
        }) as StateAdapter,
    )
    await both()
    await tiers.cache.set('a', 1, menu)
    expect(await state.keys('~cache/menu')).toEqual(['a'])
    await back()
    await until('it is gone', async () => fails > 0 && (await state.keys('~cache/menu')).length === 0, 20_000)
  })

  it('a state that hangs is left alone: calls end in time, and our files serve', async () => {
    const hanging = { clear: async () => undefined, traceIds: async () => [], cleanup: async () => undefined }
    const never = () => new Promise(() => undefined)
    const { tiers, both } = await open(
      () => ({ ...hanging, get: never, set: never, delete: never }) as unknown as StateAdapter,
    )
    await both()
    const begun = performance.now()
    await tiers.cache.set('a', 1, menu)
    await tiers.cache.set('b', 2, menu)
    expect(performance.now() - begun).toBeLessThan(600)
    expect(await tiers.cache.getMany(['a', 'b'], menu)).toEqual(
      new Map([
        ['a', 1],
        ['b', 2],
      ]),
    )
  })
})
