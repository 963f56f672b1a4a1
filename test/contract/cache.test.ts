import { beforeAll } from 'vitest'
import { startTestRedis } from '../support/redis-server.ts'
import { cacheSuite } from './cache-suite.ts'
import { type OpenCache, openCache, openEmbeddedCache } from './open-cache.ts'

let redis: OpenCache
let embedded: OpenCache

beforeAll(async () => {
  redis = await openCache((await startTestRedis()).url)
  embedded = await openEmbeddedCache()
})

cacheSuite('in the server process, over Redis', () => redis.cache)
cacheSuite('in the server process, over the embedded store', () => embedded.cache)
