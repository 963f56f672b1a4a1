import { createRedisStore, type RedisStore, type RedisStoreOptions } from '../../src/instances/redis-store.ts'
import { parseRedisUrl } from '../../src/settings/redis-url.ts'

/** A store on a URL; a test states only what it is about. Close it yourself. */
export const openRedisStore = (url: string, options: Partial<Omit<RedisStoreOptions, 'url'>> = {}): RedisStore => {
  const parsed = parseRedisUrl(url)
  if ('problem' in parsed) throw new Error(parsed.problem)
  return createRedisStore({ name: 'primary', url: parsed, namespace: '', deadlines: {}, processId: 'test', ...options })
}
