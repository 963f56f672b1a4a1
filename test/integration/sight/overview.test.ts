import { Redis } from 'ioredis'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { InstanceView, Overview, RouteView } from '../../../src/sight/contract.ts'
import type { Sight } from '../../../src/sight/sight.ts'
import { startTestRedis } from '../../support/redis-server.ts'
import { expectNothingUnhandled } from '../../support/unhandled.ts'
import { until } from '../../support/until.ts'
import { openSight, twoUrls } from './open-sight.ts'

expectNothingUnhandled()

const twoServers = () => Promise.all([startTestRedis(), startTestRedis()])

const instance = ({ instances }: Overview, name: string): InstanceView => {
  const found = instances.find((each) => each.name === name)
  if (found === undefined) throw new Error(`no instance ${name}`)
  return found
}
const route = ({ routing }: Overview, name: string): RouteView | undefined => routing.find((each) => each.name === name)

/** Looks until it is so. */
const untilSeen = (what: string, sight: Sight, look: (seen: Overview) => unknown): Promise<Overview> =>
  until(what, async () => {
    const seen = await sight.overview({})
    return look(seen) === true && seen
  })

describe('the overview while all is well', () => {
  it('has what each server counts, and everything at home', async () => {
    const [primary, secondary] = await twoServers()
    const { sight, cache } = await openSight(twoUrls(primary, secondary))
    await cache.set('a', 1, { category: 'menu' })
    await cache.get('a', { category: 'menu' })
    await cache.get('b', { category: 'menu' })
    // One that was slow for a moment has its kept data read from the mirror.
    const seen = await untilSeen(
      'both were asked, and serve',
      sight,
      ({ instances, routing }) =>
        instances.every(({ live, latencies, serverVersion }) => live && latencies.length > 0 && serverVersion) &&
        routing.every(({ home, servedBy }) => home === servedBy),
    )
    expect(seen).toMatchObject({ status: 'ok', server: { production: false, readOnly: false, namespace: '' } })
    expect(seen.server.version).toMatch(/^\d+\.\d+\.\d+/)
    expect(seen.instances.map(({ name, kind, state, role }) => ({ name, kind, state, role }))).toEqual([
      { name: 'primary', kind: 'redis', state: 'up', role: 'master' },
      { name: 'secondary', kind: 'redis', state: 'up', role: 'master' },
    ])
    expect(instance(seen, 'primary').holdsState).toBe(true)
    const { memory, latency } = instance(seen, 'secondary')
    expect(memory?.used).toBeGreaterThan(100_000)
    expect(latency).toBeLessThan(1_000)
    expect(seen.routing[0]).toMatchObject({ name: 'state', kind: 'state', home: 'primary', mirror: 'secondary' })
    expect(route(seen, 'auth')).toMatchObject({ home: 'primary', mirror: 'secondary', kept: true, l1: false })
    expect(route(seen, 'menu')).toMatchObject({ home: 'secondary', mirror: undefined, kept: false, l1: true })
    const later = await untilSeen('what was read is counted', sight, (each) =>
      Boolean((instance(each, 'secondary').live?.hitRate ?? 0) > 0),
    )
    expect(instance(later, 'secondary').live?.hitRate).toBeLessThan(1)
    expect(instance(later, 'secondary').live?.keys).toBeGreaterThan(0)
    expect(seen.advice).toEqual([])
  })

  it('asks each server once a second at most, however many look, and nothing while nobody does', async () => {
    const [primary, secondary] = await twoServers()
    const { sight } = await openSight(twoUrls(primary, secondary))
    const infos = async (): Promise<number> => {
      const redis = new Redis(primary.url, { enableReadyCheck: false })
      const stats = await redis.info('commandstats')
      redis.disconnect()
      return Number(/cmdstat_info:calls=(\d+)/.exec(stats)?.[1] ?? 0)
    }
    const before = await infos()
    const begun = performance.now()
    await Promise.all(Array.from({ length: 50 }, () => sight.overview({})))
    await Promise.all(Array.from({ length: 50 }, () => sight.overview({})))
    const seconds = Math.ceil((performance.now() - begun) / 1_000)
    // Of those one is the test's own.
    expect((await infos()) - before).toBeLessThanOrEqual(2 + seconds)
  })
})

