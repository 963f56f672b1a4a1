import { Redis } from 'ioredis'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { startGuardedRedis } from '../../support/guarded-redis.ts'
import { startTestRedis } from '../../support/redis-server.ts'
import { openRedisStore } from '../../support/redis-store.ts'
import { until } from '../../support/until.ts'

const open = async (address: string) => {
  const store = openRedisStore(address, { processId: 'aaaaaaaa' })
  onTestFinished(() => store.close())
  await store.connect()
  return store
}

const raw = (url: string): Redis => {
  const redis = new Redis(url)
  onTestFinished(() => redis.disconnect())
  return redis
}

const endsAt = (): number => Date.now() + 60_000
const isOurs = (key: string): boolean => key.startsWith('menu:')

describe('a sign of life', () => {
  it('never stands before a read where writes are held back', async () => {
    const server = await startTestRedis()
    const store = await open(server.url)
    const redis = raw(server.url)
    const left = async (): Promise<string | undefined> =>
      (await redis.hget('~mr:processes', 'aaaaaaaa'))?.replace(/^\d{13} /, '')
    // The first one goes at once, so that a process is seen.
    store.looks.leaveBeat('aaaaaaaa', 'first')
    await until('it is there', async () => (await left()) === 'first')

    await redis.client('PAUSE', 60_000, 'WRITE')
    store.looks.leaveBeat('aaaaaaaa', 'second')
    for (let n = 0; n < 20; n++) await store.read('menu:soup', { timeout: 1_000 })
    expect(await left()).toBe('first')
    await redis.client('UNPAUSE')

    // The prober may have noticed the pause.
    await until('it takes writes again', async () => {
      await store.write([{ key: 'menu:soup', text: '1', endsAt: endsAt() }])
      return true
    })
    await until('it follows a write', async () => (await left()) === 'second')
  })

  it('follows a write of the prober where nobody calls', async () => {
    const server = await startTestRedis()
    const store = await open(server.url)
    const redis = raw(server.url)
    store.looks.leaveBeat('aaaaaaaa', 'first')
    store.looks.leaveBeat('aaaaaaaa', 'second')
    await until('it is there', async () => (await redis.hget('~mr:processes', 'aaaaaaaa'))?.endsWith(' second'))
  })
})

describe('signs of life of others', () => {
  it('are read as far as a few servers could leave them, however many lie there', async () => {
    const server = await startTestRedis()
    const store = await open(server.url)
    const redis = raw(server.url)
    const ids = Array.from({ length: 10_000 }, (_, n) => `id-${n}`)
    await redis.hset('~mr:processes', ...ids.flatMap((id) => [id, 'x']))
    const beats = await until('they are read', () => store.looks.beats())
    expect(beats.left.size).toBe(1_000)
    expect(beats.left.get('id-0') ?? { at: 0, text: '' }).toEqual({ at: 0, text: '' })
  })

  it('bear the time of the server, whatever ours is', async () => {
    const server = await startTestRedis()
    const store = await open(server.url)
    const clock = vi.spyOn(Date, 'now').mockReturnValue(5)
    onTestFinished(() => clock.mockRestore())
    store.looks.leaveBeat('aaaaaaaa', 'a\nb')
    const [seconds] = await raw(server.url).time()
    const { now, left } = await store.looks.beats().then((beats) => beats ?? { now: 0, left: new Map() })
    const { at, text } = left.get('aaaaaaaa') ?? {}
    expect(text).toBe('a\nb')
    expect(Math.abs(now / 1_000 - Number(seconds))).toBeLessThan(60)
    expect(now - at).toBeGreaterThanOrEqual(0)
    expect(now - at).toBeLessThan(60_000)
  })

  it('aren’t left after all where their process takes them away before', async () => {
    const server = await startTestRedis()
    const store = await open(server.url)
    store.looks.leaveBeat('aaaaaaaa', 'first')
    store.looks.leaveBeat('aaaaaaaa', 'second')
    await store.looks.removeBeats(['aaaaaaaa'])
    await store.write([{ key: 'menu:soup', text: '1', endsAt: endsAt() }])
    expect((await store.looks.beats())?.left).toEqual(new Map())
  })

  it('are removed in numbers that no single call could bear', async () => {
    const server = await startTestRedis()
    const store = await open(server.url)
    const redis = raw(server.url)
    await redis.hset('~mr:processes', 'id-0', 'x', 'id-199999', 'x', 'other', 'x')
    await store.looks.removeBeats(Array.from({ length: 200_000 }, (_, n) => `id-${n}`))
    expect(await redis.hkeys('~mr:processes')).toEqual(['other'])
  })
})

describe('what only looks', () => {
  it('answers nothing where nobody answers, soon, and says nothing about the instance', async () => {
    const server = await startTestRedis()
    const store = await open(server.url)
    expect(await store.looks.figures()).toMatchObject({ clients: expect.any(Number), keys: 0 })
    expect(await store.looks.beats()).toEqual({ now: expect.any(Number), left: new Map() })
    server.freeze()
    onTestFinished(() => server.thaw())
    const before = store.health()
    const asked = performance.now()
    const answers = await Promise.all([store.looks.figures(), store.looks.beats(), store.looks.sample(10, isOurs)])
    expect(answers).toEqual([undefined, undefined, undefined])
    // Before the prober, which asks an idle one every second, could have noticed by itself.
    if (performance.now() - asked < 700) expect(store.health().state).toBe(before.state)
  })

  it('asks no more what its user may not, and of foreign keys only their names', async () => {
    const rights = ['~menu:*', '~~mr:*', '+@all', '-randomkey']
    const blind = await startGuardedRedis(rights)
    const store = await open(blind.url)
    expect(await store.looks.sample(10, isOurs)).toBeUndefined()
    await blind.admin.call('ACL', 'LOG', 'RESET')
    expect(await store.looks.sample(10, isOurs)).toBeUndefined()
    await blind.note()
    expect([...blind.denied]).toEqual([])

    const guarded = await startGuardedRedis(['~menu:*', '~~mr:*', '+@all'])
    const other = await open(guarded.url)
    await guarded.admin.mset('menu:a', 'x'.repeat(1_000), 'other:b', '1')
    const drawnOf = async (): Promise<Map<string, number | undefined>> => {
      const { drawn = [] } = (await other.looks.sample(40, isOurs)) ?? {}
      return new Map(drawn.map(({ key, bytes }) => [key, bytes]))
    }
    const first = await drawnOf()
    expect([...first.keys()].sort()).toEqual(['menu:a', 'other:b'])
    expect(first.get('menu:a')).toBeGreaterThan(1_000)
    expect(first.get('other:b')).toBeUndefined()
    await guarded.admin.call('ACL', 'LOG', 'RESET')
    expect((await drawnOf()).get('menu:a')).toBeGreaterThan(1_000)
    expect(await guarded.admin.call('ACL', 'LOG')).toEqual([])
  })
})
