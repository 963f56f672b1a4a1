import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { exampleApp } from '../support/example-app.ts'
import { ask, login, probe } from '../support/http.ts'
import { type MotiaApp, startMotia } from '../support/motia-app.ts'
import { startTestRedis, type TestRedis } from '../support/redis-server.ts'
import { until as untilWithin } from '../support/until.ts'

/** Each step is a process of its own, and the machine may be busy: with looks that are steps, too, if they come too often. */
const until: typeof untilWithin = (what, look) => untilWithin(what, look, 60_000, 500)
const endings: (() => unknown)[] = []
afterAll(async () => {
  if (process.env.SHOW) console.log(app.output())
  for (const end of endings.reverse()) await end()
})

let dir: string
let app: MotiaApp
let session: string
let servers: { primary: TestRedis; secondary: TestRedis }
/** Every order that was accepted. */
const orders: string[] = []

beforeAll(async () => {
  // What they acknowledged survives a kill -9, as it may with a managed Redis; one test turns that off.
  const durable = { args: ['--appendonly', 'yes', '--appendfsync', 'always'] }
  const [primary, secondary] = await Promise.all([startTestRedis(durable), startTestRedis(durable)])
  servers = { primary, secondary }
  const copy = exampleApp({ fixtures: ['probe', 'outage'] }) // its journal lies in its own folder
  endings.push(copy.remove)
  dir = copy.dir
  app = await startMotia({ dir, env: { REDIS_PRIMARY_URL: primary.url, REDIS_SECONDARY_URL: secondary.url } })
  endings.push(app.stop)
  session = await login(app, 'bob')
  await placeOrder()
})

type Name = keyof typeof servers
type Route = Parameters<typeof ask>[1]

/** How often the app has said it. */
const said = (line: string): number => app.output().split(`motia-redis  ${line}`).length - 1

const placeOrder = async (as = session): Promise<string> => {
  const lines = [{ dish: 'pasta', quantity: 2 }]
  const { status, body } = await ask<{ orderId: string }>(app, 'POST /orders', { session: as, body: { lines } })
  expect({ status, body }).toMatchObject({ status: 202 })
  orders.push(body.orderId)
  return body.orderId
}

const confirmed = (id: string, as = session): Promise<unknown> =>
  until(`order ${id} is confirmed`, async () => {
    const { body } = await ask<{ status: string; totalCents: number }>(app, `GET /orders/${id}`, { session: as })
    if (body.status !== 'confirmed') return undefined
    expect(body.totalCents).toBe(2500)
    return true
  })

/** What members do, all at once. With one Redis away none of it fails. */
const visit = async (): Promise<void> => {
  const routes: [Route, body?: unknown][] = [
    ['GET /menu'],
    ['GET /users/ada'],
    ['GET /auth/session'],
    ['GET /notifications'],
    ['POST /auth/login', { user: 'ada', password: 'motia' }],
  ]
  const answers = await Promise.all([
    ...routes.map(async ([route, body]) => ({ route, ...(await ask(app, route, { session, body })) })),
    placeOrder(),
  ])
  for (const answer of answers) if (typeof answer !== 'string') expect(answer).toMatchObject({ status: 200 })
}

/** Reads end within 150 ms, writes within 300 ms; the rest is what a loaded machine adds. */
const inTime = 2_000

/** Every call there is, in one step: none fails, and none hangs. Counting may answer that it doesn't know. */
const everyCall = async (): Promise<void> => {
  const calls = [
    ...['cache', 'analytics'].flatMap((category) => {
      const of = { category }
      return [
        ['cache', 'get', 'k', of],
        ['cache', 'getMany', ['k', 'l'], of],
        ['cache', 'getEntry', 'k', of],
        ['cache', 'set', 'k', 1, of],
        ['cache', 'setMany', [['k', 1]], of],
        ['cache', 'has', 'k', of],
        ['cache', 'delete', 'k', of],
        ['cache', 'deleteMany', ['k'], of],
        ['cache', 'expire', 'k', of],
        ['cache', 'touch', 'k', of],
        ['cache', 'increment', 'n', of],
        ['cache', 'keys', of],
        ['cache', 'clear', of],
      ]
    }),
    ['state', 'get', 'g', 'k'],
    ['state', 'set', 'g', 'k', 1],
    ['state', 'delete', 'g', 'k'],
    ['state', 'getGroup', 'g'],
    ['state', 'clear', 'g'],
  ]
  interface End {
    took: number
    code?: string
    applied?: string
    message?: string
  }
  const ends = await app.json<End[]>('/every', { calls })
  expect(ends).toHaveLength(calls.length)
  for (const [i, { took, code, applied, message }] of ends.entries()) {
    const call = calls[i]
    const mayBeUnknown = call?.[1] === 'increment' && code === 'CACHE_TIMEOUT' && applied === 'unknown'
    const error = mayBeUnknown ? undefined : message
    expect({ call, error, late: took < inTime ? undefined : took }).toEqual({ call })
  }
}

