import type { Redis } from 'ioredis'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createOutages, type Outages, type OutagesOptions } from '../../../src/failover/stand-in/outages.ts'
import { steadyNow } from '../../../src/failover/time-left.ts'
import type { Instance } from '../../../src/instances/instance.ts'
import { layoutOf } from '../../../src/instances/layout.ts'
import { startTestRedis, type TestRedis } from '../../support/redis-server.ts'
import { openRedisStore } from '../../support/redis-store.ts'
import { expectNothingUnhandled } from '../../support/unhandled.ts'
import { until } from '../../support/until.ts'
import { openRedis } from './kept-model.ts'

expectNothingUnhandled()

let primary: TestRedis
let secondary: TestRedis
let redis: Redis
beforeAll(async () => {
  primary = await startTestRedis()
  secondary = await startTestRedis()
})
const ends: (() => unknown)[] = []
beforeEach(async () => {
  await Promise.all([primary.restart(), secondary.restart()])
  redis = openRedis(secondary.url).on('error', () => undefined)
  ends.push(() => redis.disconnect())
})
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

const layout = layoutOf('app:')
const key = layout.outage('primary')

interface Side {
  readonly outages: Outages
  readonly home: Instance
  readonly standIn: Instance
}
const open = async (processId: string, options: Partial<OutagesOptions> = {}): Promise<Side> => {
  const home = openRedisStore(primary.url, { name: 'primary', processId, supervised: true })
  const standIn = openRedisStore(secondary.url, { name: 'secondary', processId, supervised: true })
  const instances = new Map([home, standIn].map((each) => [each.name, each]))
  const outages = createOutages({ instances, layout, processId, routing: `routes of ${processId}`, ...options })
  await Promise.all([home.connect(), standIn.connect()])
  ends.push(async () => {
    await outages.close()
    await Promise.all([home.close(), standIn.close()])
  })
  return { outages, home, standIn }
}
const joined = async ({ outages, standIn }: Side) => outages.join('primary', standIn)
const calls = async (): Promise<string | undefined> =>
  /cmdstat_evalsha:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1]
const peeked = async ({ outages, standIn }: Side) => outages.peek('primary', standIn)

