import { afterEach, expect, it } from 'vitest'
import { createCaller } from '../../../src/instances/caller.ts'
import { type Connection, createConnection } from '../../../src/instances/connection.ts'
import { createDeadlines } from '../../../src/instances/deadlines.ts'
import { createExpiry } from '../../../src/instances/expiry.ts'
import { createHealth } from '../../../src/instances/health.ts'
import { parseRedisUrl } from '../../../src/settings/redis-url.ts'
import { startTestRedis } from '../../support/redis-server.ts'
import { expectNothingUnhandled } from '../../support/unhandled.ts'

expectNothingUnhandled()

const nothing = (): void => undefined
let connection: Connection | undefined
afterEach(() => connection?.close(1_000))

it('a stall with many calls in flight does not lengthen the deadlines of the calls after it', async () => {
  const redis = await startTestRedis()
  const url = parseRedisUrl(redis.url)
  if ('problem' in url) throw new Error(url.problem)
  // Without the prober, which would give the stalled connection up.
  const deadlines = createDeadlines({})
  const expiry = createExpiry()
  const health = createHealth({
    ...{ name: 'test', onState: nothing, onChange: nothing, onWrote: nothing },
    latency: deadlines.median,
    deadline: () => 150,
  })
  const caller = createCaller('primary', deadlines, health, expiry)
  const line = createConnection({
    url,
    clientName: 'stalls',
    expiry,
    reconnectLimit: () => 1_000,
    onReady: nothing,
    onAnswer: nothing,
    onDown: nothing,
  })
  connection = line
  const ask = (): Promise<unknown> => caller.call(line, 'read', 10_000, (client) => client.get('a'))

  for (let i = 0; i < 20; i++) await ask()
  for (let stall = 0; stall < 3; stall++) {
    redis.freeze()
    const held = Array.from({ length: 80 }, ask)
    await new Promise((resolve) => setTimeout(resolve, 150))
    redis.thaw()
    await Promise.all(held)
  }
  expect(deadlines.limit('read')).toBe(150)
})
