import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { stateErrorCode } from '../../src/errors.ts'
import { testFolder } from '../support/folder.ts'
import { startTestRedis, type TestRedis } from '../support/redis-server.ts'
import { heard, openTestTiers } from '../support/tiers.ts'
import { expectNothingUnhandled } from '../support/unhandled.ts'
import { until } from '../support/until.ts'
import { instanceIn, isBack } from './outage-round.ts'

expectNothingUnhandled()

const openTwo = async (env: Readonly<Record<string, string>> = {}) => {
  const [primary, secondary] = await Promise.all([startTestRedis(), startTestRedis()])
  const opened = openTestTiers({ REDIS_PRIMARY_URL: primary.url, REDIS_SECONDARY_URL: secondary.url, ...env })
  const { tiers } = opened
  await Promise.all(['orders', 'menu'].map((category) => tiers.cache.set('a', 'before', { category })))
  const both = () => tiers.health().instances.every(({ state }) => state === 'up')
  await until('both are there', both)
  return { ...opened, primary, secondary }
}

const client = (redis: TestRedis): Redis => {
  const raw = new Redis(redis.url)
  onTestFinished(() => raw.disconnect())
  return raw
}

describe('an instance that goes away', () => {
  it('is stood in for and gets what it missed; each change is said once', async () => {
    const lines = heard()
    const { tiers, primary, secondary, changes, failovers, failbacks } = await openTwo()
    await secondary.crash()
    await until('its loss is noticed', () => tiers.health().status === 'degraded')
    const menu = { category: 'menu' }
    for (let call = 0; call < 20; call++) expect(await tiers.cache.get('a', menu)).toBeUndefined()
    await tiers.cache.set('b', 'meanwhile', menu)
    expect(await tiers.cache.getEntry('b', menu)).toMatchObject({
      value: 'meanwhile',
      source: 'primary',
      degraded: true,
    })
    expect(await tiers.cache.get('a', { category: 'orders' })).toBe('before')
    // What is dropped is dropped, and says nothing.
    await tiers.cache.set('a', 1, { category: 'ml' })
    expect(await tiers.cache.get('a', { category: 'ml' })).toBeUndefined()
    const away = tiers.health()
    expect(instanceIn(away, 'primary').standsInFor).toEqual(['user', 'menu', 'cache'])
    expect(instanceIn(away, 'secondary')).toMatchObject({ state: 'down', readable: false, writable: false })
    const { journal } = instanceIn(away, 'secondary')
    expect(journal).toMatchObject({ entries: 2, bytes: expect.any(Number), oldest: expect.any(Number) })
    const reason = 'connection refused at the address in REDIS_SECONDARY_URL'
    const moved = ['user', 'menu', 'cache']
    expect(failovers).toEqual(
      moved.map((category) => ({ category, from: 'secondary', to: 'primary', reason: expect.any(String) })),
    )
    expect(failbacks).toEqual([])

    // Another process still holds something for it.
    const end = `${Date.now() + 60_000}000`
    await client(primary).hset('~mr:outage:secondary', 'p:other', `${end} {"entries":3,"routing":"r"}`)
    await secondary.restart()
    await until('only the other one is missing', () => tiers.health().instances[1]?.reason?.includes('waiting'))
    expect(instanceIn(tiers.health(), 'secondary')).toMatchObject({
      state: 'catching-up',
      reason: 'catching up: waiting, 0 of 3',
      readable: false,
      writable: true,
      journal: { entries: 0 },
    })
    expect(instanceIn(tiers.health(), 'primary').standsInFor).toEqual(moved)
    // By what that says of itself, it sends some categories elsewhere.
    expect(tiers.health().otherRouting).toEqual(['other'])
    expect(lines.filter((line) => line.includes('another server process (other) sends some'))).toHaveLength(1)
    expect(await tiers.cache.get('b', menu)).toBe('meanwhile')
    await tiers.cache.set('c', 'both', menu)
    await client(primary).hdel('~mr:outage:secondary', 'p:other')
    await until('it is back', () => tiers.health().status === 'ok' && isBack(tiers.health(), 'secondary'))
    expect(await tiers.cache.get('b', menu)).toBeUndefined()
    expect(await tiers.cache.getEntry('c', menu)).toMatchObject({ source: 'secondary', degraded: false })
    expect(instanceIn(tiers.health(), 'primary').standsInFor).toEqual([])

    await until('the failback is told', () => failbacks.length > 0)
    expect(failbacks).toEqual(
      moved.map((category) => ({ category, to: 'secondary', replayed: 2, ms: expect.any(Number) })),
    )
    expect(failovers).toHaveLength(3)
    expect(changes.filter((change) => change.startsWith('secondary'))).toEqual([
      'secondary probing -> up',
      'secondary up -> down (no writes)',
      'secondary down -> probing (no writes)',
      'secondary probing -> catching-up',
      'secondary catching-up -> up',
    ])
    expect(lines.filter((line) => line.includes('secondary'))).toEqual([
      `motia-redis  secondary  DOWN  ${reason}; primary stands in for user menu cache; not kept until it is back: ml`,
      expect.stringMatching(/^motia-redis {2}secondary {2}has lost its data: /),
      'motia-redis  secondary  up again',
    ])
  })

  it('that is away at the start is stood in for at once, and gets what it missed when it comes', async () => {
    const lines = heard()
    const [primary, secondary] = await Promise.all([startTestRedis(), startTestRedis()])
    await secondary.stop()
    const env = { REDIS_PRIMARY_URL: primary.url, REDIS_SECONDARY_URL: secondary.url }
    const { tiers, changes, failovers, failbacks } = openTestTiers(env)
    await tiers.cache.set('a', 1)
    expect(await tiers.cache.getEntry('a')).toMatchObject({ value: 1, source: 'primary', degraded: true })
    expect(failovers.map(({ category }) => category)).toEqual(['user', 'menu', 'cache'])
    await secondary.restart()
    await until('the failback is told', () => failbacks.length === 3)
    expect(failbacks[2]).toMatchObject({ category: 'cache', to: 'secondary', replayed: 1 })
    await until('all is well', () => tiers.health().status === 'ok')
    expect(changes.filter((change) => change.startsWith('secondary'))).toEqual([
      'secondary probing -> down (no writes)',
      'secondary down -> probing (no writes)',
      'secondary probing -> catching-up',
      'secondary catching-up -> up',
    ])
    expect(lines).toEqual([
      expect.stringMatching(/secondary {2}DOWN {2}.*; primary stands in for user menu cache; not kept until .*: ml$/),
      'motia-redis  secondary  up again',
    ])
  })

  it('while both are away, files of this machine stand in', async () => {
    heard()
    const { tiers, primary, secondary, failbacks } = await openTwo()
    const all = ['auth', 'analytics', 'menu']
    await Promise.all([primary.crash(), secondary.crash()])
    await until('it is an outage', () => tiers.health().status === 'outage')
    for (const category of all) {
      await tiers.cache.set('b', 'meanwhile', { category })
      expect(await tiers.cache.get('b', { category })).toBe('meanwhile')
    }
    expect(await tiers.cache.getEntry('b', { category: 'menu' })).toMatchObject({ source: 'embedded', degraded: true })
    await tiers.state.set('g', 'k', 'meanwhile')
    expect(await tiers.state.get('g', 'k')).toBe('meanwhile')
    await Promise.all([primary.restart(), secondary.restart()])
    await until('all is well', () => ['primary', 'secondary'].every((name) => isBack(tiers.health(), name)))
    expect(await tiers.state.get('g', 'k')).toBe('meanwhile')
    expect(await tiers.cache.get('b', { category: 'auth' })).toBe('meanwhile')
    expect(await tiers.cache.get('b', { category: 'menu' })).toBeUndefined()
    await until('the failbacks are told', () => failbacks.length === 7)
  })

  it('while both are away, of many mirrored keys those that can be known come with the error', async () => {
    heard()
    const { tiers } = await openTwo()
    const orders = tiers.cache.category('orders')
    tiers.drill('primary', { seconds: 60 })
    tiers.drill('secondary', { seconds: 60 })
    await orders.set('a', 1)
    await orders.set('b', 2)
    await orders.delete('b')
    expect(await orders.getMany(['a', 'b'])).toEqual(new Map([['a', 1]]))
    await expect(orders.getMany(['a', 'b', 'never'])).rejects.toMatchObject({
      code: 'CACHE_UNAVAILABLE',
      operation: 'getMany',
      found: new Map([['a', 1]]),
    })
    // What is cached may be computed again: it is a miss.
    expect(await tiers.cache.getMany(['never'], { category: 'menu' })).toEqual(new Map())
  })

  it('one that comes back alone with less than was acknowledged is not read for it, and repaired as soon as it can be', async () => {
    heard()
    const { tiers, primary, secondary } = await openTwo()
    const raw = client(primary)
    await raw.call('SAVE')
    // Else nothing is left of what is kept here.
    await client(secondary).config('SET', 'appendonly', 'yes')
    await until('it is written', async () => (await client(secondary).info()).includes('aof_rewrite_in_progress:0'))
    await tiers.state.set('g', 'k', 2)
    await tiers.cache.set('a', 'later', { category: 'auth' })
    await Promise.all([primary.crash(), secondary.crash()])
    await until('it is an outage', () => tiers.health().status === 'outage')
    await primary.restart()
    await until('it is up', () => instanceIn(tiers.health(), 'primary').state === 'up')
    await expect(tiers.cache.get('a', { category: 'auth' })).rejects.toMatchObject({ code: 'CACHE_UNAVAILABLE' })
    expect(await tiers.state.get('g', 'k').catch(stateErrorCode)).toBeOneOf([2, 'STATE_UNKNOWN'])
    await secondary.restart(['--appendonly', 'yes'])
    await until('it is up, too', () => instanceIn(tiers.health(), 'secondary').state === 'up')
    const at = performance.now()
    expect(await tiers.state.get('g', 'k')).toBe(2)
    expect(await tiers.cache.get('a', { category: 'auth' })).toBe('later')
    await until('it has it, too', async () => (await raw.get('auth:a'))?.includes('later'))
    expect(performance.now() - at).toBeLessThan(3_000)
  })

  it('closing meanwhile ends within 2 s, and the journal keeps what is missing for the next process', async () => {
    heard()
    const dir = testFolder()
    const { tiers, primary, secondary } = await openTwo({ MOTIA_REDIS_DIR: dir, MOTIA_REDIS_DEADLINE_WRITE: '3s' })
    secondary.freeze()
    onTestFinished(() => secondary.thaw())
    await tiers.state.set('g', 'k', 'meanwhile')
    await tiers.cache.set('a', 'meanwhile', { category: 'menu' })
    const begun = performance.now()
    await tiers.close()
    expect(performance.now() - begun).toBeLessThan(2_100)
    secondary.thaw()

    const env = { REDIS_PRIMARY_URL: primary.url, REDIS_SECONDARY_URL: secondary.url, MOTIA_REDIS_DIR: dir }
    const { tiers: next } = openTestTiers(env)
    expect(await next.cache.get('a', { category: 'menu' })).not.toBe('before')
    await until('it has got everything', () => isBack(next.health(), 'secondary'))
    expect(await next.cache.get('a', { category: 'menu' })).not.toBe('before')
    expect(await client(secondary).hget('~mr:state:g', 'k')).toContain('meanwhile')
  })
})