describe('what is left of an outage', () => {
  it('on an instance that was away when it ended goes when that is back', async () => {
    const side = await open('a')
    const { prefix } = await joined(side)
    await redis.set(`${prefix}menu:a`, 'copy', 'PX', 600_000)
    side.standIn.drill(60_000)
    await until('it is away', () => !side.standIn.readable())
    await side.outages.leave('primary')
    await side.outages.sweep('primary')
    await side.outages.tidy()
    expect(await redis.exists(key, `${prefix}menu:a`)).toBe(2)
    side.standIn.drill(0)
    await until('it is back', () => side.standIn.catchingUp())
    await side.outages.tidy()
    expect(await redis.exists(key, `${prefix}menu:a`)).toBe(0)
    // Nothing is left to be done, once that was seen.
    side.outages.review('secondary')
    await side.outages.tidy()
    const before = await calls()
    await side.outages.tidy()
    expect(await calls()).toBe(before)
  })

  it('by a process that was killed is swept once nobody may come back to it, with all its copies', async () => {
    const side = await open('a')
    const review = (): Promise<void> => {
      side.outages.review('secondary')
      return side.outages.tidy()
    }
    const now = Date.now() * 1_000
    const record = { id: `x ${now} ${now + 60e6}`, 'o:w': '', 'p:gone': `${now - 1} {}` }
    const copies = ['w', 'x'].map((id) => `${layout.standIn('primary', id)}menu:1`)
    await redis.mset(copies.flatMap((copy) => [copy, 'x']))
    await redis.hset(key, record)
    await review()
    expect((await redis.hkeys(key)).sort()).toEqual(['id', 'o:w'])
    await redis.hset(key, { ...record, id: `x ${now - 2} ${now - 1}`, 'p:here': `${now + 60e6} {}` })
    await review()
    expect(await redis.hkeys(key)).toContain('p:here')
    expect(await redis.exists(...copies)).toBe(2)
    await redis.hdel(key, 'p:here')
    await review()
    expect(await redis.exists(key, ...copies)).toBe(0)
  })

  it('is left by a server that refuses what is needed, which is said once, and once when it is over', async () => {
    const said: string[] = []
    const say = (line: string): unknown => said.push(line)
    const side = await open('a', { report: { info: say, warn: say } })
    const look = async (): Promise<void> => {
      side.outages.review('secondary')
      await side.outages.tidy()
    }
    await redis.set(key, 'of another type')
    await look()
    await look()
    const why = 'another type of data lies at this key'
    const met = `secondary  what is noted there of outages can't be changed, which is tried again: secondary: ${why}`
    expect(said.splice(0)).toEqual([met])
    await redis.del(key)
    await look()
    await look()
    expect(said.splice(0)).toEqual(['secondary  what is noted there of outages can be changed again'])

    // What lacks one right only: that another kind of change works is no end of it.
    for (const right of ['hset', 'hdel']) {
      await redis.call('ACL', 'SETUSER', 'default', `-${right}`)
      for (let outage = 0; outage < 2; outage++) {
        side.outages.enter('primary', () => 1)
        if (right === 'hset') await until('it was tried', () => said.length > 0)
        else await until('it is registered', async () => (await redis.hexists(key, 'p:a')) === 1)
        await side.outages.leave('primary')
      }
      await redis.call('ACL', 'SETUSER', 'default', `+${right}`)
      expect(said.map((line) => line.includes("can't be changed"))).toEqual([true])
      side.outages.enter('primary', () => 1)
      await until('it is registered', async () => (await redis.hexists(key, 'p:a')) === 1)
      await side.outages.leave('primary')
      await until('it is over', () => said.length === 2)
      expect(said.splice(0)[1]).toBe('secondary  what is noted there of outages can be changed again')
    }

    const { prefix } = await joined(side)
    await redis.set(`${prefix}menu:a`, 'copy')
    await redis.call('ACL', 'SETUSER', 'default', '-scan')
    await side.outages.leave('primary')
    await side.outages.sweep('primary')
    await look()
    expect(said.splice(0)).toEqual([
      expect.stringMatching(/^secondary {2}what outages left behind there can't be removed.* no right to this command/),
    ])
    await redis.call('ACL', 'SETUSER', 'default', '+scan')
    await look()
    await look()
    expect(said).toEqual(['secondary  what outages left behind there is gone'])
    expect(await redis.keys('*')).toEqual([])
  })

  it('by a process that was killed while others had left goes when its registration has ended', async () => {
    const [a, b] = await Promise.all([open('a'), open('b')])
    const { prefix } = await joined(b)
    await redis.set(`${prefix}menu:1`, 'x')
    a.outages.enter('primary', () => 0)
    await b.outages.close()
    // As one that was killed, for as long as a registration lasts.
    await redis.hset(key, 'p:b', `${(Date.now() + 2_000) * 1_000} {"entries":0}`)
    expect(await a.outages.leave('primary')).toBe(false)
    await a.outages.sweep('primary')
    expect(await redis.exists(`${prefix}menu:1`)).toBe(1)
    await until('nothing is left', async () => {
      await a.outages.tidy()
      return (await redis.keys('*')).length === 0
    })
  })

  it('and was removed is removed again from an instance that comes back with older data', async () => {
    const side = await open('a')
    await joined(side)
    await side.outages.leave('primary')
    await side.outages.sweep('primary')
    expect(await redis.keys('*')).toEqual([])
    const past = Date.now() * 1_000 - 60e6
    await redis.hset(key, { id: `x ${past} ${past + 30e6}`, 'p:a': `${past + 2e6} {"entries":1}` })
    await redis.set(`${layout.standIn('primary', 'x')}menu:1`, 'x')
    side.outages.discard('secondary')
    await side.outages.tidy()
    expect(await redis.keys('*')).toEqual([])
  })

  it('is named by its record until it is gone, however often somebody fails in between', async () => {
    const [a, b] = await Promise.all([open('a'), open('b')])
    const { id, prefix } = await joined(a)
    await redis.set(`${prefix}menu:1`, 'x')
    // Killed before it sweeps.
    expect(await a.outages.leave('primary')).toBe(true)
    expect(await redis.hgetall(key)).toEqual({ [`o:${id}`]: '' })
    // The next outage has begun before anybody sweeps.
    const next = await joined(b)
    expect(next.id).not.toBe(id)
    await redis.set(`${next.prefix}menu:1`, 'x')
    a.outages.review('secondary')
    await a.outages.tidy()
    expect(await redis.exists(`${prefix}menu:1`, `${next.prefix}menu:1`)).toBe(2)
    expect(await b.outages.leave('primary')).toBe(true)
    await b.outages.sweep('primary')
    expect(await redis.keys('*')).toEqual([])
  })

  it('under an id that was replaced goes with the last, too, whoever that is', async () => {
    const [a, b, c] = await Promise.all([open('a'), open('b'), open('c')])
    const first = await joined(a)
    b.outages.trace('primary').settle(steadyNow())
    const second = await joined(b)
    c.outages.enter('primary', () => 0)
    await until('it is registered', async () => (await redis.hkeys(key)).includes('p:c'))
    const copies = [first, second].map(({ prefix }) => `${prefix}menu:1`)
    await redis.mset(copies.flatMap((copy) => [copy, 'x']))
    for (const side of [a, b]) {
      expect(await side.outages.leave('primary')).toBe(false)
      await side.outages.sweep('primary')
    }
    expect(await redis.exists(...copies)).toBe(2)
    expect(await c.outages.leave('primary')).toBe(true)
    await c.outages.sweep('primary')
    expect(await redis.keys('*')).toEqual([])
  })
})

describe('the routing of other processes', () => {
  it('is compared in an outage: of each that differs it is told once', async () => {
    const heard: string[] = []
    const a = await open('a', { routing: 'old', onOtherRouting: (id) => heard.push(id) })
    const b = await open('b', { routing: 'old' })
    const c = await open('c', { routing: 'new' })
    for (const { outages } of [a, b, c]) outages.enter('primary', () => 1)
    await until('a knows', () => a.outages.otherRouting().join() === 'c')
    await until('c knows', () => c.outages.otherRouting().toSorted().join() === 'a,b')
    expect(b.outages.otherRouting()).toEqual(['c'])
    for (let look = 0; look < 3; look++) await a.outages.others('primary')
    expect(heard).toEqual(['c'])
  })
})

describe('the id of an outage', () => {
  it('is one, however many join at once, and readers find it without making anything', async () => {
    const [a, b, c] = await Promise.all([open('a'), open('b'), open('c')])
    expect(await peeked(c)).toBeUndefined()
    expect(await redis.exists(key)).toBe(0)
    const places = await Promise.all([joined(a), joined(b), joined(a), joined(b)])
    const [{ id, prefix }] = places
    expect(new Set(places.map((place) => place.id))).toEqual(new Set([id]))
    expect(prefix).toBe(layout.standIn('primary', id))
    // Known: no promise any more.
    expect(a.outages.join('primary', a.standIn)).toMatchObject({ id })
    expect([...a.outages.known('primary')]).toEqual([['secondary', id]])
    await until('a reader looks again', async () => (await peeked(c))?.id === id)
    expect(await redis.hkeys(key)).not.toContain('p:c')
    expect(await redis.ttl(key)).toBe(-1)
  })

  it('is another one for the next outage', async () => {
    const side = await open('a')
    const { id } = await joined(side)
    expect(await side.outages.leave('primary')).toBe(true)
    expect(side.outages.involved('primary')).toBe(false)
    expect(await redis.hexists(key, 'id')).toBe(0)
    expect((await joined(side)).id).not.toBe(id)
  })

  it('stays while somebody is left, and its copies go with the last', async () => {
    const [a, b] = await Promise.all([open('a'), open('b')])
    const { id, prefix } = await joined(a)
    await joined(b)
    await redis.set(`${prefix}menu:1`, 'x')
    await redis.set(`${layout.standIn('primary', 'other')}menu:1`, 'x')
    expect(await a.outages.leave('primary')).toBe(false)
    await a.outages.sweep('primary')
    expect(await redis.exists(`${prefix}menu:1`)).toBe(1)
    expect((await joined(b)).id).toBe(id)
    expect(await b.outages.leave('primary')).toBe(true)
    await b.outages.sweep('primary')
    expect(await redis.keys('*')).toEqual([`${layout.standIn('primary', 'other')}menu:1`])
  })

  it('outlives those who made it, for a while', async () => {
    const a = await open('a')
    const { id } = await joined(a)
    await a.outages.close()
    await redis.hdel(key, 'p:a')
    const b = await open('b')
    expect((await joined(b)).id).toBe(id)
    const [, made] = ((await redis.hget(key, 'id')) ?? '').split(' ')
    await b.outages.close()
    await redis.hset(key, 'id', `${id} ${made} ${Number(made) + 1}`)
    const c = await open('c')
    expect(await peeked(c)).toBeUndefined()
    expect((await joined(c)).id).not.toBe(id)
    expect(await b.outages.stands('primary', b.standIn, await joined(b))).toBe(false)
    expect((await joined(b)).id).toBe((await joined(c)).id)
  })

  it('is not joined again by whoever had a change acknowledged elsewhere since it was made', async () => {
    const [a, b] = await Promise.all([open('a'), open('b')])
    const { id } = await joined(a)
    const begun = steadyNow()
    b.outages.trace('primary').settle(begun)
    expect(await peeked(b)).toBeUndefined()
    const fresh = await joined(b)
    expect(fresh.id).not.toBe(id)
    expect(fresh.since).toBeGreaterThanOrEqual(begun)
    // The other one hears of it before it acknowledges anything.
    expect(await a.outages.stands('primary', a.standIn, await joined(a))).toBe(false)
    expect((await joined(a)).id).toBe(fresh.id)
  })

  it('holds for changes that show there, and no longer than for those', async () => {
    const side = await open('a')
    const { id } = await joined(side)
    const { settle } = side.outages.trace('primary')
    settle(steadyNow(), { ids: [id], lastResort: true })
    expect((await joined(side)).id).toBe(id)
    settle(steadyNow(), { ids: [], lastResort: true })
    expect(side.outages.involved('primary')).toBe(false)
  })

  it('is of the past once the stand-in was away', async () => {
    const [a, b] = await Promise.all([open('a'), open('b')])
    const { id } = await joined(a)
    await joined(b)
    a.outages.discard('secondary')
    expect(await peeked(a)).toBeUndefined()
    const fresh = await joined(a)
    expect(fresh.id).not.toBe(id)
    await until('the other one learns it from its next sign of life', () => !b.outages.involved('primary'))
    expect((await joined(b)).id).toBe(fresh.id)
  })
})

describe('registrations', () => {
  it('are on every instance that can be asked, say how much is held, and are seen by others only', async () => {
    const [a, b] = await Promise.all([open('a'), open('b')])
    let held = 0
    a.outages.enter('primary', () => held)
    const seen = [{ processId: 'a', entries: 0, routing: 'routes of a' }]
    await until('it is seen', async () => (await b.outages.others('primary'))?.length === 1)
    expect(await b.outages.others('primary')).toEqual(seen)
    expect(await a.outages.others('primary')).toEqual([])
    expect(await b.outages.others('secondary')).toEqual([])
    held = 7
    a.outages.enter('primary', () => held)
    await until('it is said at once', async () => (await b.outages.others('primary'))?.[0]?.entries === 7)
    const direct = openRedis(primary.url)
    ends.push(() => direct.disconnect())
    expect(await direct.hkeys(key)).toEqual(['p:a'])
    expect(await redis.hkeys(key)).toEqual(['p:a'])
    expect(a.outages.entered('primary')).toBe(true)
    expect(await a.outages.leave('primary')).toBe(true)
    expect(a.outages.entered('primary')).toBe(false)
    expect(await b.outages.others('primary')).toEqual([])
  })

  it('are seen at an instance that came back, and end by themselves', async () => {
    const [a, b] = await Promise.all([open('a'), open('b')])
    await primary.crash()
    await until('home is down', () => !a.home.readable() && !b.home.readable())
    await joined(a)
    await secondary.crash()
    await primary.restart()
    await until('home is back', () => a.home.catchingUp() && b.home.catchingUp())
    await until('its next sign of life reaches home', async () => (await b.outages.others('primary'))?.length === 1)
    await a.outages.close()
    await until('two seconds later nobody is left', async () => (await b.outages.others('primary'))?.length === 0)
  })

  it('are not known as long as one that can be reached does not answer, unlike one that refuses', async () => {
    const [a, b] = await Promise.all([open('a'), open('b')])
    b.outages.enter('primary', () => 500)
    await until('it is seen', async () => (await a.outages.others('primary'))?.length === 1)
    primary.freeze()
    ends.push(() => primary.thaw())
    expect(a.home.readable()).toBe(true)
    expect(await a.outages.others('primary')).toBeUndefined()
    primary.thaw()
    await until('it answers again', async () => (await a.outages.others('primary'))?.length === 1)
    await b.outages.close()
    await redis.set(key, 'of another type')
    expect(await a.outages.others('primary')).toEqual([])
  })

  it('written by somebody who says it otherwise count as holding something', async () => {
    const a = await open('a')
    await redis.hset(key, 'p:x', `${(Date.now() + 60_000) * 1_000} [1]`)
    await redis.hset(key, 'p:y', `${(Date.now() - 60_000) * 1_000} {"entries":3}`, 'p:z', 'noise')
    expect(await a.outages.others('primary')).toEqual([{ processId: 'x', entries: 1, routing: '' }])
    await joined(a)
    expect((await redis.hkeys(key)).sort()).toEqual(['id', 'p:a', 'p:x'])
  })
})
