import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exampleApp } from '../support/example-app.ts'
import { ask, login } from '../support/http.ts'
import { type MotiaApp, startMotia } from '../support/motia-app.ts'
import { startTestRedis } from '../support/redis-server.ts'
import { until as untilWithin } from '../support/until.ts'

const minute = 60_000
/** Each event step is a process of its own, and the machine may be busy: with looks that are steps, too, if they come too often. */
const until: typeof untilWithin = (what, look) => untilWithin(what, look, minute, 200)
const hour = 60 * minute
const endings: (() => unknown)[] = []
afterAll(async () => {
  for (const end of endings.reverse()) await end()
})

const root = fileURLToPath(new URL('../..', import.meta.url))
let dir: string
let app: MotiaApp
let primary: Redis
let secondary: Redis

beforeAll(async () => {
  const servers = await Promise.all([startTestRedis(), startTestRedis()])
  ;[primary, secondary] = servers.map((server) => new Redis(server.url)) as [Redis, Redis]
  endings.push(
    () => primary.disconnect(),
    () => secondary.disconnect(),
  )
  const copy = exampleApp({
    edits: [{ file: 'steps/analytics/roll-up.step.ts', from: "'* * * * *'", to: "'*/5 * * * * *'" }],
  })
  endings.push(copy.remove)
  dir = copy.dir
  app = await startMotia({
    dir,
    env: { REDIS_PRIMARY_URL: servers[0].url, REDIS_SECONDARY_URL: servers[1].url },
    workbench: true, // whole, as its user has it
  })
  endings.push(app.stop)
})

interface Stored {
  value: unknown
  expires: number
  meta?: unknown
}

/** What lies at a key: the envelope and the life left, checked against the category's ttl. */
const stored = async (redis: Redis, key: string, ttl: number): Promise<Stored> => {
  const [text, life] = await Promise.all([redis.get(key), redis.pttl(key)])
  if (text === null) throw new Error(`nothing at ${key}; there is ${(await redis.keys('*')).join(' ')}`)
  const envelope = JSON.parse(text) as Stored
  expect(envelope.expires - Date.now()).toBeGreaterThan(ttl - minute)
  expect(envelope.expires - Date.now()).toBeLessThanOrEqual(ttl)
  expect(life).toBeGreaterThan(ttl - minute)
  return envelope
}

const onlyOn = async (redis: Redis, key: string): Promise<void> => {
  const other = redis === primary ? secondary : primary
  expect(await redis.exists(key)).toBe(1)
  expect(await other.exists(key)).toBe(0)
}

/** State is kept on two instances, so that one may be away. */
const onBoth = async (key: string): Promise<void> => {
  expect([await primary.exists(key), await secondary.exists(key)]).toEqual([1, 1])
}

