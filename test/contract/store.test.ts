import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { createEmbeddedStore } from '../../src/embedded/embedded-store.ts'
import type { Store } from '../../src/instances/store.ts'
import { startTestRedis, type TestRedis } from '../support/redis-server.ts'
import { openRedisStore } from '../support/redis-store.ts'
import { leaseSuite } from './lease-suite.ts'
import { pageSuite } from './page-suite.ts'
import { closeSuite, storeSuite } from './store-suite.ts'
import { tagSuite } from './tag-suite.ts'

let redis: TestRedis
let plain: Store
let namespaced: Store
const dir = mkdtempSync(join(tmpdir(), 'motia-redis-contract-'))
const embedded = createEmbeddedStore({ name: 'embedded', dir, namespace: '' })

beforeAll(async () => {
  redis = await startTestRedis()
  // Deadlines are another test's matter: here a busy machine must not decide.
  const deadlines = { read: 10_000, write: 10_000 }
  plain = openRedisStore(redis.url, { deadlines })
  namespaced = openRedisStore(redis.url, { deadlines, namespace: 'app*[x]:' })
})
afterAll(async () => {
  await Promise.all([plain.close(), namespaced.close(), embedded.close()])
  rmSync(dir, { recursive: true, force: true })
})

storeSuite('Redis', () => plain)
storeSuite('Redis with a namespace', () => namespaced)
storeSuite('embedded', () => embedded)
pageSuite('Redis', () => plain)
pageSuite('Redis with a namespace', () => namespaced)
pageSuite('embedded', () => embedded)
leaseSuite('Redis', () => plain)
leaseSuite('Redis with a namespace', () => namespaced)
leaseSuite('embedded', () => embedded)
tagSuite('Redis', () => plain)
tagSuite('Redis with a namespace', () => namespaced)
tagSuite('embedded', () => embedded)
closeSuite('Redis', () => openRedisStore(redis.url))
closeSuite('embedded', () => createEmbeddedStore({ name: 'closing', dir, namespace: '' }))