/** A step that begins now and ends after `meanwhile`. */
const stepAround = async (id: string, meanwhile: () => Promise<void>): Promise<unknown> => {
  const answer = app.fetch(`/long/${id}`, { method: 'POST', signal: AbortSignal.timeout(5 * 60_000) })
  answer.catch(() => undefined) // heard of below, unless the test fails before
  await until('the step has begun', async () => {
    const { value } = await probe(app, 'cache', 'get', id, { category: 'cache' })
    return value === 'begun'
  })
  await meanwhile()
  writeFileSync(join(dir, `${id}.go`), '')
  const response = await answer
  return { status: response.status, body: await response.json() }
}

const failing = new Map<Name, 'crash' | 'freeze'>()

const fail = async (name: Name, how: 'crash' | 'freeze'): Promise<void> => {
  const before = said(`${name}  DOWN`)
  failing.set(name, how)
  await servers[name][how]()
  await until(`${name} is missed`, () => said(`${name}  DOWN`) > before)
}

const heal = async (name: Name, args?: readonly string[]): Promise<void> => {
  const before = said(`${name}  up again`)
  if (failing.get(name) === 'freeze') servers[name].thaw()
  else await servers[name].restart(args)
  failing.delete(name)
  await until(`${name} is up again`, () => said(`${name}  up again`) > before)
}

// What a test that failed leaves behind isn't the next one's.
afterEach(async () => {
  for (const name of failing.keys()) await heal(name)
})

it('answers while both instances are up', async () => {
  await visit()
  await everyCall()
})

describe.each(['primary', 'secondary'] as const)('the %s', (name) => {
  it.each(['crash', 'freeze'] as const)('%s, meanwhile and return', async (how) => {
    const during = stepAround(`${name}-${how}`, async () => {
      const missed = fail(name, how)
      await visit() // while nobody knows yet
      await missed
      await visit()
      await everyCall()
    })
    // Begun with the instance up, it ends without.
    const begun = { by: 'long' }
    expect(await during).toMatchObject({ status: 200, body: { begun, ended: true } })

    const back = stepAround(`${name}-${how}-back`, () => heal(name))
    await visit() // while it is brought up to date
    // Begun without the instance, it ends with it.
    expect(await back).toMatchObject({ status: 200, body: { begun, ended: true } })
    await visit()
    await everyCall()
    for (const id of orders.slice(-4)) await confirmed(id)
  })
})

describe('both', () => {
  it.each(['crash', 'freeze'] as const)('%s, meanwhile and return', async (how) => {
    const names: Name[] = ['primary', 'secondary']
    const before = await placeOrder()
    const outcome = await stepAround(`both-${how}`, async () => {
      await Promise.all(names.map((name) => fail(name, how)))
      // Cached data is computed or loaded anew, and what is begun now goes on from the journal.
      expect((await ask(app, 'GET /menu')).status).toBe(200)
      expect((await ask(app, 'GET /users/ada')).status).toBe(200)
      const anew = await login(app, 'bob')
      expect((await ask(app, 'GET /auth/session', { session: anew })).status).toBe(200)
      const meanwhile = await placeOrder(anew)
      await confirmed(meanwhile, anew)
      // What was kept before is known, or it is said that it can't be: never that there is none.
      const old = await ask(app, 'GET /auth/session', { session })
      expect([200, 503]).toContain(old.status)

      await Promise.all(names.map((name) => heal(name)))
      await confirmed(meanwhile, anew)
    })
    expect(outcome).toMatchObject({ status: 200, body: { begun: { by: 'long' }, ended: true } })
    await visit()
    await confirmed(before)
  })
})

it('the primary comes back empty: sessions, state and orders are there again', async () => {
  const id = await placeOrder()
  await confirmed(id)
  await probe(app, 'state', 'set', 'before', 'k', 'kept')
  await fail('primary', 'crash')
  await heal('primary', ['--appendonly', 'no'])
  expect((await ask(app, 'GET /auth/session', { session })).status).toBe(200)
  expect(await probe(app, 'state', 'get', 'before', 'k')).toMatchObject({ value: 'kept' })
  await confirmed(id)
})

it('has lost no order', async () => {
  expect(orders.length).toBeGreaterThan(15)
  await Promise.all(orders.map((id) => confirmed(id)))
})

it('went through all of it without an unhandled rejection, and named no secret and no value', () => {
  expect(app.output()).not.toMatch(/unhandled|uncaught/i)
  expect(app.output()).not.toMatch(/redis:\/\/|ECONNREFUSED 127[^\n]*\n\s+at /)
})
