import fc from 'fast-check'
import type { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { lowestAt } from '../../../src/failover/versions/clock.ts'
import { type EntryAt, entryCalls } from '../../../src/failover/versions/entry-calls.ts'
import { clearMarker, keyMarker, tagMarker } from '../../../src/failover/versions/markers.ts'
import { MARKER_LIFE } from '../../../src/failover/versions/merge.ts'
import { layoutOf } from '../../../src/instances/layout.ts'
import { throughIndex } from '../../../src/instances/tagged.ts'
import { startTestRedis, type TestRedis } from '../../support/redis-server.ts'
import {
  ceiling,
  createModel,
  entrySteps,
  lifeOf,
  openRedis,
  runCall,
  type Step,
  stillClock,
  tagsOf,
  versionOf,
} from './kept-model.ts'

let server: TestRedis
let redis: Redis
beforeAll(async () => {
  server = await startTestRedis()
  redis = openRedis(server.url)
})
afterAll(() => redis.disconnect())
beforeEach(() => redis.flushall())

const layout = layoutOf('app:')
const calls = entryCalls(layout, stillClock)
const at = (key: string): EntryAt => ({ category: 'orders', key, redisKey: `app:orders:${key}` })
const envelope = (version: string, text: string): string =>
  `{"ver":"${version}","value":"${text}","meta":{"t":${JSON.stringify(tagsOf(version))}}}`
const life = 60_000

/** What others leave at a key: no version, another shape, one from far ahead, another type of data, nothing at all. */
const writeForeign = async (key: string, kind: number): Promise<void> => {
  const texts = ['{"value":"f"}', envelope('A'.repeat(24), 'f'), envelope(versionOf(60_001), 'f'), '5', '']
  const text = texts[kind]
  await redis.del(at(key).redisKey)
  if (text === undefined) await redis.hset(at(key).redisKey, 'f', 'f')
  else await redis.set(at(key).redisKey, text)
}

const slotOf = async (key: string): Promise<unknown> => {
  const text = await redis.get(at(key).redisKey).catch(() => 'another type')
  if (text === null) return undefined
  const [, version] = /^\{"ver":"([0-9a-f]{24})","value":/.exec(text) ?? []
  return version === undefined || version > stillClock.horizon() ? 'foreign' : { version, text, tags: tagsOf(version) }
}

/** As it was given. */
const lifeIn = async (key: string): Promise<number> => {
  const left = await redis.pttl(at(key).redisKey)
  return Math.ceil(left / 600_000) * 600_000
}

describe('scripts on kept entries', () => {
  it('do exactly what the pure rule says, whatever comes in whatever order', async () => {
    await fc.assert(
      fc.asyncProperty(entrySteps, async (steps) => {
        await redis.flushall()
        const model = createModel()
        for (const step of steps) {
          await play(step, model)
          const markers = await redis.hgetall(layout.markers)
          expect(markers[clearMarker('orders')]).toBe(model.cleared())
          for (const key of model.names) {
            const { slot } = model.of(key)
            expect(await slotOf(key)).toEqual(typeof slot === 'object' ? { ...slot, endsAt: undefined } : slot)
            if (typeof slot === 'object') expect(await lifeIn(key)).toBe(lifeOf(slot))
            expect(markers[keyMarker('orders', key)]).toBe(model.of(key).deleted)
          }
        }
      }),
      { numRuns: 150 },
    )
  })

  const play = async (step: Step, model: ReturnType<typeof createModel>): Promise<void> => {
    if (step.do === 'foreign') {
      await writeForeign(step.key, step.kind)
      model.foreign(step.key)
      return
    }
    const { write } = step
    const { version } = write
    if (step.key === undefined) {
      if (write.kind === 'tag') await tag(write.tag, version, model)
      else if (write.kind === 'clear') await clear(version, step.do, model)
      return
    }
    if (write.kind === 'clear' || write.kind === 'tag') return
    const live = write.kind === 'value' ? { ...write, text: envelope(version, write.text) } : write
    const entry = at(step.key)
    const text = live.kind === 'value' ? { text: live.text, tags: live.tags, life: lifeOf(live) } : undefined
    if (step.do === 'put') {
      const before = model.of(step.key)
      const refused = model.put(step.key, live)
      if (text !== undefined) {
        const answer = await runCall(redis, calls.put(entry, version, text))
        expect('refused' in answer).toBe(refused)
        return
      }
      const answer = await runCall(redis, calls.putTombstone(entry, version))
      if ('refused' in answer) expect(refused && answer.refused > version).toBe(true)
      else expect(answer.done).toBe(!refused && before.slot !== undefined)
      return
    }
    const before = model.of(step.key)
    model.merge(step.key, live)
    const after = model.of(step.key)
    const answer = await runCall(
      redis,
      text === undefined ? calls.mergeTombstone(entry, version) : calls.merge(entry, version, text),
    )
    expect(answer === 'met-foreign').toBe(before.slot === 'foreign' && after.slot === undefined)
    if (text !== undefined) expect(answer === 'taken').toBe(after.slot !== before.slot && after.slot !== undefined)
  }

  const clear = async (version: string, how: 'put' | 'merge', model: ReturnType<typeof createModel>): Promise<void> => {
    const was = await runCall(redis, calls.mark([clearMarker('orders')], version))
    expect(was).toBe(model.cleared())
    if (was === undefined || was <= version) {
      await runCall(redis, calls.clearEntries(model.names.map(at), version, how === 'put'))
      if (how === 'put') model.putClear(version)
      else model.mergeAll({ kind: 'clear', version })
    }
  }

  const tag = async (name: string, version: string, model: ReturnType<typeof createModel>): Promise<void> => {
    await runCall(redis, calls.mark([tagMarker('orders', name)], version))
    const orders = { category: 'orders', prefix: at('').redisKey }
    await throughIndex((keys, cursor) =>
      runCall(redis, calls.invalidateTagged(orders, name, version, false, keys, cursor)),
    )
    model.mergeAll({ kind: 'tag', tag: name, version })
    expect(await redis.hget(layout.markers, tagMarker('orders', name))).toBe(model.tag(name))
  }

  it('an invalidation leaves alone what was written after its tags were looked at', async () => {
    await runCall(redis, calls.put(at('a'), versionOf(2), { text: envelope(versionOf(2), 'new'), life }))
    const gone = await runCall(redis, calls.invalidateEntries([{ ...at('a'), read: versionOf(1) }], versionOf(9)))
    expect(gone).toBe(0)
    expect(await redis.get(at('a').redisKey)).toContain('new')
  })

  it('a tag invalidated in another category keeps nothing out here', async () => {
    await runCall(redis, calls.mark([tagMarker('menu', 'red'), tagMarker('orders', 'blue')], versionOf(9)))
    const write = (tags: string[]) =>
      calls.put(at('a'), versionOf(1), { text: envelope(versionOf(1), 'x'), tags, life })
    expect(await runCall(redis, write(['red']))).toEqual({ done: undefined })
    expect(await runCall(redis, write(['blue']))).toEqual({ refused: versionOf(9) })
  })

  it('a life is what is left, and goes on as it is told', async () => {
    await runCall(redis, calls.merge(at('a'), versionOf(1), { text: envelope(versionOf(1), 'x'), life: 40_000.5 }))
    expect(await redis.pttl(at('a').redisKey)).toBeGreaterThan(30_000)
    expect(await redis.ttl(layout.markers)).toBe(-2)
    await runCall(redis, calls.putTombstone(at('a'), versionOf(2)))
    expect(await redis.ttl(layout.markers)).toBe(-1)
  })

  it('out of memory: values are refused whole, everything that removes still works', async () => {
    const put = (key: string, n: number) =>
      runCall(redis, calls.put(at(key), versionOf(n), { text: envelope(versionOf(n), 'x'), life }))
    for (const key of ['a', 'b', 'c', 'd']) await put(key, 1)
    await redis.set('foreign', '{"value":1}')
    await redis.config('SET', 'maxmemory', '1mb')
    try {
      await expect(put('a', 2)).rejects.toThrow(/OOM/)
      const merge = calls.merge(at('new'), versionOf(1), { text: envelope(versionOf(1), 'x'), life })
      await expect(runCall(redis, merge)).rejects.toThrow(/OOM/)
      expect(await runCall(redis, calls.putTombstone(at('a'), versionOf(2)))).toEqual({ done: true })
      expect(await runCall(redis, calls.putTombstone(at('absent'), versionOf(2)))).toEqual({ done: false })
      expect(await runCall(redis, calls.mergeTombstone(at('b'), versionOf(2)))).toBe('taken')
      expect(await runCall(redis, calls.mergeTombstone(at('absent too'), versionOf(2)))).toBe('taken')
      expect(await runCall(redis, calls.mark([tagMarker('orders', 'red')], versionOf(2)))).toBe(undefined)
      const tagged = calls.merge(at('e'), versionOf(1), { text: envelope(versionOf(1), 'x'), tags: ['red'], life })
      expect(await runCall(redis, tagged)).toBe('dropped')
      expect(await runCall(redis, calls.invalidateEntries([{ ...at('c'), read: versionOf(1) }], versionOf(2)))).toBe(1)
      expect(await runCall(redis, calls.mark([clearMarker('orders')], versionOf(3)))).toBe(undefined)
      expect(await runCall(redis, calls.clearEntries([at('d')], versionOf(3), false))).toBe(1)
      const foreign = { ...at('f'), redisKey: 'foreign' }
      const over = calls.merge(foreign, versionOf(4), { text: envelope(versionOf(4), 'x'), life })
      expect(await runCall(redis, over)).toBe('met-foreign')
    } finally {
      await redis.config('SET', 'maxmemory', '0')
    }
    expect(await redis.hget(layout.markers, keyMarker('orders', 'absent'))).toBe(versionOf(2))
    expect(await redis.hget(layout.markers, keyMarker('orders', 'f'))).toBe(ceiling)
  })

  it('markers are swept when they have ended, not before', async () => {
    const now = Date.now()
    const old = lowestAt(now - MARKER_LIFE - 3_600_000)
    for (let i = 0; i < 1_200; i++) await redis.hset(layout.markers, keyMarker('orders', `old${i}`), old)
    const young = [keyMarker('orders', 'young'), clearMarker('orders'), tagMarker('orders', 'red')]
    for (const field of young) await redis.hset(layout.markers, field, lowestAt(now - MARKER_LIFE + 1))
    let cursor: string | undefined
    let pages = 0
    do {
      cursor = await runCall(redis, calls.sweep(cursor, now))
      pages++
    } while (cursor !== undefined)
    expect(pages).toBeGreaterThan(1)
    expect((await redis.hkeys(layout.markers)).toSorted()).toEqual(young.toSorted())
  })
})