describe('auth', () => {
  it('issues a session on the primary instance, and a step of another process sees its Date as a Date', async () => {
    const before = Date.now()
    const session = await login(app, 'ada')
    const key = `auth:${session}`
    expect((await stored(primary, key, 15 * minute)).value).toMatchObject({ userId: 'ada', role: 'admin' })
    await onlyOn(primary, key)
    await stored(secondary, `~mr:mirror:primary:${key}`, 15 * minute)
    const { body } = await ask<{ userId: string; issuedAt: number }>(app, 'GET /auth/session', { session })
    expect(body.userId).toBe('ada')
    expect(body.issuedAt).toBeGreaterThanOrEqual(before)
    expect(body.issuedAt).toBeLessThanOrEqual(Date.now())
  })

  it('keeps the workflow in state until logout, which deletes it and the session', async () => {
    const session = await login(app, 'bob')
    const { value } = await stored(primary, `auth:${session}`, 15 * minute)
    const group = `~mr:state:${(value as { trace: string }).trace}`
    const login_ = await until('the event step has noticed the login', async () => {
      const text = await primary.hget(group, 'login')
      return text?.includes('"noticed":true') && text
    })
    expect(login_).toContain('"userId":"bob"')
    expect(await primary.pttl(group)).toBeGreaterThan(6 * 24 * hour)
    await onBoth(group)

    expect(await ask(app, 'POST /auth/logout', { session })).toMatchObject({ status: 200, body: { goodbye: 'bob' } })
    expect(await primary.exists(`auth:${session}`, group)).toBe(0)
    expect(await secondary.exists(`~mr:mirror:primary:auth:${session}`, group)).toBe(0)
    expect((await ask(app, 'GET /auth/session', { session })).status).toBe(401)
    expect((await ask(app, 'POST /auth/logout', { session })).status).toBe(401)
  })

  it.each([
    ['a wrong password', { user: 'ada', password: 'guess' }, 401],
    ['an unknown user', { user: 'eve', password: 'motia' }, 401],
    ['no password', { user: 'ada' }, 400],
    ['no body', undefined, 400],
  ])('refuses %s', async (_what, body, status) => {
    expect((await ask(app, 'POST /auth/login', { body })).status).toBe(status)
  })

  it('refuses a session nobody has', async () => {
    expect((await ask(app, 'GET /auth/session', { session: 'a'.repeat(43) })).status).toBe(401)
    expect((await ask(app, 'GET /auth/session')).status).toBe(401)
  })
})

describe('users', () => {
  it('reads a profile through the loader and keeps it on the secondary instance', async () => {
    expect(await secondary.exists('user:ada')).toBe(0)
    const first = await ask(app, 'GET /users/ada')
    expect(first).toMatchObject({ status: 200, body: { name: 'Ada', memberSince: '2021-03-01T09:00:00.000Z' } })
    expect((await stored(secondary, 'user:ada', 30 * minute)).value).toMatchObject({ name: 'Ada' })
    await onlyOn(secondary, 'user:ada')
    expect((await ask(app, 'GET /users/ada')).body).toEqual(first.body)
  })

  it('signs a member up over two requests and an event; afterwards the profile is there and state is empty', async () => {
    expect((await ask(app, 'GET /users/grace-hopper')).status).toBe(404)
    const started = await ask<{ signUpId: string }>(app, 'POST /users/sign-up', { body: { name: 'Grace Hopper' } })
    expect(started.status).toBe(202)
    const { signUpId } = started.body
    await until('the name is checked', async () => {
      const { body } = await ask<{ step: string }>(app, `GET /users/sign-up/${signUpId}`)
      return body.step === 'choose password'
    })
    await onBoth(`~mr:state:${signUpId}`)

    const finish = { body: { password: 'correct horse' } }
    expect((await ask(app, `POST /users/sign-up/${signUpId}/password`, { body: { password: 'short' } })).status).toBe(
      400,
    )
    expect(await ask(app, `POST /users/sign-up/${signUpId}/password`, finish)).toMatchObject({ status: 201 })
    expect((await ask(app, `POST /users/sign-up/${signUpId}/password`, finish)).status).toBe(409)
    expect((await ask(app, `GET /users/sign-up/${signUpId}`)).status).toBe(404)
    expect((await ask(app, 'GET /users/grace-hopper')).body).toMatchObject({ name: 'Grace Hopper' })
    const session = await app.json<{ sessionId: string }>('/auth/login', {
      user: 'grace-hopper',
      password: 'correct horse',
    })
    expect(session.sessionId).toHaveLength(43)
  })

  it.each([
    ['a way out of the folder', '..%2F..%2Fpackage'],
    ['a name of 600 letters', 'a'.repeat(600)],
    ['a NUL', 'ada%00'],
    ['an emoji', '%F0%9F%98%80'],
  ])('knows nobody under %s', async (_what, id) => {
    expect((await ask(app, `GET /users/${id}`)).status).toBe(404)
  })

  it('gives a name to one of those who chose it at the same time, and nobody the password of another', async () => {
    const sign = async (): Promise<string> => {
      const { body } = await ask<{ signUpId: string }>(app, 'POST /users/sign-up', { body: { name: 'Alan Turing' } })
      await until('the name is checked', async () => {
        const progress = await ask<{ step: string }>(app, `GET /users/sign-up/${body.signUpId}`)
        return progress.body.step === 'choose password'
      })
      return body.signUpId
    }
    // All of them hear that the name is free; the last one comes back when it isn't any more.
    const ids = await Promise.all([sign(), sign(), sign()])
    const finish = async (id: string) => {
      const body = { password: `password of ${id}` }
      return { id, ...(await ask(app, `POST /users/sign-up/${id}/password`, { body })) }
    }
    const ends = await Promise.all(ids.slice(0, 2).map(finish))
    expect(ends.map(({ status }) => status).sort()).toEqual([201, 409])
    const late = await finish(ids[2] ?? '')
    expect([late.status, late.body]).toEqual([409, { error: 'name taken' }])
    expect((await ask(app, `GET /users/sign-up/${late.id}`)).body).toMatchObject({ step: 'name taken' })
    for (const { id, status } of [...ends, late]) {
      const body = { user: 'alan-turing', password: `password of ${id}` }
      expect((await ask(app, 'POST /auth/login', { body })).status).toBe(status === 201 ? 200 : 401)
    }
  })

  it('notices a taken name', async () => {
    const { body } = await ask<{ signUpId: string }>(app, 'POST /users/sign-up', { body: { name: 'Ada' } })
    await until('the name is checked', async () => {
      const progress = await ask<{ step: string }>(app, `GET /users/sign-up/${body.signUpId}`)
      return progress.body.step === 'name taken'
    })
  })
})