describe('a full journal', () => {
  it('refuses what must not be lost, with its own code and one event; cached data still finds room', async () => {
    const lines = heard()
    const [primary, secondary] = await Promise.all([startTestRedis(), startTestRedis()])
    const { tiers } = openTestTiers({ REDIS_PRIMARY_URL: primary.url, REDIS_SECONDARY_URL: secondary.url })
    const full: unknown[] = []
    tiers.on('journal:full', (event) => void full.push(event))
    await primary.crash()
    const large = 'x'.repeat(1_000_000)
    const refused = async (): Promise<unknown> => {
      for (let i = 0; i < 100; i++) {
        const error = await tiers.state.set('g', `k${i}`, large).then(
          () => undefined,
          (thrown: unknown) => thrown,
        )
        if (error !== undefined) return error
      }
      return undefined
    }
    expect(stateErrorCode(await refused())).toBe('STATE_JOURNAL_FULL')
    expect(stateErrorCode(await refused())).toBe('STATE_JOURNAL_FULL')
    await expect(tiers.cache.set('s', large, { category: 'auth' })).rejects.toMatchObject({
      code: 'CACHE_JOURNAL_FULL',
    })
    await tiers.cache.set('n', large, { category: 'notifications' })
    expect(await tiers.cache.get('n', { category: 'notifications' })).toBe(large)
    expect(full).toEqual([
      { instance: 'primary', category: 'state' },
      { instance: 'primary', category: 'auth' },
    ])
    expect(lines.filter((line) => line.includes('the journal is full'))).toHaveLength(2)
  })
})