describe('the overview of an outage', () => {
  it('shows the routing as it is, what happened, and that it comes back', async () => {
    const [primary, secondary] = await twoServers()
    const { sight, cache, tiers } = await openSight(twoUrls(primary, secondary))
    await untilSeen('both are up', sight, ({ status }) => status === 'ok')
    await cache.set('a', 1, { category: 'orders' })

    process.kill(primary.pid, 'SIGKILL')
    const away = await untilSeen('it is away', sight, (seen) => instance(seen, 'primary').state === 'down')
    expect(away.status).toBe('degraded')
    expect(instance(away, 'primary')).toMatchObject({ readable: false, writable: false, live: undefined })
    expect(route(away, 'state')?.servedBy).toBe('secondary')
    expect(route(away, 'orders')).toMatchObject({ home: 'primary', servedBy: 'secondary' })
    expect(route(away, 'analytics')?.servedBy).toBe('secondary')
    expect(route(away, 'menu')?.servedBy).toBe('secondary')
    expect(instance(away, 'secondary').standsInFor).toEqual(['auth', 'orders', 'notifications', 'analytics'])
    expect(away.advice[0]).toMatchObject({ level: 'error', text: expect.stringMatching(/^primary is down/) })

    for (let n = 0; n < 20; n++) await cache.set(`k${n}`, n, { category: 'orders' })
    await tiers.hot.set('flow', 'step', { done: true })
    const waiting = await untilSeen(
      'writes wait for it',
      sight,
      (seen) => instance(seen, 'primary').journal.entries > 20,
    )
    expect(instance(waiting, 'primary').journal.oldest).toBeLessThanOrEqual(Date.now())
    const told = await untilSeen('it is told', sight, ({ timeline }) =>
      timeline.some(({ kind }) => kind === 'failover'),
    )
    const moved = told.timeline.find(({ kind, categories }) => kind === 'failover' && categories.includes('orders'))
    expect(moved?.text).toMatch(/orders.* moved from primary to secondary: /)
    expect(told.timeline).toContainEqual(
      expect.objectContaining({
        kind: 'state',
        instance: 'primary',
        text: expect.stringMatching(/^primary is down: /),
      }),
    )

    await primary.restart()
    onTestFinished(() => primary.stop())
    const steps = new Set<string>()
    const back = await untilSeen('it is back', sight, (seen) => {
      const { recovery, state } = instance(seen, 'primary')
      if (recovery !== undefined) steps.add(recovery.step)
      return state === 'up' && instance(seen, 'primary').journal.entries === 0
    })
    expect(steps.size).toBeGreaterThan(0)
    expect(route(back, 'orders')?.servedBy).toBe('primary')
    const all = await untilSeen('that is told, too', sight, ({ timeline }) =>
      timeline.some(({ kind }) => kind === 'failback'),
    )
    expect(all.timeline.length).toBeLessThanOrEqual(200)
    const times = all.timeline.map(({ at }) => at)
    expect(times).toEqual(times.toSorted((a, b) => b - a))
  })

  it('shows where data is when no instance is left', async () => {
    const [primary, secondary] = await twoServers()
    const { sight } = await openSight(twoUrls(primary, secondary))
    await untilSeen('both are up', sight, ({ status }) => status === 'ok')
    await Promise.all([primary.crash(), secondary.crash()])
    const gone = await untilSeen('both are away', sight, ({ status }) => status === 'outage')
    expect(route(gone, 'state')?.servedBy).toBe('embedded')
    expect(route(gone, 'menu')?.servedBy).toBe('embedded')
    // What may be dropped has no other place.
    expect(route(gone, 'ml')?.servedBy).toBeUndefined()
  })

  // A managed server lets nobody do that to it.
  it.skipIf(process.env.REDIS_PROFILE === 'managed')(
    'says where what takes no writes is served meanwhile',
    async () => {
      const [primary, secondary] = await twoServers()
      const { sight } = await openSight(twoUrls(primary, secondary))
      await untilSeen('both are up', sight, ({ status }) => status === 'ok')
      const redis = new Redis(secondary.url)
      onTestFinished(() => redis.disconnect())
      await redis.call('REPLICAOF', '127.0.0.1', '1')
      const seen = await untilSeen('it takes none', sight, (each) => !instance(each, 'secondary').writable)
      expect(route(seen, 'menu')?.servedBy).toBe('primary')
      await untilSeen('its role is known', sight, (each) => instance(each, 'secondary').role === 'slave')
      await redis.call('REPLICAOF', 'NO', 'ONE')
    },
  )
})

describe('a drill', () => {
  it('is begun from here, told, and shown as an outage', async () => {
    const [primary, secondary] = await twoServers()
    const { sight } = await openSight(twoUrls(primary, secondary))
    await untilSeen('both are up', sight, ({ status }) => status === 'ok')
    await expect(sight.change({ do: 'drill', instance: 'tertiary', seconds: 1 })).rejects.toThrow(/there is no such/)
    expect(await sight.change({ do: 'drill', instance: 'secondary', seconds: 1 })).toEqual({ count: undefined })
    const seen = await untilSeen('it is treated as gone', sight, (each) => instance(each, 'secondary').state === 'down')
    expect(seen.timeline).toContainEqual(
      expect.objectContaining({ kind: 'drill', instance: 'secondary', text: expect.stringContaining('1.0 s') }),
    )
    expect(seen.advice).toContainEqual(
      expect.objectContaining({ level: 'note', text: expect.stringContaining('drill') }),
    )
    await untilSeen('it is back', sight, (each) => instance(each, 'secondary').state === 'up')
  })
})
