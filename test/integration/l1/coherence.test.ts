import KeyvRedis from '@keyv/redis'
import Keyv from 'keyv'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { startTestRedis, type TestRedis } from '../../support/redis-server.ts'
import { expectNothingUnhandled } from '../../support/unhandled.ts'
import { until } from '../../support/until.ts'
import { envelope, foreigner, openGround } from './ground.ts'

expectNothingUnhandled()

let redis: TestRedis
beforeAll(async () => {
  redis = await startTestRedis()
})

// Long, so that nothing but what is heard can end a copy.
const categories = {
  menu: { l1: '1h' },
  orders: { l1: '1h' },
  ml: { l1: '1h', ttl: 1_000 },
  off: { l1: false },
} as const
const open = () => openGround({ primary: redis.url, categories })
const newKey = (): string => `k-${Math.random().toString(36).slice(2)}`

describe('copies in the memory of the server process', () => {
  it('are made by reads, never by writes, and say where they come from', async () => {
    const { cache, held, source, tracking } = open()
    const key = newKey()
    await cache.set(key, { a: 1 }, { category: 'menu' })
    await until('it tracks', async () => {
      await cache.has('other', { category: 'menu' })
      return tracking('primary') === 'on'
    })
    expect(await source(key, 'menu')).toBe('primary')
    await held(key, 'menu')
    expect(await cache.get(key, { category: 'menu' })).toEqual({ a: 1 })
    await cache.set(key, { a: 2 }, { category: 'menu' })
    expect(await source(key, 'menu')).toBe('primary')
    expect(await cache.get(key, { category: 'menu' })).toEqual({ a: 2 })
  })

  it('are not made where l1 is off, or the category is listed nowhere', async () => {
    const { cache, held, source } = open()
    const key = newKey()
    for (const category of ['menu', 'off', 'unlisted']) await cache.set(key, 1, { category })
    await held(key, 'menu')
    for (const category of ['off', 'unlisted']) {
      for (let n = 0; n < 3; n++) expect(await source(key, category)).toBe('primary')
    }
  })

  it('are handed out as copies of their own', async () => {
    const { cache, held } = open()
    const key = newKey()
    await cache.set(key, { list: [1] }, { category: 'menu' })
    await held(key, 'menu')
    const read = () => cache.get<{ list: number[] }>(key, { category: 'menu' })
    const [first, second] = await Promise.all([read(), read()])
    first?.list.push(2)
    expect(second).toEqual({ list: [1] })
    // However often: one that is read again and again is copied instead of parsed.
    for (let n = 0; n < 10; n++) {
      const next = await read()
      expect(next).toEqual({ list: [1] })
      next?.list.push(n)
    }
  })
})

describe('what others change', () => {
  it.each([
    ['SET', (key: string) => ['SET', key, envelope('new')], 'new'],
    ['DEL', (key: string) => ['DEL', key], undefined],
    ['UNLINK', (key: string) => ['UNLINK', key], undefined],
    ['PEXPIRE', (key: string) => ['PEXPIRE', key, '1'], undefined],
    ['RENAME', (key: string) => ['RENAME', key, 'menu:elsewhere'], undefined],
    ['FLUSHALL', () => ['FLUSHALL'], undefined],
    ['FLUSHDB', () => ['FLUSHDB'], undefined],
  ] as const)('%s is heard of', async (_, command, then) => {
    const { cache, held } = open()
    const key = newKey()
    await cache.set(key, 'old', { category: 'menu' })
    await held(key, 'menu')
    await foreigner(redis.url).call(...(command(`menu:${key}`) as unknown as [string, ...string[]]))
    await until('the new is read', async () => (await cache.get(key, { category: 'menu' })) === then)
  })

  it('a Keyv client', async () => {
    const store = new KeyvRedis(redis.url, { keyPrefixSeparator: ':' })
    const keyv = new Keyv({ store, namespace: 'menu', useKeyPrefix: false })
    onTestFinished(() => keyv.disconnect())
    const { cache, held } = open()
    const key = newKey()
    await cache.set(key, 'ours', { category: 'menu' })
    await held(key, 'menu')
    expect(await keyv.get(key)).toBe('ours')
    await keyv.set(key, { by: 'keyv' }, 60_000)
    await until('what Keyv wrote is read', async () => {
      const read = await cache.get<{ by: string }>(key, { category: 'menu' })
      return read?.by === 'keyv'
    })
    await held(key, 'menu')
    await keyv.delete(key)
    await until('it is gone', async () => !(await cache.has(key, { category: 'menu' })))
  })
})