describe('drill', () => {
  it('treats an instance as gone, which the server does not notice, and calls survive', async () => {
    heard()
    const { tiers, secondary, failovers, failbacks } = await openTwo()
    const menu = { category: 'menu' }
    const drill = tiers.drill('secondary', { seconds: 0.5 })
    await until('it counts as gone', () => instanceIn(tiers.health(), 'secondary').state === 'down')
    expect(instanceIn(tiers.health(), 'secondary').reason).toContain('drill')
    expect(await tiers.cache.get('a', menu)).toBeUndefined()
    await tiers.cache.set('a', 'meanwhile', menu)
    expect(await tiers.cache.get('a', menu)).toBe('meanwhile')
    expect(await client(secondary).get('menu:a')).toContain('before')
    await drill
    await until('it is back', () => isBack(tiers.health(), 'secondary'))
    expect(await client(secondary).get('menu:a')).toBeNull()
    expect(failovers.map(({ category }) => category)).toEqual(['user', 'menu', 'cache'])
    await until('the failback is told', () => failbacks.length === 3)
    expect(failbacks[0]).toMatchObject({ replayed: 1 })
  })

  it('of an instance that is not there, or without a proper time, is refused', async () => {
    const { tiers } = await openTwo()
    await expect(tiers.drill('tertiary', { seconds: 1 })).rejects.toThrow(
      /no .*'tertiary'; there is primary, secondary/,
    )
    for (const seconds of [0, -1, Number.NaN, 3_601, Number.POSITIVE_INFINITY]) {
      await expect(tiers.drill('secondary', { seconds })).rejects.toThrow(
        /seconds must be more than 0 and at most 3600/,
      )
    }
    await expect(tiers.drill('secondary', undefined as never)).rejects.toThrow(/e\.g\. \{ seconds: 30 \}/)
    expect(tiers.health().status).toBe('ok')
  })

  it('is refused in production unless it is forced', async () => {
    heard()
    const { tiers } = await openTwo()
    vi.stubEnv('NODE_ENV', 'production')
    onTestFinished(() => {
      vi.unstubAllEnvs()
    })
    await expect(tiers.drill('secondary', { seconds: 1 })).rejects.toThrow(/refused in production.*force: true/)
    expect(tiers.health().status).toBe('ok')
    const forced = tiers.drill('secondary', { seconds: 0.2, force: true })
    await until('it counts as gone', () => instanceIn(tiers.health(), 'secondary').state === 'down')
    await forced
  })
})

