import fc from 'fast-check'
import type { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { lowestAt, type Version } from '../../../src/failover/versions/clock.ts'
import { groupCalls } from '../../../src/failover/versions/group-calls.ts'
import { highest, MARKER_LIFE } from '../../../src/failover/versions/merge.ts'
import { layoutOf } from '../../../src/instances/layout.ts'
import { startTestRedis, type TestRedis } from '../../support/redis-server.ts'
import { ceiling, createModel, groupSteps, openRedis, runCall, type Step, stillClock, versionOf } from './kept-model.ts'

let server: TestRedis
let redis: Redis
beforeAll(async () => {
  server = await startTestRedis()
  redis = openRedis(server.url)
})
afterAll(() => redis.disconnect())
beforeEach(() => redis.flushall())

const layout = layoutOf('app:')
const calls = groupCalls(layout, stillClock)
const group = 'flow:1'
const maxItems = 100
type Model = ReturnType<typeof createModel>

const mergeClear = async (version: Version): Promise<number> => {
  let cursor: string | undefined
  let pages = 0
  do {
    cursor = await runCall(redis, calls.mergeClear(group, version, cursor))
    pages++
  } while (cursor !== undefined)
  return pages
}

describe('scripts on groups', () => {
  it('do exactly what the pure rule says, whatever comes in whatever order', async () => {
    await fc.assert(
      fc.asyncProperty(groupSteps, async (steps) => {
        await redis.flushall()
        const model = createModel()
        for (const step of steps) {
          await play(step, model)
          await compare(model)
        }
      }),
      { numRuns: 150 },
    )
  })

  const compare = async (model: Model): Promise<void> => {
    const items = await redis.hgetall(layout.group(group))
    const side = await redis.hgetall(layout.side(group))
    expect(side['*']).toBe(model.cleared())
    for (const field of model.names) {
      const { slot, deleted, cleared } = model.of(field)
      const text = items[field]
      expect(text).toBe(slot === undefined ? undefined : slot === 'foreign' ? 'f' : slot.text)
      if (slot === 'foreign') continue
      if (slot !== undefined) expect(side[`:${field}`]).toBe(slot.version)
      expect(highest(side[`:${field}`], side['*'])).toBe(highest(deleted, cleared, slot?.version))
    }
    const { '^': top, ...versions } = side
    for (const version of Object.values(versions)) expect(top !== undefined && top >= version).toBe(true)
    expect(await redis.zrange(layout.groupIndex, '0', '-1')).toEqual(Object.keys(items).length === 0 ? [] : [group])
    expect(await redis.zrange(layout.sideIndex, '0', '-1')).toEqual(top === undefined ? [] : [group])
  }

  const play = async (step: Step, model: Model): Promise<void> => {
    if (step.do === 'foreign') {
      // Where a version is known, nobody can tell that a text isn't the one it was given to.
      if (await redis.hexists(layout.side(group), `:${step.key}`)) return
      await redis.hset(layout.group(group), step.key, 'f')
      await redis.zadd(layout.groupIndex, 0, group)
      model.foreign(step.key)
      return
    }
    const { write } = step
    const { version } = write
    if (step.key === undefined) {
      if (write.kind === 'clear') await clear(version, step.do, model)
      return
    }
    if (write.kind === 'clear' || write.kind === 'tag') return
    const live = write.kind === 'value' ? { ...write, tags: [] } : write
    const before = model.of(step.key)
    if (step.do === 'put') {
      const refused = model.put(step.key, live)
      if (live.kind === 'value') {
        const text = { text: live.text, life: 60_000, maxItems }
        const answer = await runCall(redis, calls.put(group, step.key, version, text))
        expect('refused' in answer).toBe(refused)
        if ('refused' in answer) expect(answer.refused >= version).toBe(true)
        return
      }
      const answer = await runCall(redis, calls.putTombstone(group, step.key, version))
      if ('refused' in answer) expect(refused && answer.refused > version).toBe(true)
      else expect(answer.done).toBe(textOf(before.slot))
      expect('refused' in answer).toBe(refused)
      return
    }
    model.merge(step.key, live)
    const after = model.of(step.key)
    const answer = await runCall(
      redis,
      live.kind === 'value'
        ? calls.merge(group, step.key, version, { text: live.text, life: 60_000 })
        : calls.mergeTombstone(group, step.key, version),
    )
    expect(answer === 'met-foreign').toBe(before.slot === 'foreign' && after.slot === undefined)
    if (live.kind === 'value') expect(answer === 'taken').toBe(after.slot !== before.slot && after.slot !== undefined)
  }

  const textOf = (slot: ReturnType<Model['of']>['slot']): string | undefined => (slot === 'foreign' ? 'f' : slot?.text)

  const clear = async (version: Version, how: 'put' | 'merge', model: Model): Promise<void> => {
    if (how === 'merge') {
      await mergeClear(version)
      model.mergeAll({ kind: 'clear', version })
      return
    }
    const answer = await runCall(redis, calls.putClear(group, version))
    const top = model.top()
    expect('refused' in answer).toBe(top !== undefined && top > version)
    if ('done' in answer) model.putClear(version)
  }

  it('what a group knew of versions outlives its end, so that an older value cannot come back', async () => {
    await runCall(redis, calls.put(group, 'a', versionOf(5), { text: '1', life: 60_000, maxItems }))
    await redis.pexpire(layout.group(group), 1)
    while ((await redis.exists(layout.group(group))) === 1);
    const late = calls.merge(group, 'a', versionOf(4), { text: '0', life: 60_000 })
    expect(await runCall(redis, late)).toBe('dropped')
  })

  it("a put sets the group's life anew, a merge only ever lengthens it", async () => {
    const pttl = (): Promise<number> => redis.pttl(layout.group(group))
    const merge = (n: number, life: number | false) =>
      runCall(redis, calls.merge(group, 'a', versionOf(n), { text: `${n}`, life }))
    await merge(1, 50_000)
    expect(await pttl()).toBeGreaterThan(40_000)
    await merge(2, 20_000)
    expect(await pttl()).toBeGreaterThan(40_000)
    await merge(3, 90_000)
    expect(await pttl()).toBeGreaterThan(80_000)
    await runCall(redis, calls.put(group, 'a', versionOf(4), { text: '4', life: 10_000, maxItems }))
    expect(await pttl()).toBeLessThanOrEqual(10_000)
    await merge(5, false)
    expect(await pttl()).toBe(-1)
    await merge(6, 10_000)
    expect(await pttl()).toBe(-1)
    expect(await redis.ttl(layout.side(group))).toBe(-1)
  })

  it('a put that would be one too many is refused and leaves nothing', async () => {
    const put = (field: string) => calls.put(group, field, versionOf(1), { text: 'x', life: false, maxItems: 2 })
    await runCall(redis, put('a'))
    await runCall(redis, put('b'))
    await expect(runCall(redis, put('c'))).rejects.toThrow(/TOOLARGE/)
    expect(await redis.hexists(layout.side(group), ':c')).toBe(0)
    expect(await runCall(redis, put('b'))).toEqual({ done: undefined })
  })

  it('a late clear of a large group goes page by page, and leaves what is newer', async () => {
    const fill = redis.pipeline()
    for (let i = 0; i < 3_000; i++) {
      fill.hset(layout.group(group), `f${i}`, 'x')
      fill.hset(layout.side(group), `:f${i}`, versionOf(i % 2 === 0 ? 1 : 5))
    }
    fill.hset(layout.side(group), '^', versionOf(5))
    await fill.exec()
    expect(await mergeClear(versionOf(3))).toBeGreaterThan(1)
    const left = await redis.hkeys(layout.group(group))
    expect(left).toHaveLength(1_500)
    expect(left.every((field) => Number(field.slice(1)) % 2 === 1)).toBe(true)
    await mergeClear(versionOf(6))
    expect(await redis.exists(layout.group(group))).toBe(0)
  })

  it('out of memory: values are refused whole, everything that removes still works', async () => {
    const put = (field: string, n: number) =>
      runCall(redis, calls.put(group, field, versionOf(n), { text: 'x', life: 60_000, maxItems }))
    await put('a', 1)
    await put('b', 1)
    await redis.hset(layout.group(group), 'foreign', 'f')
    await redis.config('SET', 'maxmemory', '1mb')
    try {
      await expect(put('a', 2)).rejects.toThrow(/OOM/)
      expect(await redis.hget(layout.side(group), ':a')).toBe(versionOf(1))
      expect(await runCall(redis, calls.putTombstone(group, 'a', versionOf(2)))).toEqual({ done: 'x' })
      expect(await runCall(redis, calls.putTombstone('another', 'absent', versionOf(2)))).toEqual({ done: undefined })
      expect(await runCall(redis, calls.mergeTombstone('a third', 'absent', versionOf(2)))).toBe('taken')
      const over = calls.merge(group, 'foreign', versionOf(3), { text: 'x', life: 60_000 })
      expect(await runCall(redis, over)).toBe('met-foreign')
      await mergeClear(versionOf(4))
      expect(await runCall(redis, calls.putClear('a fourth', versionOf(9)))).toEqual({ done: undefined })
    } finally {
      await redis.config('SET', 'maxmemory', '0')
    }
    expect(await redis.exists(layout.group(group))).toBe(0)
    expect(await redis.hget(layout.side(group), ':foreign')).toBe(ceiling)
    expect(await redis.hget(layout.side('a fourth'), '*')).toBe(versionOf(9))
  })

  it('a side hash is swept of what ended, and goes when nothing is left', async () => {
    const now = Date.now()
    const old = lowestAt(now - MARKER_LIFE - 3_600_000)
    const young = lowestAt(now - MARKER_LIFE)
    await redis.hset(layout.group(group), 'there', 'x')
    await redis.hset(layout.side(group), { ':there': old, ':gone': old, ':young': young, '*': old, '^': young })
    await redis.hset(layout.side('ended'), { ':gone': old, '^': old })
    for (const name of [group, 'ended']) await redis.zadd(layout.sideIndex, 0, name)
    expect(await runCall(redis, calls.sweep(group, undefined, now))).toBe(undefined)
    expect(await runCall(redis, calls.sweep('ended', undefined, now))).toBe(undefined)
    expect(await redis.hgetall(layout.side(group))).toEqual({ ':there': old, ':young': young, '^': young })
    expect(await redis.exists(layout.side('ended'))).toBe(0)
    expect(await redis.zrange(layout.sideIndex, '0', '-1')).toEqual([group])
  })
})
