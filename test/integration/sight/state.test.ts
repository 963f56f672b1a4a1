import { Redis } from 'ioredis'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { GroupsView, ItemsView } from '../../../src/sight/contract.ts'
import type { Sight } from '../../../src/sight/sight.ts'
import { startTestRedis } from '../../support/redis-server.ts'
import { openRedisStore } from '../../support/redis-store.ts'
import { expectNothingUnhandled } from '../../support/unhandled.ts'
import { until } from '../../support/until.ts'
import { openSight, twoUrls } from './open-sight.ts'

expectNothingUnhandled()

const twoServers = () => Promise.all([startTestRedis(), startTestRedis()])
const first = { search: '', cursor: undefined, limit: 50 }

const groupPages = async (sight: Sight, search = '', limit = 200): Promise<GroupsView[]> => {
  const all: GroupsView[] = []
  let cursor: string | undefined
  do {
    const page = await sight.groups({ search, cursor, limit })
    all.push(page)
    cursor = page.cursor
  } while (cursor !== undefined)
  return all
}
const itemPages = async (sight: Sight, group: string, search = '', limit = 50): Promise<ItemsView[]> => {
  const all: ItemsView[] = []
  let cursor: string | undefined
  do {
    const page = await sight.items({ group, search, cursor, limit })
    all.push(page)
    cursor = page.cursor
  } while (cursor !== undefined)
  return all
}
const namesIn = (all: readonly GroupsView[]): string[] => all.flatMap(({ groups }) => groups.map(({ name }) => name))
const keysIn = (all: readonly ItemsView[]): string[] => all.flatMap(({ items }) => items.map(({ key }) => key))
const withoutAnswer = (work: Promise<unknown>): Promise<boolean> =>
  work.then(
    () => true,
    () => false,
  )

/** Calls of each command since the server started. */
const commands = async (redis: Redis): Promise<(name: string) => number> => {
  const info = await redis.info('commandstats')
  return (name) => Number(new RegExp(`^cmdstat_${name}:calls=(\\d+)`, 'm').exec(info)?.[1] ?? 0)
}

