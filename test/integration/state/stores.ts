import { createRedisStore } from '../../../src/instances/redis-store.ts'
import type { Store } from '../../../src/instances/store.ts'
import { Problem } from '../../../src/settings/problem.ts'
import { parseRedisUrl } from '../../../src/settings/redis-url.ts'
import { startTestRedis } from '../../support/redis-server.ts'

export interface OpenStore {
  readonly store: Store
  close(): Promise<void>
}

/** A store over a running Redis. The caller closes it. */
export const openRedis = async (address: string): Promise<OpenStore> => {
  const url = parseRedisUrl(address)
  if (Problem.is(url)) throw new Error(`not a Redis URL: ${address}`)
  const store = createRedisStore({ name: 'primary', url, namespace: '', deadlines: {}, processId: 'test' })
  await store.connect()
  return { store, close: () => store.close() }
}

/** Every kind of store that state can lie in. */
export const storeKinds: readonly { readonly kind: string; open(): Promise<OpenStore> }[] = [
  { kind: 'Redis', open: async () => openRedis((await startTestRedis()).url) },
]
