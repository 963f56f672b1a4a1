import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type Change, changeFields, createChangesReader } from '../../../src/invalidation/changes.ts'
import { createChangesWriter } from '../../../src/invalidation/changes-writer.ts'
import { createInvalidation, type Heard } from '../../../src/invalidation/invalidation.ts'
import { openLine } from '../../../src/invalidation/line.ts'
import { createLink } from '../../../src/invalidation/link.ts'
import { readSettings } from '../../../src/settings/read-settings.ts'
import { parseRedisUrl } from '../../../src/settings/redis-url.ts'
import { testFolder } from '../../support/folder.ts'
import { type GuardedRedis, startGuardedRedis } from '../../support/guarded-redis.ts'
import { openRedisStore } from '../../support/redis-store.ts'
import { expectNothingUnhandled } from '../../support/unhandled.ts'
import { until } from '../../support/until.ts'
import { envelope, openGround } from './ground.ts'

expectNothingUnhandled()

// Everything but what L1 would need.
let untold: GuardedRedis
let alone: GuardedRedis
beforeAll(async () => {
  untold = await startGuardedRedis(['~*', '+@all', '-client|tracking'])
  alone = await startGuardedRedis(['~*', '+@all', '-client|tracking', '-xadd', '-xread', '-xrange', '-xrevrange'])
})

/** ms that a copy lives where nobody tells that it is no longer right. */
const BOUND = 1_000
/** ms by which an answer may be late on a busy machine. */
const SLACK = 100
const categories = { menu: { l1: '1h' } } as const

describe.each([
  ['that tells nothing', () => untold],
  ['on which servers of ours may not tell each other either', () => alone],
] as const)('a server %s', (_, server) => {
  const open = () => openGround({ primary: server().url, categories })

  it('has copies all the same, and one line says what that means', async () => {
    const { cache, held, said, tracking } = open()
    await cache.set('a', 1, { category: 'menu' })
    await held('a', 'menu')
    expect(tracking('primary')).toBe('refused')
    expect(said.filter((line) => line.includes('TRACKING'))).toEqual([
      'primary  CLIENT TRACKING is refused: what l1 keeps in memory lives 1 s at most',
    ])
    await cache.set('a', 2, { category: 'menu' })
    expect(await cache.get('a', { category: 'menu' })).toBe(2)
  })

  it('has copies again after it was away', async () => {
    const { cache, held, tiers, tracking } = open()
    await cache.set('b', 1, { category: 'menu' })
    await held('b', 'menu')
    tiers.drill('primary', 60_000)
    tiers.drill('primary', 0)
    await until('it is well again', () => tiers.health().instances[0]?.state === 'up')
    await cache.set('b', 2, { category: 'menu' })
    await held('b', 'menu')
    expect(tracking('primary')).toBe('refused')
    expect(await cache.get('b', { category: 'menu' })).toBe(2)
  })

  it('has none that is older than a second, whoever writes', { timeout: 30_000 }, async () => {
    const { cache, held } = open()
    const { admin } = server()
    /** When each version was replaced. */
    const replaced: number[] = []
    await admin.set('menu:v', envelope(0))
    await held('v', 'menu')
    let fromMemory = 0
    const end = performance.now() + 4_000
    let next = performance.now() + 150
    while (performance.now() < end) {
      if (performance.now() > next) {
        await admin.set('menu:v', envelope(replaced.length + 1))
        replaced.push(performance.now())
        next = performance.now() + 50 + Math.random() * 700
      }
      const asked = performance.now()
      const found = await cache.getEntry<number>('v', { category: 'menu' })
      if (found?.source === 'l1') fromMemory++
      const since = replaced[found?.value ?? 0]
      if (since !== undefined) expect(asked - since).toBeLessThan(BOUND + SLACK)
    }
    expect(replaced.length).toBeGreaterThan(4)
    expect(fromMemory).toBeGreaterThan(100)
  })
})

