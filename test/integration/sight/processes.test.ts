import { hostname } from 'node:os'
import { Redis } from 'ioredis'
import { expect, it, onTestFinished, vi } from 'vitest'
import { startTestRedis } from '../../support/redis-server.ts'
import { expectNothingUnhandled } from '../../support/unhandled.ts'
import { until } from '../../support/until.ts'
import { openSight, twoUrls } from './open-sight.ts'

expectNothingUnhandled()

const HASH = 'shop:~mr:processes'
const twoServers = () => Promise.all([startTestRedis(), startTestRedis()])
const raw = (url: string): Redis => {
  const redis = new Redis(url)
  onTestFinished(() => redis.disconnect())
  return redis
}

it('two processes see each other, with what each did', async () => {
  const [primary, secondary] = await twoServers()
  const env = { ...twoUrls(primary, secondary), MOTIA_REDIS_NAMESPACE: 'shop:' }
  const motia = await openSight(env, {}, { kind: 'motia', ownState: true })
  const app = await openSight(env, { categories: { menu: { grace: '1m' } } })
  await app.cache.set('a', 1, { category: 'menu' })
  await app.cache.get('a', { category: 'menu' })
  // Calls are one thing, the keys they read another, and whether one is there is no read of it.
  await app.cache.getMany(['a', 'b', 'c'], { category: 'menu' })
  await app.cache.has('a', { category: 'menu' })
  await app.cache.set('old', 1, { category: 'menu' })
  await app.cache.expire('old', { category: 'menu' })
  await app.cache.getEntry('old', { category: 'menu' })
  const { processes } = await until('each has seen the other on both', async () => {
    const [one, other] = await Promise.all([motia.sight.processes({}), app.sight.processes({})])
    const complete = [...one.processes, ...other.processes].every(({ seenOn }) => seenOn.length === 2)
    return complete && one.processes.length === 2 && other.processes.length === 2 && one
  })
  expect(processes.map(({ kind, self }) => ({ kind, self }))).toEqual([
    { kind: 'motia', self: true },
    { kind: 'app', self: false },
  ])
  expect(processes[1]).toMatchObject({ host: hostname(), pid: process.pid, errors: 0 })
  expect(processes[1]).toMatchObject({ reads: 4, hits: 2, stale: 1, misses: 2, writes: 3 })
  expect(processes[1]?.version).toMatch(/^\d+\.\d+\.\d+/)
  expect(processes[1]?.rss).toBeGreaterThan(10_000_000)
  expect(processes[1]?.loopDelay).toBeGreaterThanOrEqual(0)
  expect(processes[1]?.loopDelay).toBeLessThan(5_000)
})

/** As one of another host left it so many ms ago. */
const left = (age: number): string => `${Date.now() - age} ${JSON.stringify({ host: 'h', startedAt: 1 })}`

it('what those left that are long gone is removed by whoever begins, and nothing by looking', async () => {
  const [primary, secondary] = await twoServers()
  const env = { ...twoUrls(primary, secondary), MOTIA_REDIS_NAMESPACE: 'shop:' }
  const redis = raw(primary.url)
  // A host that can't even be turned into a text would be told to everybody who begins.
  const strange = `${Date.now()} {"startedAt":1,"host":{"toString":0}}`
  await redis.hset(HASH, { strange, gone: left(61_000), long: left(601_000), nonsense: '{"at":', here: left(30_000) })
  const { sight } = await openSight(env)
  const { processes } = await until('the living ones are there', async () => {
    const view = await sight.processes({})
    return view.processes.length === 3 && view
  })
  expect(processes.find(({ processId }) => processId === 'here')).toMatchObject({ reads: 0, seenOn: ['primary'] })
  expect(processes.find(({ processId }) => processId === 'strange')).toMatchObject({ host: '' })
  await until('what is old is removed', async () => {
    const ids = await redis.hkeys(HASH)
    return !ids.includes('long') && !ids.includes('nonsense') && ids.length === 4
  })
  await redis.hset(HASH, { long: left(601_000) })
  await until('they were looked at again', async () => (await sight.processes({})).now > Date.now() - 1_000)
  expect(await redis.hkeys(HASH)).toEqual(expect.arrayContaining(['gone', 'long']))
})

it('how long ago a sign was left is told by the clock of the instance, not by those of two hosts', async () => {
  const [primary, secondary] = await twoServers()
  const env = { ...twoUrls(primary, secondary), MOTIA_REDIS_NAMESPACE: 'shop:' }
  await raw(primary.url).hset(HASH, { here: left(30_000) })
  const right = Date.now.bind(Date)
  const wrong = vi.spyOn(Date, 'now').mockImplementation(() => right() + 3_600_000)
  onTestFinished(() => wrong.mockRestore())
  const { sight } = await openSight(env)
  const { now, other } = await until('it is seen', async () => {
    const view = await sight.processes({})
    const found = view.processes.find(({ self }) => !self)
    return found && { now: view.now, other: found }
  })
  expect(now - other.seenAt).toBeGreaterThanOrEqual(30_000)
  expect(now - other.seenAt).toBeLessThan(60_000)
})

it('a process that ends takes its signs away', async () => {
  const [primary, secondary] = await twoServers()
  const env = { ...twoUrls(primary, secondary), MOTIA_REDIS_NAMESPACE: 'shop:' }
  const { close } = await openSight(env)
  const counts = () => Promise.all([primary, secondary].map(({ url }) => raw(url).hlen(HASH)))
  await until('they are there', async () => (await counts()).join() === '1,1')
  await close()
  expect(await counts()).toEqual([0, 0])
})

it('an instance that is away is left out, and its absence is not told by this', async () => {
  const [primary, secondary] = await twoServers()
  const env = { ...twoUrls(primary, secondary), MOTIA_REDIS_NAMESPACE: 'shop:' }
  const { sight, tiers } = await openSight(env)
  await until('it is seen on both', async () => (await sight.processes({})).processes[0]?.seenOn.length === 2)
  secondary.freeze()
  onTestFinished(() => secondary.thaw())
  await until('it is noticed', () => tiers.health().instances.some(({ state }) => state === 'down'))
  const { processes } = await sight.processes({})
  expect(processes).toHaveLength(1)
  await until('it is seen on one', async () => (await sight.processes({})).processes[0]?.seenOn.join() === 'primary')
})

it('needs no connection of its own', async () => {
  const [primary, secondary] = await twoServers()
  const { sight } = await openSight({ ...twoUrls(primary, secondary), MOTIA_REDIS_NAMESPACE: 'shop:' })
  const redis = raw(primary.url)
  await until('the first sign is there', async () => (await redis.hlen(HASH)) === 1)
  await sight.categories({})
  await sight.overview({})
  const names = String(await redis.client('LIST')).match(/name=motia-redis:\S+/g) ?? []
  const roles = names.map((name) => /:(\w+)(@\w+)?$/.exec(name)?.[1]).sort()
  expect(roles).toEqual(['data', 'probe', 'tracking'])
})
