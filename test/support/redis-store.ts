import { createRedisStore, type RedisStore, type RedisStoreOptions } from '../../src/instances/redis-store.ts'
import type { StoreHealth } from '../../src/instances/store.ts'
import { parseRedisUrl } from '../../src/settings/redis-url.ts'
import { patient } from './patience.ts'

/** A store on a URL, with deadlines far above what it takes; a test states only what it is about. Close it yourself. */
export const openRedisStore = (url: string, options: Partial<Omit<RedisStoreOptions, 'url'>> = {}): RedisStore => {
  const parsed = parseRedisUrl(url)
  if ('problem' in parsed) throw new Error(parsed.problem)
  const usual = { name: 'primary', namespace: '', deadlines: patient, processId: 'test' }
  return createRedisStore({ ...usual, url: parsed, ...options })
}

/** For `onState`: hears only of changes of what an instance can serve, and of its pace, not of each state between. */
export const onServing = (heard: (health: StoreHealth) => void): ((health: StoreHealth) => void) => {
  let last = ''
  return (health) => {
    const { state, readable, writable, slow } = health
    const now = [state === 'catching-up', readable, writable, slow].join()
    if (now !== last) heard(health)
    last = now
  }
}
