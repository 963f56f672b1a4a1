import { Redis } from 'ioredis'
import { beforeAll, beforeEach, expect, it, onTestFinished } from 'vitest'
import type { TreeNode } from '../../../src/sight/contract.ts'
import { startTestRedis, type TestRedis } from '../../support/redis-server.ts'
import { expectNothingUnhandled } from '../../support/unhandled.ts'
import { until } from '../../support/until.ts'
import { openSight, twoUrls } from './open-sight.ts'

expectNothingUnhandled()

let primary: TestRedis
let secondary: TestRedis
/** By a connection of its own, which is gone before a test stops the server. */
const empty = async ({ url }: TestRedis): Promise<void> => {
  const redis = new Redis(url)
  await redis.flushall()
  redis.disconnect()
}
beforeAll(async () => {
  ;[primary, secondary] = await Promise.all([startTestRedis(), startTestRedis()])
})
const raw = (url: string): Redis => {
  const redis = new Redis(url)
  onTestFinished(() => redis.disconnect())
  return redis
}
beforeEach(() => Promise.all([primary, secondary].map(empty)))

const child = (node: TreeNode | undefined, label: string): TreeNode | undefined =>
  node?.children?.find((each) => each.label === label)?.node

it('an entry is shown with all that is known of it', async () => {
  const { sight, cache } = await openSight(twoUrls(primary, secondary), {
    categories: { menu: { ttl: '10m', grace: '5m', jitter: 0, compressAbove: 1_000 } },
  })
  const menu = cache.category('menu')
  const value = {
    when: new Date(0),
    price: 12n,
    tags: new Set(['a']),
    by: new Map([[1, 'x']]),
    none: undefined,
    bytes: Buffer.from('hi'),
    text: ':colon',
    zero: -0,
    not: Number.NaN,
    at: new URL('https://example.com/'),
    like: /x/g,
  }
  await menu.set('soup', value, { tags: ['lunch', 'hot'] })
  const entry = await sight.entry({ category: 'menu', key: 'soup' })
  expect(entry).toMatchObject({
    ...{ category: 'menu', key: 'soup', redisKey: 'menu:soup', found: true, source: 'secondary' },
    ...{ stale: false, degraded: false, tags: ['lunch', 'hot'], masked: false },
  })
  expect(entry.expiresAt).toBeGreaterThan(Date.now() + 590_000)
  expect(entry.expiresAt).toBeLessThanOrEqual(Date.now() + 600_000)
  expect(entry.endsAt).toBe((entry.expiresAt ?? 0) + 300_000)
  expect(entry.sizeStored).toBe(Buffer.byteLength((await raw(secondary.url).get('menu:soup')) ?? ''))
  expect(entry.sizeRaw).toBe(entry.sizeStored)
  const types = Object.fromEntries((entry.value?.children ?? []).map(({ label, node }) => [label, node.type]))
  expect(types).toEqual({
    ...{ when: 'Date', price: 'bigint', tags: 'Set', by: 'Map', none: 'undefined', bytes: 'Buffer', text: 'string' },
    ...{ zero: 'number', not: 'number', at: 'URL', like: 'RegExp' },
  })
  expect(child(entry.value, 'text')?.text).toBe(':colon')
  expect(child(entry.value, 'zero')?.text).toBe('-0')

  await menu.set('large', 'x'.repeat(50_000))
  const large = await sight.entry({ category: 'menu', key: 'large' })
  expect(large.sizeStored).toBeLessThan(1_000)
  expect(large.sizeRaw).toBeGreaterThan(50_000)
  expect(large.value).toMatchObject({ type: 'string', of: 50_000 })

  await cache.category('orders').set('1', { id: 1 })
  const kept = await sight.entry({ category: 'orders', key: '1' })
  expect(kept.version).toMatch(/^[0-9a-f]{24}$/)
  expect(kept.source).toBe('primary')

  await cache.increment('visits', { category: 'menu', ttl: '1m' })
  const counter = await sight.entry({ category: 'menu', key: 'visits' })
  expect(counter.value).toEqual({ type: 'number', text: '1' })
  expect(counter.endsAt).toBeGreaterThan(Date.now() + 50_000)
})