describe('one Redis', () => {
  it('is stood in for by files of this machine, and one line says so', async () => {
    const lines = heard()
    const dir = testFolder()
    const redis = await startTestRedis()
    const { tiers, failovers, failbacks } = openTestTiers({ REDIS_PRIMARY_URL: redis.url, MOTIA_REDIS_DIR: dir })
    await tiers.cache.set('a', 'before')
    expect(lines).toEqual([
      'motia-redis  one Redis only: primary is home of every category and of state; files of this machine stand in for it',
    ])
    await redis.crash()
    await tiers.cache.set('a', 'meanwhile')
    expect(await tiers.cache.getEntry('a')).toMatchObject({ value: 'meanwhile', source: 'embedded', degraded: true })
    await tiers.state.set('g', 'k', 1)
    expect(await tiers.state.get('g', 'k')).toBe(1)
    expect(failovers).toContainEqual(expect.objectContaining({ category: 'cache', from: 'primary', to: 'embedded' }))
    expect(lines[1]).toMatch(/DOWN.*; the embedded store stands in for auth .*; not kept until it is back: ml$/)
    await redis.restart()
    await until('it is back', () => isBack(tiers.health(), 'primary'))
    expect(await tiers.cache.get('a')).toBeUndefined()
    expect(await tiers.state.get('g', 'k')).toBe(1)
    await until('the failback is told', () => failbacks.length === failovers.length)
  })
})

