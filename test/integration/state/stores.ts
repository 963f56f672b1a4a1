import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEmbeddedStore } from '../../../src/embedded/embedded-store.ts'
import { createRedisStore } from '../../../src/instances/redis-store.ts'
import type { Store } from '../../../src/instances/store.ts'
import { Problem } from '../../../src/settings/problem.ts'
import { parseRedisUrl } from '../../../src/settings/redis-url.ts'
import { startManagedRedis } from '../../support/guarded-redis.ts'
import { patient } from '../../support/patience.ts'
import { startTestRedis } from '../../support/redis-server.ts'

export interface OpenStore {
  readonly store: Store
  close(): Promise<void>
}

/** A store over a running Redis. The caller closes it. */
export const openRedis = async (address: string): Promise<OpenStore> => {
  const url = parseRedisUrl(address)
  if (Problem.is(url)) throw new Error(`not a Redis URL: ${address}`)
  const store = createRedisStore({ name: 'primary', url, namespace: '', deadlines: patient, processId: 'test' })
  await store.connect()
  return { store, close: () => store.close() }
}

/** A store over files of its own, which go when it is closed. */
const openEmbedded = async (): Promise<OpenStore> => {
  const dir = mkdtempSync(join(tmpdir(), 'motia-redis-state-'))
  const store = createEmbeddedStore({ name: 'embedded', dir, namespace: '' })
  const close = async (): Promise<void> => {
    await store.close()
    rmSync(dir, { recursive: true, force: true })
  }
  return { store, close }
}

/** Every kind of store that state can lie in. */
export const storeKinds: readonly { readonly kind: string; open(): Promise<OpenStore> }[] = [
  { kind: 'Redis', open: async () => openRedis((await startTestRedis()).url) },
  { kind: 'a managed Redis', open: async () => openRedis((await startManagedRedis()).url) },
  { kind: 'the embedded store', open: openEmbedded },
]
