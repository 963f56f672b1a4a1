import { afterAll } from 'vitest'
import { openRedis, type TestRedis, type TestRedisOptions } from './redis-process.ts'

export type { TestRedis, TestRedisOptions }

/**
 * A Redis of one test file, gone after the file's last test. Call it inside a test file (top level, beforeAll or a
 * test): it cleans up in afterAll.
 */
export const startTestRedis = async (options: TestRedisOptions = {}): Promise<TestRedis> => {
  const redis = await openRedis(options)
  cleanUps.push(redis.remove)
  return redis
}

// Registered once, at import, because vitest refuses hooks inside a running test.
const cleanUps: (() => Promise<void>)[] = []
afterAll(async () => {
  await Promise.all(cleanUps.splice(0).map((cleanUp) => cleanUp()))
})
