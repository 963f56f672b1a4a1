import { afterAll, beforeAll, expect, it } from 'vitest'
import { exampleApp } from '../support/example-app.ts'
import { ask, login, probe } from '../support/http.ts'
import { type MotiaApp, startMotia } from '../support/motia-app.ts'
import { startTestRedis, type TestRedis } from '../support/redis-server.ts'
import { until } from '../support/until.ts'

const endings: (() => unknown)[] = []
afterAll(async () => {
  for (const end of endings.reverse()) await end()
})

let app: MotiaApp
let primary: TestRedis
let secondary: TestRedis

beforeAll(async () => {
  ;[primary, secondary] = await Promise.all([startTestRedis(), startTestRedis()])
  const copy = exampleApp({ fixtures: ['probe'] })
  endings.push(copy.remove)
  app = await startMotia({
    dir: copy.dir,
    env: { REDIS_PRIMARY_URL: primary.url, REDIS_SECONDARY_URL: secondary.url },
  })
  endings.push(app.stop)
})

/** Reads end within 150 ms, writes within 300 ms; the rest is what a loaded machine adds. */
const inTime = 2_000
const away = /^CACHE_(UNAVAILABLE|TIMEOUT)$/
const stateAway = /^STATE_(UNAVAILABLE|TIMEOUT)$/
const ml = { category: 'ml' }

const calls: [call: string, ...args: unknown[]][] = [
  ['get', 'k', ml],
  ['getMany', ['k', 'l'], ml],
  ['getEntry', 'k', ml],
  ['set', 'k', 1, ml],
  ['setMany', [['k', 1]], ml],
  ['has', 'k', ml],
  ['delete', 'k', ml],
  ['deleteMany', ['k'], ml],
  ['expire', 'k', ml],
  ['touch', 'k', ml],
  ['increment', 'n', ml],
  ['keys', ml],
  ['clear', ml],
]

const stateCalls: [call: string, ...args: unknown[]][] = [
  ['get', 'g', 'k'],
  ['set', 'g', 'k', 1],
  ['delete', 'g', 'k'],
  ['getGroup', 'g'],
  ['clear', 'g'],
]

/** All calls at once: each ends in time, with an error a step can recognise. */
const expectAway = async (on: 'cache' | 'state', list: typeof calls): Promise<void> => {
  const ends = await Promise.all(
    list.map(async ([call, ...args]) => ({ call, ...(await probe(app, on, call, ...args)) })),
  )
  for (const { call, code, took } of ends) {
    expect({ call, code }).toEqual({ call, code: expect.stringMatching(on === 'cache' ? away : stateAway) })
    expect(took).toBeLessThan(inTime)
  }
}

const up = (on: 'cache' | 'state', call: string, ...args: unknown[]) =>
  until(`${on}.${call} works again`, async () => (await probe(app, on, call, ...args)).code === undefined, 30_000)

it('answers while both instances are up', async () => {
  expect(await probe(app, 'cache', 'set', 'k', { n: 1 }, ml)).toMatchObject({ value: null })
  expect(await probe(app, 'cache', 'get', 'k', ml)).toMatchObject({ value: { n: 1 } })
  expect(await probe(app, 'state', 'set', 'g', 'k', 1)).toMatchObject({ value: 1 })
})

it('ends every call on a crashed secondary in time; the primary and its flows go on', async () => {
  await secondary.crash()
  await expectAway('cache', calls)
  expect(await ask(app, 'GET /menu')).toMatchObject({ status: 503, body: { error: expect.stringMatching(away) } })
  expect(await ask(app, 'GET /users/ada')).toMatchObject({ status: 503, body: { error: expect.stringMatching(away) } })

  const session = await login(app, 'ada')
  expect((await ask(app, 'GET /auth/session', { session })).status).toBe(200)
  expect(await probe(app, 'state', 'get', 'g', 'k')).toMatchObject({ value: 1 })
})

it('serves again, with nothing restarted, once the secondary is back', async () => {
  await secondary.restart()
  await up('cache', 'get', 'k', ml)
  expect((await ask(app, 'GET /menu')).status).toBe(200)
  expect((await ask(app, 'GET /users/ada')).status).toBe(200)
})

it('ends every call on a frozen secondary in time', async () => {
  secondary.freeze()
  try {
    await expectAway('cache', calls)
  } finally {
    secondary.thaw()
  }
  await up('cache', 'get', 'k', ml)
})

it('ends every state call on a crashed primary in time; the secondary goes on', async () => {
  await primary.crash()
  await expectAway('state', stateCalls)
  const login_ = await ask(app, 'POST /auth/login', { body: { user: 'ada', password: 'motia' } })
  expect(login_).toMatchObject({ status: 503, body: { error: expect.stringMatching(away) } })
  expect((await ask(app, 'GET /menu')).status).toBe(200)

  await primary.restart()
  await up('state', 'get', 'g', 'k')
  expect((await ask(app, 'POST /auth/login', { body: { user: 'ada', password: 'motia' } })).status).toBe(200)
})

it('went through all of it without an unhandled rejection, and named no secret and no value', () => {
  expect(app.output()).not.toMatch(/unhandled|uncaught/i)
  expect(app.output()).not.toMatch(/redis:\/\/|ECONNREFUSED 127[^\n]*\n\s+at /)
})
