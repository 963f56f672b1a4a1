import { setTimeout } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { expect, it, onTestFinished } from 'vitest'
import { type Connection, createConnection } from '../../../src/instances/connection.ts'
import { createExpiry } from '../../../src/instances/expiry.ts'
import { ask } from '../../../src/instances/question.ts'
import { parseRedisUrl } from '../../../src/settings/redis-url.ts'
import { startTestRedis, type TestRedis } from '../../support/redis-server.ts'
import { expectNothingUnhandled } from '../../support/unhandled.ts'

expectNothingUnhandled()

const nothing = (): void => undefined
const connect = (redis: TestRedis): Promise<{ line: Connection; client: Redis }> => {
  const url = parseRedisUrl(redis.url)
  if ('problem' in url) throw new Error(url.problem)
  const line = createConnection({
    ...{ url, clientName: 'question', expiry: createExpiry(), reconnectLimit: () => 1_000 },
    ...{ onReady: nothing, onAnswer: nothing, onDown: nothing },
  })
  onTestFinished(() => line.close(1_000))
  return new Promise((resolve, reject) => {
    line.wait((client) => resolve({ line, client }), reject)
  })
}
const standStill = (ms: number): void => {
  for (const end = performance.now() + ms; performance.now() < end; );
}
const plan = { wait: 0, write: false, memory: false }

/** What is told of the time that one answer took; `meanwhile`: right after the question was sent. */
const tripOf = async ({ line, client }: Awaited<ReturnType<typeof connect>>, meanwhile: () => void) => {
  let trip = Number.NaN
  const question = ask(client, line, plan, 'nobody', (_, theirs) => {
    trip = theirs
  })
  await new Promise<void>((resolve) => process.nextTick(resolve))
  meanwhile()
  await question.done
  return trip
}

it('an answer that this process was not there to hear took no longer for that', async () => {
  const connected = await connect(await startTestRedis())
  for (const ms of [60, 200, 400]) {
    expect(await tripOf(connected, () => standStill(ms))).toBeLessThan(20 + ms / 10)
  }
  // Also where it is heard by and by.
  const trip = await tripOf(connected, () => {
    standStill(50)
    void setTimeout(1).then(() => standStill(100))
  })
  expect(trip).toBeLessThan(35)
})

it('one that the server held back took as long as it did', async () => {
  const redis = await startTestRedis()
  const connected = await connect(redis)
  const other = new Redis(redis.port)
  onTestFinished(() => other.disconnect())
  const begun = performance.now()
  await other.client('PAUSE', 1_000, 'ALL')
  const trip = await tripOf(connected, nothing)
  // A machine with too much to do keeps this process from running now and then.
  expect(trip).toBeGreaterThan(400)
  expect(trip).toBeLessThanOrEqual(performance.now() - begun)
  await other.client('PAUSE', 1_000, 'ALL')
  expect(await tripOf(connected, () => standStill(300))).toBeGreaterThan(200)
})