describe('menu', () => {
  interface Menu {
    from: string
    menu: { id: string; cents: number }[]
  }

  it('on paper is a whole answer from the cache, one per language', async () => {
    const print = (headers: Record<string, string> = {}) => app.fetch('/menu/print', { headers })
    const first = await print()
    expect([first.status, first.headers.get('x-cache'), await first.text()]).toEqual([
      200,
      'miss',
      expect.stringContaining('Tomato soup'),
    ])
    expect((await print()).headers.get('x-cache')).toBe('hit')
    expect(await (await print({ 'accept-language': 'de' })).text()).toMatch(/\d,\d\d/)
    const etag = String(first.headers.get('etag'))
    expect((await print({ 'if-none-match': etag })).status).toBe(304)
  })

  it('misses, then hits, and lies on the secondary instance', async () => {
    await secondary.del('menu:today')
    const first = await ask<Menu>(app, 'GET /menu')
    const second = await ask<Menu>(app, 'GET /menu')
    expect(first.body.from).toBe('kitchen')
    expect(second.body.from).toBe('cache')
    expect(second.body.menu).toEqual(first.body.menu)
    expect((await stored(secondary, 'menu:today', 6 * hour)).value).toEqual(first.body.menu)
    await onlyOn(secondary, 'menu:today')
  })

  it('shows a new price at once, which only an admin may set', async () => {
    const [ada, bob] = await Promise.all([login(app, 'ada'), login(app, 'bob')])
    const change = { body: { cents: 725 } }
    expect((await ask(app, 'PUT /menu/soup', change)).status).toBe(401)
    expect((await ask(app, 'PUT /menu/soup', { ...change, session: bob })).status).toBe(403)
    expect((await ask(app, 'PUT /menu/soup', { body: { cents: 0.5 }, session: ada })).status).toBe(400)
    expect((await ask(app, 'PUT /menu/stone', { ...change, session: ada })).status).toBe(404)
    expect((await ask(app, 'PUT /menu/soup', { ...change, session: ada })).status).toBe(200)
    const { body } = await ask<Menu>(app, 'GET /menu')
    expect(body.from).toBe('kitchen')
    expect(body.menu.find((dish) => dish.id === 'soup')?.cents).toBe(725)
  })

  it('is computed once for all who ask at the same time', async () => {
    await secondary.del('menu:today')
    const answers = await Promise.all(Array.from({ length: 6 }, () => ask<Menu>(app, 'GET /menu')))
    expect(answers.filter((answer) => answer.body.from === 'kitchen')).toHaveLength(1)
  })
})

