import { hostname } from 'node:os'
import { Redis } from 'ioredis'
import { expect, it, onTestFinished } from 'vitest'
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

it('what the gone left is swept, what is no sign of life too', async () => {
  const [primary, secondary] = await twoServers()
  const env = { ...twoUrls(primary, secondary), MOTIA_REDIS_NAMESPACE: 'shop:' }
  const redis = raw(primary.url)
  const beat = (at: number): string => JSON.stringify({ kind: 'app', host: 'h', pid: 1, at })
  // A host that can't even be turned into a text would be told to everybody who begins.
  await redis.hset(HASH, { strange: '{"at":1,"host":{"toString":0}}' })
  const { sight } = await openSight(env)
  await redis.hset(HASH, { gone: beat(Date.now() - 61_000), nonsense: '{"at":', here: beat(Date.now() - 30_000) })
  const { processes } = await until('the living one is there', async () => {
    const view = await sight.processes({})
    return view.processes.length === 2 && view
  })
  expect(processes.find(({ self }) => !self)).toMatchObject({ processId: 'here', reads: 0, seenOn: ['primary'] })
  await until(
    'the others are swept',
    async () => !(await redis.hkeys(HASH)).some((id) => ['gone', 'nonsense', 'strange'].includes(id)),
  )
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
