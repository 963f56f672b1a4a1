import fc from 'fast-check'
import type { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createQuickPuts } from '../../../src/failover/kept/quick-puts.ts'
import { lowestAt, type Version } from '../../../src/failover/versions/clock.ts'
import { entryCalls } from '../../../src/failover/versions/entry-calls.ts'
import { quickPutScript } from '../../../src/failover/versions/entry-scripts.ts'
import { groupCalls } from '../../../src/failover/versions/group-calls.ts'
import { groupQuickPutScript } from '../../../src/failover/versions/group-scripts.ts'
import { keyMarker } from '../../../src/failover/versions/markers.ts'
import type { Instance } from '../../../src/instances/instance.ts'
import { layoutOf } from '../../../src/instances/layout.ts'
import { runScript } from '../../../src/instances/scripts.ts'
import { startTestRedis, type TestRedis } from '../../support/redis-server.ts'
import { openRedisStore } from '../../support/redis-store.ts'
import { openRedis, runCall, stillClock, versionOf } from './kept-model.ts'

let server: TestRedis
let redis: Redis
let instance: Instance
beforeAll(async () => {
  server = await startTestRedis()
  redis = openRedis(server.url)
  instance = openRedisStore(server.url)
})
afterAll(async () => {
  redis.disconnect()
  await instance.close()
})
beforeEach(() => redis.flushall())

const layout = layoutOf('app:')
const entries = entryCalls(layout, stillClock)
const groups = groupCalls(layout, stillClock)
const life = 60_000
/** Far enough apart that it doesn't matter when. */
const lifeOf = (n: number): number => life * (n % 3 === 0 ? 1 : 10)
const maxItems = 3
const envelope = (version: Version, value: string): string => `{"ver":"${version}","value":"${value}"}`
const at = (key: string) => ({ category: 'orders', key, redisKey: `app:orders:${key}` })

/** What may lie there: versions below and above, deleted, cleared, of others, from too far ahead. */
const before = fc.array(
  fc.record({
    do: fc.constantFrom('put', 'delete', 'clear', 'foreign', 'type', 'ahead'),
    key: fc.constantFrom('a', 'b', 'c', 'd'),
    n: fc.integer({ min: 1, max: 9 }),
  }),
  { maxLength: 6 },
)
const puts = fc.array(fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd'), n: fc.integer({ min: 1, max: 9 }) }), {
  minLength: 1,
  maxLength: 5,
})

const state = async (): Promise<Record<string, unknown>> => {
  const all: Record<string, unknown> = {}
  for (const key of (await redis.keys('*')).sort()) {
    const type = await redis.type(key)
    if (type === 'string') all[key] = await redis.get(key)
    else if (type === 'hash') all[key] = await redis.hgetall(key)
    else if (type === 'zset') all[key] = await redis.zrange(key, '0', '-1')
    all[`${key} has an end`] = (await redis.pttl(key)) > 0
  }
  return all
}

const restored = async (dumped: [string, Buffer, number][]): Promise<void> => {
  await redis.flushall()
  for (const [key, bytes, ttl] of dumped) await redis.restore(key, Math.max(0, ttl), bytes)
}
const dumped = async (): Promise<[string, Buffer, number][]> =>
  Promise.all(
    (await redis.keys('*')).map(
      async (key): Promise<[string, Buffer, number]> => [
        key,
        (await redis.dumpBuffer(key)) ?? Buffer.of(),
        await redis.pttl(key),
      ],
    ),
  )

/** As they are sent: each run at once, a field that comes again in the next one. */
const inRuns = (sent: readonly { readonly key: string; readonly n: number }[]) => {
  const runs: (typeof sent)[] = []
  for (const put of sent) {
    const last = runs.at(-1)
    if (last === undefined || last.some(({ key }) => key === put.key)) runs.push([put])
    else runs[runs.length - 1] = [...last, put]
  }
  let i = 0
  return {
    keys: runs.flatMap(() => [layout.group('g'), layout.side('g')]),
    args: runs.flatMap((run) => [run.length, ...run.flatMap(({ key, n }) => [key, String(i++), versionOf(n)])]),
  }
}