it('a stale entry is shown as such, and stays stale', async () => {
  const { sight, cache } = await openSight(twoUrls(primary, secondary), {
    categories: { menu: { ttl: '10m', grace: '5m' } },
    loaders: { menu: () => 'fresh' },
  })
  const menu = cache.category('menu')
  await menu.set('soup', 'old')
  await menu.expire('soup')
  for (let i = 0; i < 3; i++) {
    expect(await sight.entry({ category: 'menu', key: 'soup' })).toMatchObject({
      found: true,
      stale: true,
      value: { type: 'string', text: 'old' },
    })
  }
})

it('looking is no read of the app: no figure moves, no copy is kept, nothing lives longer', async () => {
  const { sight, cache } = await openSight(twoUrls(primary, secondary), {
    categories: { menu: { ttl: '10m', l1: '1m' } },
  })
  await cache.category('menu').set('soup', 1)
  await cache.category('menu').get('bread')
  const figures = async () => {
    const { categories } = await sight.categories({})
    const menu = categories.find(({ name }) => name === 'menu')
    return { total: menu?.total, copies: menu?.copies?.entries }
  }
  const before = await figures()
  const life = await raw(secondary.url).pexpiretime('menu:soup')
  for (let i = 0; i < 5; i++) {
    await sight.entry({ category: 'menu', key: 'soup' })
    await sight.entry({ category: 'menu', key: 'none' })
    await sight.keys({ category: 'menu', prefix: '', cursor: undefined, limit: 50 })
  }
  expect(await figures()).toEqual(before)
  expect(await raw(secondary.url).pexpiretime('menu:soup')).toBe(life)
  expect((await sight.hot({})).read).toEqual([])
})

it('what is absent, and remembered as absent, are told apart', async () => {
  const { sight, cache } = await openSight(twoUrls(primary, secondary), { categories: { menu: { negativeTtl: '1m' } } })
  await cache.category('menu').getOrSet('none', () => undefined)
  expect(await sight.entry({ category: 'menu', key: 'none' })).toMatchObject({ found: true, value: { type: 'absent' } })
  expect(await sight.entry({ category: 'menu', key: 'never' })).toMatchObject({ found: false, value: undefined })
})

it('what nobody can read is said, and none of it is shown', async () => {
  const redis = raw(secondary.url)
  const { sight } = await openSight(twoUrls(primary, secondary))
  const secret = 's3cret'
  const texts: Record<string, string> = {
    cut: `{"value":"${secret}`,
    bare: `{"name":"${secret}"}`,
    field: `{"value":"${secret}","expires":"soon"}`,
    proto: `{"value":{"__proto__":"${secret}"}}`,
    packed: `{"meta":{"z":"${secret}"}}`,
    types: `{"value":{"a":"${secret}"},"meta":{"s":{"values":{"a":["Date"]},"v":1}}}`,
    bytes: `\u001f\u008b${secret}`,
    huge: `{"value":"${secret.repeat(300_000)}"}`,
    deep: `{"value":${'['.repeat(20_000)}${']'.repeat(20_000)}}`,
  }
  for (const [key, text] of Object.entries(texts)) await redis.set(`menu:${key}`, text, 'PX', 60_000)
  for (const key of Object.keys(texts)) {
    const entry = await sight.entry({ category: 'menu', key })
    expect(JSON.stringify(entry)).not.toContain(secret)
    expect(entry.found).toBe(true)
    if (key !== 'deep') expect([key, entry.value?.type]).toEqual([key, 'corrupt'])
    expect(entry.endsAt).toBeGreaterThan(Date.now())
    expect(entry.sizeStored).toBeGreaterThan(0)
  }
  await redis.hset('menu:hash', 'field', secret)
  await redis.lpush('menu:list', secret)
  for (const [key, type] of [
    ['hash', 'hash'],
    ['list', 'list'],
  ] as const) {
    const entry = await sight.entry({ category: 'menu', key })
    expect(entry).toMatchObject({ found: true, value: { type: 'corrupt' } })
    expect(entry.value?.text).toContain(type)
  }
})

