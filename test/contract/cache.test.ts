import { beforeAll } from 'vitest'
import { startTestRedis } from '../support/redis-server.ts'
import { type OpenCache, openCache } from './cache-over-redis.ts'
import { cacheSuite } from './cache-suite.ts'

let redis: OpenCache

beforeAll(async () => {
  redis = await openCache((await startTestRedis()).url)
})

cacheSuite('in the server process, over Redis', () => redis.cache)
