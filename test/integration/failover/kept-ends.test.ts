import { afterEach, describe, expect, it } from 'vitest'
import { entryCalls } from '../../../src/failover/versions/entry-calls.ts'
import { versioned, versionOf } from '../../../src/failover/versions/entry-text.ts'
import { keyMarker } from '../../../src/failover/versions/markers.ts'
import { until } from '../../support/until.ts'
import { dump, envelope, type Ground, layout, name, openGround } from './kept-ground.ts'
import { openRedis, runCall } from './kept-model.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const open = async (): Promise<Ground & { readonly redis: readonly ReturnType<typeof openRedis>[] }> => {
  const ground = await openGround()
  const redis = [ground.a, ground.b].map(({ url }) => openRedis(url))
  closing.push(ground.close, async () => redis.forEach((each) => void each.disconnect()))
  return { ...ground, redis }
}

const lasting = (key: string, value: unknown, ms: number) => {
  const endsAt = Date.now() + ms
  return { ...name(key), text: envelope(value, endsAt), endsAt }
}
const marker = keyMarker('orders', 'k')
const keys = [name('k').redisKey, layout.mirror('primary') + name('k').redisKey]

describe('a kept value with a shorter life than the one before it', () => {
  /** The version of a write with a long life, and the places when the one with a short life after it has ended. */
  const ended = async () => {
    const ground = await open()
    const shelf = ground.shelf()
    await shelf.write([lasting('k', 'long', 600_000)])
    const long = versionOf((await ground.redis[0]?.get(keys[0] ?? '')) ?? '') ?? ''
    await shelf.write([lasting('k', 'short', 300)])
    await until('it has ended', async () => Object.keys(await dump(ground.a)).length === 0)
    await until('it has ended on the mirror', async () => Object.keys(await dump(ground.b)).length === 0)
    const calls = entryCalls(layout, ground.landscape.clock)
    const text = { text: versioned(envelope('long'), long), life: 500_000 }
    const at = (i: number) => ({ category: 'orders', key: 'k', redisKey: keys[i] ?? '' })
    return {
      ...ground,
      shelf,
      long,
      late: () => Promise.all(ground.redis.map((redis, i) => runCall(redis, calls.merge(at(i), long, text)))),
      zombie: () => Promise.all(ground.redis.map((redis, i) => runCall(redis, calls.put(at(i), long, text)))),
    }
  }

  it('keeps that one out after its own end, at both places, whoever brings it once more', async () => {
    const { shelf, long, late, zombie } = await ended()
    expect(await late()).toEqual(['dropped', 'dropped'])
    for (const answer of await zombie()) expect('refused' in answer && answer.refused > long).toBe(true)
    expect(await shelf.read(name('k'))).toBe(undefined)
    await shelf.write([lasting('k', 'later', 600_000)])
    expect(await shelf.read(name('k'))).toContain('later')
  })

  it('control: without what it left there, the earlier one is back', async () => {
    const { redis, shelf, late } = await ended()
    await Promise.all(redis.map((each) => each.hdel(layout.markers, marker)))
    expect(await late()).toEqual(['taken', 'taken'])
    expect(await shelf.read(name('k'))).toContain('long')
  })

  it('and without an end at all', async () => {
    const ground = await open()
    const [home] = ground.redis
    const version = ground.landscape.clock.next()
    await home?.set(keys[0] ?? '', versioned(envelope('for ever'), version))
    await ground.shelf().write([lasting('k', 'short', 60_000)])
    expect(await home?.hget(layout.markers, marker)).toMatch(/^[0-9a-f]{24}$/)
  })

  it('that a swap gave it, too, wherever that was decided', async () => {
    const ground = await open()
    const shelf = ground.shelf()
    await shelf.write([lasting('k', 'long', 600_000)])
    const { text, endsAt } = lasting('k', 'short', 60_000)
    const found = (await shelf.read(name('k'))) ?? ''
    expect(await shelf.swap(name('k'), 'another', { text, endsAt })).toBe(false)
    expect(await shelf.swap(name('k'), found, { text, endsAt })).toBe(true)
    for (const redis of ground.redis) expect(await redis.hget(layout.markers, marker)).toMatch(/^[0-9a-f]{24}$/)
    expect(await dump(ground.a)).toEqual(await dump(ground.b))
  })

  it('costs nothing where lives are alike, also for writes that took their time', async () => {
    const ground = await open()
    const shelf = ground.shelf()
    for (let i = 0; i < 100; i++) {
      await Promise.all([shelf.write([lasting('k', i, 60_000)]), shelf.write([lasting('k', i, 59_950)])])
    }
    for (const redis of ground.redis) {
      expect(await redis.exists(layout.markers)).toBe(0)
      expect(await redis.info('commandstats')).not.toMatch(/cmdstat_hset/)
    }
  })
})
