import { Redis } from 'ioredis'
import { afterEach, describe, expect, it } from 'vitest'
import type { RedisStore } from '../../../src/instances/redis-store.ts'
import { startTestRedis } from '../../support/redis-server.ts'
import { openRedisStore } from '../../support/redis-store.ts'
import { expectNothingUnhandled } from '../../support/unhandled.ts'

expectNothingUnhandled()

const ends: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

const withUser = async (...rights: string[]): Promise<{ store: RedisStore; cli: Redis }> => {
  const redis = await startTestRedis()
  const cli = new Redis(redis.port)
  ends.push(async () => cli.disconnect())
  await cli.acl('SETUSER', 'app', 'on', '>pass', ...rights)
  const store = openRedisStore(`redis://app:pass@127.0.0.1:${redis.port}`)
  ends.push(() => store.close())
  return { store, cli }
}
const calls = async (cli: Redis, command: string): Promise<number> =>
  Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(await cli.info('commandstats'))?.[1] ?? 0)

describe('reads of one tick', () => {
  it('a forbidden key is refused, and the others answered', async () => {
    const { store, cli } = await withUser('~cache:*', '+@all')
    await cli.mset('cache:a', 'A', 'cache:b', 'B')
    await cli.hset('cache:h', 'f', 'v')
    for (let round = 0; round < 2; round++) {
      const [a, forbidden, absent, hash, b] = await Promise.allSettled(
        ['cache:a', 'menu:x', 'cache:none', 'cache:h', 'cache:b'].map((key) => store.read(key)),
      )
      expect([a, absent, hash, b]).toEqual(
        ['A', undefined, undefined, 'B'].map((value) => ({ status: 'fulfilled', value })),
      )
      expect(forbidden).toMatchObject({ status: 'rejected', reason: { kind: 'refused', applied: 'no' } })
    }
    // Where nothing is forbidden they still travel together.
    const before = await calls(cli, 'mget')
    expect(await Promise.all([store.read('cache:a'), store.read('cache:b')])).toEqual(['A', 'B'])
    expect(await calls(cli, 'mget')).toBe(before + 1)
    expect(store.health().state).toBe('up')
  })

  it('are sent one by one where only MGET is forbidden', async () => {
    const { store, cli } = await withUser('~*', '+@all', '-mget')
    await cli.mset('a', 'A', 'b', 'B')
    for (let round = 0; round < 3; round++) {
      expect(await Promise.all([store.read('a'), store.read('b')])).toEqual(['A', 'B'])
    }
    expect(await cli.info('commandstats')).toMatch(/cmdstat_mget:calls=0,.*rejected_calls=1,/)
  })
})