describe('groups and items of state', () => {
  it('of 100,000 groups a page asks for as many as it shows', { timeout: 60_000 }, async () => {
    const [primary, secondary] = await twoServers()
    const redis = new Redis(primary.url)
    onTestFinished(() => redis.disconnect())
    // Not so long at once that the server seems slow.
    for (let from = 0; from < 100_000; from += 1_000) {
      const fill = `for i = ${from}, ${from + 999} do
        local name = string.format('trace-%06d', i)
        redis.call('HSET', '~mr:state:' .. name, 'step', '1')
        redis.call('ZADD', '~mr:groups', 0, name)
      end`
      await redis.eval(fill, 0)
    }
    // By itself: a server that has just started also fills its copy of state.
    const store = openRedisStore(primary.url)
    onTestFinished(store.close)
    await store.connect()
    const counted = async (ask: () => Promise<unknown>): Promise<(command: string) => number> => {
      const begun = await commands(redis)
      await ask()
      const ended = await commands(redis)
      return (command) => ended(command) - begun(command)
    }
    const one = await counted(() => store.groupPage(first))
    expect([one('zrangebylex'), one('hlen'), one('pttl'), one('zcard')]).toEqual([1, 50, 50, 1])
    for (const command of ['hgetall', 'hscan', 'scan', 'keys', 'exists', 'zrange']) {
      expect([command, one(command)]).toEqual([command, 0])
    }
    const rare = await counted(() => store.groupPage({ ...first, search: 'nowhere' }))
    expect(rare('zrangebylex')).toBe(20)
    expect(rare('hlen')).toBe(0)

    const { sight } = await openSight(twoUrls(primary, secondary))
    const page = await sight.groups(first)
    expect(page).toMatchObject({ total: 100_000, ours: true, home: 'primary', servedBy: 'primary' })
    expect(page.groups).toHaveLength(50)
    expect(namesIn(await groupPages(sight, '09999'))).toEqual([
      'trace-009999',
      ...Array.from({ length: 10 }, (_, i) => `trace-09999${i}`),
    ])
    expect(new Set(namesIn(await groupPages(sight))).size).toBe(100_000)
  })

  it('are shown with number, end, size and value, as plain text whatever they hold', async () => {
    const [primary, secondary] = await twoServers()
    const { sight, tiers } = await openSight(twoUrls(primary, secondary))
    const markup = '<img src=x onerror="alert(1)">\0\r\n'
    await tiers.hot.set(markup, markup, { [markup]: markup })
    await tiers.hot.set('large', 'text', 'x'.repeat(100_000))
    const [page] = await groupPages(sight)
    expect(page?.groups).toMatchObject([
      { name: markup, items: 1 },
      { name: 'large', items: 1 },
    ])
    expect(page?.groups[0]?.endsAt).toBeGreaterThan(Date.now() + 6 * 86_400_000)
    const [hostile] = await itemPages(sight, markup)
    expect(hostile?.items).toEqual([
      {
        key: markup,
        size: Buffer.byteLength(JSON.stringify({ [markup]: markup })),
        value: { type: 'Object', children: [{ label: markup, node: { type: 'string', text: markup } }] },
      },
    ])
    const [large] = await itemPages(sight, 'large')
    expect(large?.items[0]).toMatchObject({ size: 100_002, value: { type: 'string', of: 100_000 } })
    await expect(sight.items({ group: '', ...first })).rejects.toMatchObject({ name: 'Refused' })
    for (const cursor of ['garbage', 'x scan.1x', 'primary 5', '9']) {
      await expect(sight.items({ group: 'large', ...first, cursor })).rejects.toMatchObject({ name: 'Refused' })
      await expect(sight.groups({ ...first, cursor })).rejects.toMatchObject({ name: 'Refused' })
    }
  })

  it('an item that nobody can read is said to be so, and a page of many large ones is bounded', async () => {
    const [primary, secondary] = await twoServers()
    const redis = new Redis(primary.url)
    onTestFinished(() => redis.disconnect())
    const { sight, tiers } = await openSight(twoUrls(primary, secondary))
    await tiers.hot.set('run', 'good', 1)
    await redis.hset('~mr:state:run', 'bad', '{"s3cret')
    const [page] = await itemPages(sight, 'run')
    expect(page?.items.find(({ key }) => key === 'bad')?.value.type).toBe('corrupt')
    expect(JSON.stringify(page)).not.toContain('s3cret')
    for (let i = 0; i < 60; i++) {
      await tiers.hot.set(
        'many',
        `k${i}`,
        Array.from({ length: 500 }, () => 'x'.repeat(200)),
      )
    }
    const pages = await itemPages(sight, 'many')
    expect(keysIn(pages).sort()).toEqual(Array.from({ length: 60 }, (_, i) => `k${i}`).sort())
    for (const each of pages) expect(JSON.stringify(each).length).toBeLessThan(2_000_000)
    const [alone] = await itemPages(sight, 'many', 'k59')
    expect(JSON.stringify(alone?.items[0]).length).toBeGreaterThan(40_000)
  })

  it('while home is away they are read from the mirror, and from home again when it is back', async () => {
    const [primary, secondary] = await twoServers()
    const { sight, tiers } = await openSight(twoUrls(primary, secondary))
    for (let i = 10; i < 40; i++) await tiers.hot.set(`g${i}`, 'a', i)
    const { mirror } = await until('the mirror has all of it', async () => {
      const page = await sight.groups(first)
      return page.mirror?.current && page
    })
    expect(mirror).toEqual({ instance: 'secondary', current: true })
    const begun = await sight.groups({ ...first, limit: 10 })
    await primary.crash()
    await until('it is written elsewhere', () => withoutAnswer(tiers.hot.set('g99', 'a', 'meanwhile')))
    const going = await sight.groups({ search: '', cursor: begun.cursor, limit: 50 })
    expect(going).toMatchObject({ servedBy: 'secondary', home: 'primary' })
    expect([...namesIn([begun]), ...namesIn([going])]).toEqual([
      ...Array.from({ length: 30 }, (_, i) => `g${i + 10}`),
      'g99',
    ])
    const [items] = await itemPages(sight, 'g99')
    expect(items?.items).toMatchObject([{ key: 'a', value: { text: 'meanwhile' } }])
    await primary.restart()
    await until('home serves again', async () => (await sight.groups(first)).servedBy === 'primary')
    expect(namesIn(await groupPages(sight))).toHaveLength(31)
  })

  it('while the mirror lacks what waits for it, home is what is shown', async () => {
    const [primary, secondary] = await twoServers()
    const { sight, tiers } = await openSight(twoUrls(primary, secondary))
    await tiers.hot.set('g', 'a', 1)
    await secondary.crash()
    await until('the mirror is known to be away', async () => {
      await tiers.hot.set('g', 'b', 2)
      return (await sight.groups(first)).mirror?.current === false
    })
    expect(keysIn(await itemPages(sight, 'g')).sort()).toEqual(['a', 'b'])
  })

  it('with both away what nobody can know is told as away, and what this server keeps is shown', async () => {
    const [primary, secondary] = await twoServers()
    const { sight, tiers, cache } = await openSight(twoUrls(primary, secondary))
    await tiers.hot.set('g', 'a', 1)
    await Promise.all([primary.crash(), secondary.crash()])
    // It was here for too short a time to know that no other server writes state.
    await until('both are known to be away', async () => {
      const { routing } = await sight.overview({})
      return routing.find(({ kind }) => kind === 'state')?.servedBy === 'embedded'
    })
    await expect(sight.groups(first)).rejects.toMatchObject({ name: 'Away' })
    await expect(sight.items({ group: 'g', ...first })).rejects.toMatchObject({ name: 'Away' })
    await expect(sight.change({ do: 'clear-group', group: '' })).rejects.toMatchObject({ name: 'Refused' })
    // What is cached meanwhile is known here, whoever else there is.
    for (const [category, key] of [
      ['menu', 'soup'],
      ['menu', 'cake'],
      ['user', 's3cret'],
    ] as const) {
      await until('it is kept here', () => withoutAnswer(cache.category(category).set(key, { price: 4 })))
    }
    const cached = await itemPages(sight, '~cache/menu', '', 1)
    expect(keysIn(cached).sort()).toEqual(['cake', 'soup'])
    expect(cached[0]?.items[0]?.value).toMatchObject({ type: 'Object', children: [{ label: 'price' }] })
    expect(keysIn(await itemPages(sight, '~cache/user'))).toEqual([])
    expect(await sight.change({ do: 'delete-item', group: '~cache/menu', key: 'cake' })).toEqual({ count: 1 })
    expect(keysIn(await itemPages(sight, '~cache/menu'))).toEqual(['soup'])
  })

  it('of another adapter nothing is shown or changed', async () => {
    const [primary, secondary] = await twoServers()
    const { sight } = await openSight(twoUrls(primary, secondary), {}, { kind: 'motia', ownState: false })
    expect(await sight.groups(first)).toMatchObject({ ours: false, groups: [], total: undefined })
    for (const change of [
      { do: 'clear-group', group: 'g' },
      { do: 'delete-item', group: 'g', key: 'a' },
    ] as const) {
      await expect(sight.change(change)).rejects.toMatchObject({ name: 'Refused' })
    }
  })
})