describe('servers of ours that tell each other what they change', () => {
  it('take away copies of the others, also by clear', async () => {
    const [one, other] = [
      openGround({ primary: untold.url, categories }),
      openGround({ primary: untold.url, categories }),
    ]
    for (const { cache, held } of [one, other]) {
      await cache.set('t', 1, { category: 'menu' })
      await held('t', 'menu')
    }
    await until('they read what is told', async () => {
      await untold.note()
      return untold.called.has('xread')
    })
    const told = async (): Promise<unknown[]> =>
      (await untold.admin.xrevrange('~mr:changes', '+', '-', 'COUNT', 1)).flat(2)
    await one.cache.set('t', 2, { category: 'menu' })
    await until('it is told', async () => (await told()).includes('["t"]'))
    await until('the other reads the new', async () => (await other.cache.get('t', { category: 'menu' })) === 2)
    await one.cache.clear({ category: 'menu' })
    await until('it is told', async () => (await told()).includes('clear'))
    await until('the other has nothing', async () => !(await other.cache.has('t', { category: 'menu' })))
  })

  it('take away the copies of the category that was meant, and of no other', async () => {
    const settings = readSettings(
      { categories: { menu: { l1: '1h' }, orders: { l1: '1h' } } },
      { env: { REDIS_PRIMARY_URL: untold.url }, baseDir: testFolder(), production: false },
    )
    const heard: Heard[] = []
    const [told, telling] = ['a', 'b'].map((processId) => {
      const home = openRedisStore(untold.url)
      const report = { info: () => undefined, warn: () => undefined, error: () => undefined }
      const invalidation = createInvalidation({ settings, instances: new Map([['primary', home]]), processId, report })
      onTestFinished(async () => {
        await invalidation.close()
        await home.close()
      })
      invalidation.open()
      return invalidation.of('primary')
    })
    told?.listen((each) => void heard.push(each))
    await until('both know', () => [told, telling].every((each) => each?.tracking() === 'refused'))
    await until('it is told of one', async () => {
      telling?.tell('menu', 'set', ['x'])
      return heard.includes('menu:x')
    })
    const before = heard.filter((each) => each === undefined).length
    telling?.tell('menu', 'invalidateTags', [], ['today', 'soup'])
    telling?.tell('orders', 'delete', ['last'])
    await until('all is told', () => heard.includes('orders:last'))
    expect(heard.filter((each) => typeof each === 'object')).toEqual([{ prefix: 'menu:' }])
    expect(heard.filter((each) => each === undefined)).toHaveLength(before)
    const records = await untold.admin.xrevrange('~mr:changes', '+', '-', 'COUNT', 2)
    const one = records.find(([, fields]) => fields.includes('invalidateTags'))
    expect(one?.[1].slice(0, 8)).toEqual(
      changeFields({
        ...{ category: 'menu', keys: [], tags: ['today', 'soup'], operation: 'invalidateTags', origin: '' },
      }).slice(0, 8),
    )
  })

  const change = (keys: readonly string[], origin = 'a'): Change => ({
    ...{ category: 'menu', keys, tags: [], operation: 'set', origin },
  })
  type Read = Parameters<Parameters<typeof createChangesReader>[1]>[0]

  const read = async (stream: string) => {
    const url = parseRedisUrl(untold.url)
    if ('problem' in url) throw new Error(url.problem)
    const heard: Read[] = []
    const reader = createChangesReader(stream, (each) => void heard.push(each))
    const follow = async () => {
      const line = await openLine({ url, clientName: 'motia-redis:test:tracking', lost: () => undefined })
      onTestFinished(() => line.end())
      const ended = reader.follow(line).catch(() => undefined)
      return async () => {
        line.end()
        await ended
      }
    }
    return { heard, follow, keys: () => heard.flatMap((each) => each?.keys ?? []) }
  }

  it('are told by the server again once that may, though it lets them tell each other meanwhile', async () => {
    const late = await startGuardedRedis(['~*', '+@all', '-client|tracking'])
    const url = parseRedisUrl(late.url)
    if ('problem' in url) throw new Error(url.problem)
    const reader = createChangesReader('s', () => undefined)
    let followed = 0
    const link = createLink({
      ...{ url, clientName: 'motia-redis:test:tracking', prefixes: ['menu:'], refusedPause: 100 },
      ...{ heard: () => undefined, onTracking: () => undefined },
      instead: async (open) => {
        const line = await open(() => undefined)
        followed++
        await reader.follow(line)
      },
    })
    onTestFinished(() => link.close())
    link.open()
    await until('they tell each other, again and again', () => followed > 1)
    expect(link.tracking()).toBe('refused')
    await late.admin.call('ACL', 'SETUSER', 'app', '+client|tracking')
    await until('the server tells', () => link.hears(performance.now()))
  })

  it('read on where they were, and hear that something is missing where it was trimmed', async () => {
    const { admin } = untold
    const add = (keys: readonly string[]) => admin.xadd('s1', '*', ...changeFields(change(keys)))
    const { heard, follow, keys } = await read('s1')
    await add(['before'])
    const leave = await follow()
    await until('it reads', () => heard.length > 0)
    expect(heard).toEqual([undefined])
    await add(['a', 'b'])
    await until('that is heard', () => keys().length === 2)
    await leave()
    await add(['c'])
    const leaveAgain = await await follow()
    await until('what came meanwhile is heard', () => keys().includes('c'))
    expect(heard.filter((each) => each === undefined)).toHaveLength(1)
    await leaveAgain()
    await add(['lost'])
    await add(['last'])
    await admin.xtrim('s1', 'MAXLEN', 1)
    await follow()
    await until('anything may have changed', () => heard.filter((each) => each === undefined).length === 2)
    await add(['d'])
    await until('and it reads on', () => keys().includes('d'))
    expect(keys()).not.toContain('lost')
  })

  it('take what somebody else left in the stream for a change of anything', async () => {
    const { admin } = untold
    const { heard, follow } = await read('s2')
    await follow()
    await until('it reads', () => heard.length > 0)
    await admin.xadd('s2', '*', 'category', 'menu', 'keys', 'no json', 'origin', 'a')
    await admin.xadd('s2', '*', 'keys', '["a"]')
    await until('both were met', () => heard.length === 3)
    expect(heard.slice(1)).toEqual([undefined, undefined])
  })

  it('tell many changes in few records, in their order, of a hundred keys each', async () => {
    const records: (readonly string[])[] = []
    const writer = createChangesWriter('p', async (fields) => void records.push(fields))
    for (let n = 0; n < 250; n++) writer.tell('menu', 'set', [`k${n}`])
    writer.tell(
      'menu',
      'delete',
      Array.from({ length: 150 }, (_, n) => `d${n}`),
    )
    writer.tell('orders', 'clear', [])
    await writer.close()
    expect(records.map((fields) => [fields[1], fields[7], JSON.parse(fields[3] ?? '').length])).toEqual([
      ['menu', 'set', 100],
      ['menu', 'set', 100],
      ['menu', 'set', 50],
      ['menu', 'delete', 100],
      ['menu', 'delete', 50],
      ['orders', 'clear', 0],
    ])
  })

  it('don’t let the stream grow', async () => {
    const store = openRedisStore(untold.url)
    onTestFinished(() => store.close())
    const fields = changeFields(change(['a']))
    for (let n = 0; n < 12; n++) {
      await Promise.all(Array.from({ length: 1_000 }, () => store.append('s3', fields)))
    }
    expect(await untold.admin.xlen('s3')).toBeLessThan(10_200)
  })
})