describe('without a folder that can be written', () => {
  it('starts and says so; while an instance is away what must not be lost is refused, the rest goes on', async () => {
    const lines = heard()
    const file = join(testFolder(), 'file')
    writeFileSync(file, '')
    const dir = join(file, 'inside')
    const { tiers, secondary } = await openTwo({ MOTIA_REDIS_DIR: dir })
    expect(lines.join('\n')).toMatch(/no journal: its folder can't be written.*MOTIA_REDIS_DIR/)
    await tiers.state.set('g', 'k', 1)
    expect(existsSync(dir)).toBe(false)

    await secondary.crash()
    await until('its loss is noticed', () => tiers.health().status === 'degraded')
    await expect(tiers.state.set('g', 'k', 2)).rejects.toThrow(/^STATE_JOURNAL_FULL: .*MOTIA_REDIS_DIR/)
    await expect(tiers.cache.set('a', 'kept', { category: 'orders' })).rejects.toMatchObject({
      code: 'CACHE_JOURNAL_FULL',
      message: expect.stringContaining('MOTIA_REDIS_DIR'),
    })
    await tiers.cache.set('a', 'meanwhile', { category: 'menu' })
    expect(await tiers.cache.getEntry('a', { category: 'menu' })).toMatchObject({ source: 'primary' })
    // Nothing would remember that what home holds of these is of the past.
    const away = { code: 'CACHE_UNAVAILABLE' }
    await expect(tiers.cache.set('a', 1, { category: 'ml' })).rejects.toMatchObject(away)
    expect(await tiers.cache.get('a', { category: 'ml' })).toBeUndefined()
    await expect(tiers.cache.delete('a', { category: 'menu' })).rejects.toMatchObject(away)
    await secondary.restart()
    await until('it is back', () => isBack(tiers.health(), 'secondary'))
    await tiers.state.set('g', 'k', 3)
    expect(await tiers.state.get('g', 'k')).toBe(3)
  })

  it('says of an only Redis that nothing stands in for it', async () => {
    const lines = heard()
    const file = join(testFolder(), 'file')
    writeFileSync(file, '')
    const redis = await startTestRedis()
    const { tiers, failovers } = openTestTiers({ REDIS_PRIMARY_URL: redis.url, MOTIA_REDIS_DIR: file })
    await tiers.cache.set('a', 1)
    await redis.crash()
    await until('its loss is noticed', () => tiers.health().status === 'outage')
    expect(lines.at(-1)).toMatch(
      /DOWN.*; unavailable until it is back: auth orders .* user menu cache; not kept .*: ml$/,
    )
    await expect(tiers.cache.set('a', 2)).rejects.toMatchObject({ code: 'CACHE_UNAVAILABLE' })
    expect(await tiers.cache.get('a')).toBeUndefined()
    expect(failovers).toEqual([])
  })
})
