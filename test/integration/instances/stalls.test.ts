import { afterEach, expect, it } from 'vitest'
import type { RedisStore } from '../../../src/instances/redis-store.ts'
import { startTestRedis } from '../../support/redis-server.ts'
import { openRedisStore } from '../../support/redis-store.ts'
import { expectNothingUnhandled } from '../../support/unhandled.ts'

expectNothingUnhandled()

let store: RedisStore | undefined
afterEach(() => store?.close())

it('a stall with many calls in flight does not lengthen the deadlines of the calls after it', async () => {
  const redis = await startTestRedis()
  store = openRedisStore(redis.url)
  const { life } = store
  for (let i = 0; i < 20; i++) await life('a')
  redis.freeze()
  const held = Array.from({ length: 80 }, () => life('a', { timeout: 10_000 }))
  await new Promise((resolve) => setTimeout(resolve, 250))
  redis.thaw()
  await Promise.all(held)
  redis.freeze()
  await expect(life('a')).rejects.toThrow('no answer in 150 ms')
  redis.thaw()
})