describe('quick puts', () => {
  let done = 0
  beforeEach(() => {
    done = 0
  })

  it('of entries: each does what the full one does, or nothing', async () => {
    await fc.assert(
      fc.asyncProperty(before, puts, async (steps, sent) => {
        await redis.flushall()
        for (const { do: what, key, n } of steps) {
          const version = versionOf(n)
          if (what === 'put')
            await runCall(redis, entries.put(at(key), version, { text: envelope(version, 'x'), life: lifeOf(n) }))
          else if (what === 'delete') await runCall(redis, entries.putTombstone(at(key), version))
          else if (what === 'clear') await runCall(redis, entries.mark(['c:orders'], version))
          else if (what === 'foreign') await redis.set(at(key).redisKey, n > 5 ? '{"value":"f"}' : '')
          else if (what === 'ahead') await redis.set(at(key).redisKey, envelope(versionOf(90_000), 'f'))
          else await redis.del(at(key).redisKey).then(() => redis.rpush(at(key).redisKey, 'f'))
        }
        const start = await dumped()
        const reply = await runScript(
          redis,
          quickPutScript('orders'),
          [layout.markers, ...sent.map(({ key }) => at(key).redisKey)],
          sent.flatMap(({ key, n }, i) => [envelope(versionOf(n), String(i)), lifeOf(n), keyMarker('orders', key)]),
        )
        const after = await state()
        const left = new Set(reply === 1 ? [] : (reply as number[]))
        await restored(start)
        for (const [i, { key, n }] of sent.entries()) {
          if (left.has(i + 1)) continue
          done++
          const text = { text: envelope(versionOf(n), String(i)), life: lifeOf(n) }
          expect(await runCall(redis, entries.put(at(key), versionOf(n), text))).toEqual({ done: undefined })
        }
        expect(after).toEqual(await state())
      }),
      { numRuns: 150 },
    )
    expect(done).toBeGreaterThan(30)
  })

  it('of groups: each does what the full one does, or nothing', async () => {
    await fc.assert(
      fc.asyncProperty(before, puts, fc.constantFrom(3, 9), async (steps, sent, maxItems) => {
        const script = groupQuickPutScript(layout.groupPrefix, { maxItems, ttl: life })
        await redis.flushall()
        for (const { do: what, key, n } of steps) {
          const version = versionOf(n)
          const [group, side] = [layout.group('g'), layout.side('g')]
          if (what === 'put') {
            await runCall(redis, groups.put('g', key, version, { text: 'x', life, maxItems: 9 })).catch(() => undefined)
          } else if (what === 'delete')
            await runCall(redis, groups.putTombstone('g', key, version)).catch(() => undefined)
          else if (what === 'clear') await runCall(redis, groups.putClear('g', version))
          else if (what === 'foreign') await redis.hset(group, key, 'f').catch(() => undefined)
          else if (what === 'ahead') await redis.hset(side, `:${key}`, versionOf(90_000))
          else if (n === 1) await redis.del(group).then(() => redis.rpush(group, 'f'))
        }
        const start = await dumped()
        const { keys, args } = inRuns(sent)
        const reply = await runScript(redis, script, [layout.groupIndex, ...keys], args)
        const after = await state()
        const left = new Set(reply === 1 ? [] : (reply as number[]))
        await restored(start)
        for (const [i, { key, n }] of sent.entries()) {
          if (left.has(i + 1)) continue
          done++
          const text = { text: String(i), life, maxItems }
          expect(await runCall(redis, groups.put('g', key, versionOf(n), text))).toEqual({ done: undefined })
        }
        const end = await state()
        // The full one gives a group its life each time, the quick one only where it makes the group.
        const ends = `${layout.group('g')} has an end`
        if (after[ends] !== undefined) expect({ ...after, [ends]: end[ends] }).toEqual(end)
        else expect(after).toEqual(end)
      }),
      { numRuns: 150 },
    )
    expect(done).toBeGreaterThan(30)
  })

  it('nearly all of them are quick', async () => {
    const script = quickPutScript('orders')
    const put = createQuickPuts(instance, layout.markers)
    const now = Date.now()
    const send = (i: number, timeout?: number) => {
      const text = envelope(lowestAt(now + i), String(i))
      const keys = [at(`k${i % 100}`).redisKey]
      return put({ script, keys, text, args: [text, life, keyMarker('orders', `k${i % 100}`)] }, timeout)
    }
    // With deadlines of their own too: each goes with those that have the same.
    const answers = await Promise.all(
      Array.from({ length: 300 }, (_, i) => send(i, i % 3 === 0 ? 200 + (i % 2) : undefined)),
    )
    expect(answers.filter(Boolean).length).toBeGreaterThan(150)
    await redis.config('RESETSTAT')
    expect(await Promise.all(Array.from({ length: 128 }, (_, i) => send(1_000 + i)))).toEqual(Array(128).fill(true))
    expect(await redis.info('commandstats')).toMatch(/cmdstat_evalsha:calls=2,/)
  })

  it('of one group, to different fields: one command for all of them', async () => {
    const script = groupQuickPutScript(layout.groupPrefix, { maxItems: 1_000, ttl: life })
    const put = createQuickPuts(instance, layout.groupIndex)
    const send = (group: string, field: string, n: number) =>
      put(
        {
          script,
          keys: [layout.group(group), layout.side(group)],
          text: 'x',
          args: [field, `${n}`, versionOf(n)],
          field,
        },
        undefined,
      )
    for (const group of ['g', 'h'])
      await runCall(redis, groups.put(group, 'first', versionOf(1), { text: 'x', life, maxItems }))
    await send('g', 'first', 2)
    await redis.config('RESETSTAT')
    const fields = Array.from({ length: 20 }, (_, i) => `f${i}`)
    expect(await Promise.all(fields.map((field, i) => send('g', field, i + 3)))).toEqual(fields.map(() => true))
    expect(await redis.info('commandstats')).toMatch(/cmdstat_evalsha:calls=1,/)
    expect(await redis.info('commandstats')).toMatch(/cmdstat_hset:calls=2,/)

    // The same field again, another group in between, one that comes too late, and one in a group that isn't there.
    const sent = [
      send('g', 'a', 40),
      send('g', 'b', 41),
      send('g', 'a', 42),
      send('h', 'a', 43),
      send('g', 'c', 44),
      send('g', 'f9', 1),
      send('new', 'a', 45),
      send('g', 'd', 46),
    ]
    expect(await Promise.all(sent)).toEqual([true, true, true, true, true, false, false, true])
    expect(await redis.hmget(layout.group('g'), 'a', 'b', 'c', 'd', 'f9')).toEqual(['42', '41', '44', '46', '12'])
    expect(await redis.hget(layout.group('h'), 'a')).toBe('43')
    expect(await redis.hmget(layout.side('g'), ':a', ':f9', '^')).toEqual([versionOf(42), versionOf(12), versionOf(46)])
  })

  it('out of memory: left to the full one, which says so', async () => {
    await runCall(redis, groups.put('g', 'first', versionOf(1), { text: 'x', life, maxItems }))
    const before = await state()
    await redis.config('SET', 'maxmemory', '1mb')
    try {
      const text = envelope(versionOf(1), 'x')
      const args = [text, life, keyMarker('orders', 'a')]
      expect(await runScript(redis, quickPutScript('orders'), [layout.markers, at('a').redisKey], args)).toEqual([1])
      const script = groupQuickPutScript(layout.groupPrefix, { maxItems: 9, ttl: life })
      const { keys, args: puts } = inRuns(['a', 'b', 'a'].map((key, i) => ({ key, n: i + 2 })))
      expect(await runScript(redis, script, [layout.groupIndex, ...keys], puts)).toEqual([1, 2, 3])
      expect(await state()).toEqual(before)
    } finally {
      await redis.config('SET', 'maxmemory', '0')
    }
  })
})
