import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { exampleApp } from '../support/example-app.ts'
import { ask, login } from '../support/http.ts'
import { type MotiaApp, startMotia } from '../support/motia-app.ts'
import { patientEnv } from '../support/patience.ts'
import { startTestRedis, type TestRedis } from '../support/redis-server.ts'
import { until as untilWithin } from '../support/until.ts'

export type Name = 'primary' | 'secondary'
type How = 'crash' | 'freeze'
type Route = Parameters<typeof ask>[1]

/** `every`: a look that is a step is a process of its own, and the machine may be busy. */
const until = <T>(what: string, look: () => T | Promise<T>, every = 50) => untilWithin(what, look, 60_000, every)

/** Reads end within 150 ms, writes within 300 ms; the rest is what a loaded machine adds. */
const inTime = 2_000

export interface OutageScene {
  readonly app: MotiaApp
  /** Of a member who is logged in. */
  readonly session: string
  readonly placeOrder: (as?: string) => Promise<string>
  readonly confirmed: (order: string, as?: string) => Promise<unknown>
  /** The last orders that were accepted. */
  readonly lastOrders: () => readonly string[]
  /** What members do, all at once. With one Redis away none of it fails. */
  readonly visit: () => Promise<void>
  /** Every call there is, in one step: none fails, and none hangs. Counting may answer that it doesn't know. */
  readonly everyCall: () => Promise<void>
  /** A step that begins now and ends after `meanwhile`. */
  readonly stepAround: (id: string, meanwhile: () => Promise<void>) => Promise<unknown>
  /** Until the app has missed it. */
  readonly fail: (name: Name, how: How) => Promise<void>
  /** Until the app has it again. */
  readonly heal: (name: Name, args?: readonly string[]) => Promise<void>
}

/**
 * Tests of the example app on two instances that may fail; before them it is seen to answer, after them that nothing is
 * lost. Each file has an app of its own: Motia slows down with every step it traces, to a multiple after a hundred requests.
 */
export const describeOutages = (describeScenes: (scene: () => OutageScene) => void): void => {
  const endings: (() => unknown)[] = []
  afterAll(async () => {
    if (process.env.SHOW) console.log(app.output())
    for (const end of endings.reverse()) await end()
  })

  let dir: string
  let app: MotiaApp
  let session: string
  let servers: Record<Name, TestRedis>
  /** Every order that was accepted. */
  const orders: string[] = []

  beforeAll(async () => {
    // What they acknowledged survives a kill -9, as it may with a managed Redis; one test turns that off.
    const durable = { args: ['--appendonly', 'yes', '--appendfsync', 'always'] }
    const [primary, secondary] = await Promise.all([startTestRedis(durable), startTestRedis(durable)])
    servers = { primary, secondary }
    const flows = ['auth', 'menu', 'orders', 'users'] // what members see; counting is among every call
    const copy = exampleApp({ flows, fixtures: ['probe', 'outage'] }) // its journal lies in its own folder
    endings.push(copy.remove)
    dir = copy.dir
    // That calls end in the built-in time is for the fault matrix: here a Motia and its steps share the machine.
    const urls = { REDIS_PRIMARY_URL: primary.url, REDIS_SECONDARY_URL: secondary.url }
    app = await startMotia({ dir, env: { ...urls, ...patientEnv } })
    endings.push(app.stop)
    session = await login(app, 'bob')
    await placeOrder()
  })

  /** How often the app has said it. */
  const said = (line: string): number => app.output().split(`motia-redis  ${line}`).length - 1

  const placeOrder: OutageScene['placeOrder'] = async (as = session) => {
    const lines = [{ dish: 'pasta', quantity: 2 }]
    const { status, body } = await ask<{ orderId: string }>(app, 'POST /orders', { session: as, body: { lines } })
    expect({ status, body }).toMatchObject({ status: 202, body: { orderId: expect.any(String) } })
    orders.push(body.orderId)
    return body.orderId
  }

  const confirmed: OutageScene['confirmed'] = (id, as = session) =>
    until(
      `order ${id} is confirmed`,
      async () => {
        const { body } = await ask<{ status: string; totalCents: number }>(app, `GET /orders/${id}`, { session: as })
        if (body.status !== 'confirmed') return undefined
        expect(body.totalCents).toBe(2500)
        return true
      },
      500,
    )

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

  const everyCall = async (): Promise<void> => {
    const ends = await app.json<End[]>('/every', { calls })
    expect(ends).toHaveLength(calls.length)
    for (const [i, { took, code, applied, message }] of ends.entries()) {
      const call = calls[i]
      const mayBeUnknown = call?.[1] === 'increment' && code === 'CACHE_TIMEOUT' && applied === 'unknown'
      const error = mayBeUnknown ? undefined : message
      expect({ call, error, late: took < inTime ? undefined : took }).toEqual({ call })
    }
  }

  const stepAround: OutageScene['stepAround'] = async (id, meanwhile) => {
    const answer = app.fetch(`/long/${id}`, { method: 'POST', signal: AbortSignal.timeout(5 * 60_000) })
    answer.catch(() => undefined) // heard of below, unless the test fails before
    await until('the step has begun', () => existsSync(join(dir, `${id}.begun`)))
    await meanwhile()
    writeFileSync(join(dir, `${id}.go`), '')
    const response = await answer
    return { status: response.status, body: await response.json() }
  }

  const failing = new Map<Name, How>()

  const fail: OutageScene['fail'] = async (name, how) => {
    const before = said(`${name}  DOWN`)
    failing.set(name, how)
    await servers[name][how]()
    await until(`${name} is missed`, () => said(`${name}  DOWN`) > before)
  }

  const heal: OutageScene['heal'] = async (name, args) => {
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

  describeScenes(() => ({
    ...{ app, session, placeOrder, confirmed, visit, everyCall, stepAround, fail, heal },
    lastOrders: () => orders.slice(-4),
  }))

  it('has lost no order', async () => {
    expect(orders.length).toBeGreaterThan(4)
    await Promise.all(orders.map((id) => confirmed(id)))
  })

  it('went through all of it without an unhandled rejection, and named no secret and no value', () => {
    expect(app.output()).not.toMatch(/unhandled|uncaught/i)
    expect(app.output()).not.toMatch(/redis:\/\/|ECONNREFUSED 127[^\n]*\n\s+at /)
  })
}

/** What one instance does, once by crash and once by freeze. */
export const describeOneAway = (name: Name): void =>
  describeOutages((scene) => {
    describe(`the ${name}`, () => {
      it.each(['crash', 'freeze'] as const)('%s, meanwhile and return', async (how) => {
        const { visit, everyCall, stepAround, fail, heal, lastOrders, confirmed } = scene()
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
        for (const id of lastOrders()) await confirmed(id)
      })
    })
  })

type Call = readonly [on: 'cache' | 'state', call: string, ...args: unknown[]]
interface End {
  readonly took: number
  readonly code?: string
  readonly applied?: string
  readonly message?: string
}

const calls: readonly Call[] = [
  ...['cache', 'analytics'].flatMap((category): Call[] => {
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