describe('orders', () => {
  const place = async (session: string, dish = 'pasta'): Promise<string> => {
    const { status, body } = await ask<{ orderId: string }>(app, 'POST /orders', {
      session,
      body: { lines: [{ dish, quantity: 2 }] },
    })
    expect(status).toBe(202)
    return body.orderId
  }
  const confirmed = (session: string, orderId: string) =>
    until('the order is confirmed', async () => {
      const { body } = await ask<Confirmed>(app, `GET /orders/${orderId}`, { session })
      return body.status === 'confirmed' && body
    })
  interface Confirmed {
    status: string
    totalCents: number
    placedAt: string
  }
  /** Which text is whose order's the time tells. */
  const notified = (session: string, { placedAt }: Confirmed) =>
    until('the guest is notified', async () => {
      const { body } = await ask<{ text: string }[]>(app, 'GET /notifications', { session })
      return body.find(({ text }) => text.includes(placedAt))?.text
    })

  it('goes from state through a snapshot to a notification', async () => {
    const session = await login(app, 'bob')
    const orderId = await place(session)
    const order = await confirmed(session, orderId)
    expect(order).toMatchObject({ userId: 'bob', totalCents: 2500 })
    await stored(primary, `orders:order:${orderId}`, hour)
    await onlyOn(primary, `orders:order:${orderId}`)

    expect(await notified(session, order)).toMatch(/^Your order of \d{4}-.* is on its way: 25\.00 €$/)
    const keys = await primary.keys('notifications:*')
    expect(keys.every((key) => /^notifications:[a-z-]+:\d{1,2}$/.test(key))).toBe(true)
    for (const key of keys) await onlyOn(primary, key)
    expect(await primary.exists(`~mr:state:${orderId}`)).toBe(0)
  })

  it('loses no notification of orders at the same time, and keeps 20 of a member at most', async () => {
    const session = await login(app, 'ada')
    await primary.incrby('analytics:told:ada', 1_000)
    const ids = await Promise.all([place(session, 'tart'), place(session, 'tart')])
    await Promise.all(ids.map(async (id) => notified(session, await confirmed(session, id))))
    const keys = await primary.keys('notifications:ada:*')
    expect(keys.filter((key) => Number(key.split(':')[2]) >= 20)).toEqual([])
  })

  it('is readable by older code that names no category', async () => {
    const session = await login(app, 'bob')
    const orderId = await place(session, 'tart')
    await confirmed(session, orderId)
    expect(await ask(app, `GET /orders/${orderId}/receipt`, { session })).toMatchObject({
      status: 200,
      body: { total: 14, year: new Date().getFullYear() },
    })
  })

  it('works on after the menu was cleared, and shows nobody the orders of others', async () => {
    const [ada, bob] = await Promise.all([login(app, 'ada'), login(app, 'bob')])
    await ask(app, 'GET /menu')
    expect((await ask(app, 'DELETE /menu/cache', { session: bob })).status).toBe(403)
    expect((await ask(app, 'DELETE /menu/cache', { session: ada })).status).toBe(200)
    expect(await secondary.keys('menu:*')).toEqual([])
    expect(await secondary.exists('user:ada')).toBe(1)

    const orderId = await place(bob)
    await confirmed(bob, orderId)
    expect(await secondary.keys('menu:*')).toEqual(['menu:today'])
    expect((await ask(app, `GET /orders/${orderId}`, { session: ada })).status).toBe(404)
    expect((await ask(app, `GET /orders/${orderId}/receipt`, { session: ada })).status).toBe(404)
  })

  it('stops at a dish that is not on the menu', async () => {
    const session = await login(app, 'bob')
    const orderId = await place(session, 'stone')
    const refused = await until('the order is refused', async () => {
      const { body } = await ask<{ status: string; reason: string }>(app, `GET /orders/${orderId}`, { session })
      return body.status === 'refused' && body
    })
    expect(refused.reason).toBe('there is no stone today')
  })

  it.each([
    ['nobody', undefined, { lines: [{ dish: 'soup', quantity: 1 }] }, 401],
    ['no lines', 'bob', { lines: [] }, 400],
    ['half a soup', 'bob', { lines: [{ dish: 'soup', quantity: 0.5 }] }, 400],
  ] as const)('refuses an order of %s', async (_what, user, body, status) => {
    const session = user === undefined ? {} : { session: await login(app, user) }
    expect((await ask(app, 'POST /orders', { body, ...session })).status).toBe(status)
  })
})

