import type { RedisUrl } from '../settings/redis-url.js'
import { createCaller } from './caller.js'
import { createConnection } from './connection.js'
import { createDeadlines } from './deadlines.js'
import { createEntries, type Lines } from './entries.js'
import { createGroups } from './groups.js'
import { createHealth } from './health.js'
import { createIdleConnection } from './idle-connection.js'
import { createLargeKeys } from './large.js'
import { layoutOf } from './layout.js'
import { askFacts } from './server-facts.js'
import type { Store, StoreHealth } from './store.js'

export interface RedisStoreOptions {
  /** The instance's name, as in errors and CLIENT LIST. */
  readonly name: string
  readonly url: RedisUrl
  /** Literal prefix of every key of ours, '' for none. Callers put it before entry keys themselves. */
  readonly namespace: string
  /** ms; undefined: the built-in rule. */
  readonly deadlines: { readonly read?: number | undefined; readonly write?: number | undefined }
  /** Names this process in CLIENT LIST. */
  readonly processId: string
  /** Hears once of each change between up and down, and of writability. */
  readonly onState?: (health: StoreHealth) => void
}

/** A Store that holds connections. */
export interface RedisStore extends Store {
  /** Opens the connection now instead of at the first call. Resolves when it is up, or when it is known not to be; never rejects. */
  connect(): Promise<void>
}

/** One Redis instance. Nothing is opened before `connect` or the first call; a server that goes away is waited for for ever. */
export const createRedisStore = (options: RedisStoreOptions): RedisStore => {
  const { name, url, processId } = options
  const deadlines = createDeadlines(options.deadlines)
  const health = createHealth(options.onState ?? (() => undefined))
  const caller = createCaller(name, deadlines, health)
  let maxBulk: number | undefined
  /** The ready check asks for INFO, and ioredis writes to the console each time that it is refused. */
  let hidden = false
  let learning: Promise<void> | undefined

  const data = createConnection({
    url,
    clientName: `motia-redis:${processId}:data`,
    reconnectLimit: () => deadlines.limit('read'),
    onReady: (redis, handshake) => {
      deadlines.guess(handshake)
      health.connected()
      learning = askFacts(redis).then((learned) => {
        maxBulk = learned.maxBulk
        hidden = learned.hidden
        if (hidden) redis.options.enableReadyCheck = false
        if (learned.trip !== undefined) deadlines.observe(learned.trip)
        health.learned(learned.facts)
      })
    },
    onAnswer: () => health.worked('read'),
    onDown: health.failed,
  })
  // The state of the instance is what the data connection knows of it.
  const nothing = (): void => undefined
  const large = createIdleConnection(data, (onDown) =>
    createConnection({
      url,
      clientName: `motia-redis:${processId}:large`,
      readyCheck: !hidden,
      reconnectLimit: () => deadlines.limit('read'),
      onReady: nothing,
      onAnswer: nothing,
      onDown,
    }),
  )

  const lines: Lines = { data, large, largeKeys: createLargeKeys() }
  const checkSize = (text: string): void => {
    if (maxBulk !== undefined && text.length * 3 > maxBulk && Buffer.byteLength(text) > maxBulk) {
      throw caller.refuse('too-large', 'the value is larger than this server accepts (proto-max-bulk-len)')
    }
  }

  return {
    name,
    ...createEntries(caller, lines, checkSize),
    ...createGroups(caller, lines, layoutOf(options.namespace), checkSize),
    health: () => health.snapshot(deadlines.median()),
    connect: () =>
      new Promise((resolve) =>
        data.wait(
          () => resolve(learning),
          () => resolve(),
        ),
      ),
    close: async () => {
      const limit = deadlines.limit('write')
      await Promise.all([data.close(limit), large.close(limit)])
    },
  }
}