it('what another system or older code wrote is shown', async () => {
  const redis = raw(secondary.url)
  const { sight } = await openSight(twoUrls(primary, secondary), {
    // Of what is sensitive nothing is at home there, so what lies there under a bare key isn't either.
    categories: { menu: {}, cache: {}, user: { sensitive: false } },
    legacyKeys: true,
  })
  await redis.set('menu:keyv', '{"value":{"a":":base64:aGk="},"expires":null}')
  expect(await sight.entry({ category: 'menu', key: 'keyv' })).toMatchObject({
    found: true,
    expiresAt: undefined,
    endsAt: undefined,
    value: { children: [{ label: 'a', node: { type: 'Buffer', text: '6869' } }] },
  })
  await redis.set('old:1', '{"a":1}', 'PX', 60_000)
  expect(await sight.entry({ category: 'cache', key: 'old:1' })).toMatchObject({
    found: true,
    redisKey: 'old:1',
    value: { children: [{ label: 'a', node: { type: 'number', text: '1' } }] },
  })
})

it('values of sensitive categories never leave the server', async () => {
  const { sight, cache } = await openSight(twoUrls(primary, secondary))
  const secret = 's3cret'
  for (const category of ['user', 'auth']) {
    await cache.category(category).set('ada', { password: secret }, { tags: ['people'] })
    const entry = await sight.entry({ category, key: 'ada' })
    expect(entry).toMatchObject({ found: true, masked: true, value: undefined, tags: ['people'] })
    expect(entry.sizeStored).toBeGreaterThan(0)
    expect(JSON.stringify(entry)).not.toContain(secret)
  }
})

it('values of older code that may be of a sensitive category aren’t shown under the name of another', async () => {
  const text = '{"token":"s3cret"}'
  const hidden = { found: true, masked: true, value: undefined }
  const options = { legacyKeys: true, inferCategory: { 'session:': 'auth' } }
  const one = raw(primary.url)
  await one.set('session:abc', text, 'PX', 60_000)
  await one.set('abc', text, 'PX', 60_000)
  await raw(secondary.url).set('session:abc', text, 'PX', 60_000)
  const { sight } = await openSight(twoUrls(primary, secondary), options)
  for (const key of ['session:abc', 'abc']) {
    const entry = await sight.entry({ category: 'orders', key })
    expect(entry).toMatchObject({ ...hidden, redisKey: key })
    expect(JSON.stringify(entry)).not.toContain('s3cret')
  }
  // Also where none is at home: somebody may have moved the category since.
  const { sight: other } = await openSight(twoUrls(primary, secondary), {
    ...options,
    categories: { user: { sensitive: false } },
  })
  expect(await other.entry({ category: 'menu', key: 'session:abc' })).toMatchObject(hidden)
})

it('hostile keys and values are plain text', async () => {
  const { sight, cache } = await openSight(twoUrls(primary, secondary))
  const menu = cache.category('menu')
  const markup = '<img src=x onerror="alert(1)">\0\r\n\u2028'
  await menu.set(markup, { [markup]: markup, long: 'x'.repeat(100_000) })
  const { keys } = await sight.keys({ category: 'menu', prefix: '<img', cursor: undefined, limit: 50 })
  expect(keys).toEqual([markup])
  const entry = await sight.entry({ category: 'menu', key: markup })
  expect(child(entry.value, markup)).toEqual({ type: 'string', text: markup })
  expect(child(entry.value, 'long')).toMatchObject({ of: 100_000 })
  expect(JSON.parse(JSON.stringify(entry)).value).toEqual(entry.value)
  for (const key of ['', '\ud800', 'é'.repeat(300)]) {
    await expect(sight.entry({ category: 'menu', key })).rejects.toMatchObject({ name: 'Refused' })
  }
})

it('in an outage it is shown where it is served from', async () => {
  const { sight, cache } = await openSight(twoUrls(primary, secondary))
  await cache.category('orders').set('1', 'kept')
  await primary.crash()
  onTestFinished(() => primary.restart())
  const entry = await until('the mirror answers', () =>
    sight.entry({ category: 'orders', key: '1' }).then(
      (view) => view.degraded && view,
      () => false as const,
    ),
  )
  expect(entry).toMatchObject({ found: true, source: 'secondary', value: { type: 'string', text: 'kept' } })
})