describe('analytics', () => {
  it('counts on the primary instance, as a bare integer, without losing one', async () => {
    const visit = () => ask<{ visits: number }>(app, 'POST /analytics/visits', { body: { page: 'home' } })
    const answers = await Promise.all(Array.from({ length: 5 }, visit))
    expect(answers.map(({ body }) => body.visits).sort()).toEqual([1, 2, 3, 4, 5])
    expect(await primary.get('analytics:count:visits-home')).toBe('5')
    expect(await primary.pttl('analytics:count:visits-home')).toBeGreaterThan(6 * 24 * hour)
    await onlyOn(primary, 'analytics:count:visits-home')
    expect((await ask(app, 'POST /analytics/visits', { body: { page: '../../etc' } })).status).toBe(400)
  })

  it('is fed by a JavaScript event step', async () => {
    const before = Number(await primary.get('analytics:count:logins'))
    await login(app, 'ada')
    await until('the login is counted', async () => Number(await primary.get('analytics:count:logins')) > before)
  })

  it('is rolled up by a cron step into a Map and a Date', async () => {
    const visits = Number(await primary.get('analytics:count:visits-home'))
    const summary = await until('a roll-up', async () => {
      const { status, body } = await ask<{ at: string; counts: Record<string, number> }>(app, 'GET /analytics/summary')
      return status === 200 && body.counts['visits-home'] === visits && body
    })
    expect(new Date(summary.at).toISOString()).toBe(summary.at)
    expect((await stored(primary, 'analytics:summary', 7 * 24 * hour)).meta).toBeDefined()
  })
})

it('has five flows for the Workbench', () => {
  const output = stripVTControlCharacters(app.output())
  const flows = [...output.matchAll(/Flow ([\w-]+) registered/g)].map(([, name]) => name)
  expect(flows.sort()).toEqual(['analytics', 'auth', 'menu', 'orders', 'users'])
})

it('has the types that Motia generates, committed', () => {
  const lines = (folder: string) => readFileSync(join(folder, 'types.d.ts'), 'utf8').split('\n').sort()
  expect(lines(root)).toEqual(lines(dir))
})

it('says nothing but its start lines while all is well', () => {
  const ours = app
    .output()
    .split('\n')
    .filter((line) => line.includes('motia-redis  '))
    // A server that a busy machine keeps from answering is slow for a moment: then all isn't well, and it is said.
    .filter((line) => !/ {2}(slow {2}it answers in \d+ ms, usually in \d+ ms|up again)$/.test(line))
  expect(ours).toEqual([
    expect.stringMatching(/motia-redis {2}primary +up .*Redis \d.*auth orders notifications analytics, state$/),
    expect.stringMatching(/motia-redis {2}secondary +up .*Redis \d.*user menu ml cache$/),
    expect.stringMatching(/motia-redis {2}context\.cache is in every step; Workbench tab "Cache"$/),
  ])
})
