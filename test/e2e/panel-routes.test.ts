import { request } from 'node:http'
import { networkInterfaces } from 'node:os'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CategoriesView, EntryView, KeysView, Overview } from '../../src/sight/contract.ts'
import { exampleApp } from '../support/example-app.ts'
import { type MotiaApp, startMotia } from '../support/motia-app.ts'
import { startTestRedis } from '../support/redis-server.ts'
import { until } from '../support/until.ts'

const endings: (() => unknown)[] = []
afterAll(async () => {
  for (const end of endings.reverse()) await end()
})

const token = 'for this test only'
const change = { 'x-motia-redis': '1' }
const views = [
  'overview',
  'categories',
  'workflows',
  'processes',
  'hot',
  'groups',
  'keys?category=menu',
  'count?category=menu',
]

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly text: string
  readonly body: unknown
}

interface Question {
  readonly headers?: Record<string, string>
  readonly body?: unknown
  /** The address of this machine that it comes from. @default its loopback address */
  readonly from?: string | undefined
}

/**
 * An address by which a network knows this machine. Servers of tests listen on the loopback address only, but a connection
 * to that may begin at any address of the machine, and is then as one of elsewhere.
 */
const outside = Object.values(networkInterfaces())
  .flat()
  .find((each) => each?.family === 'IPv4' && !each.internal)?.address

/** As any client could ask: fetch wouldn't send another Host, nor `..` in a path. */
const ask = (app: MotiaApp, path: string, { headers = {}, body, from }: Question = {}): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST'
    const json = body === undefined ? undefined : JSON.stringify(body)
    const sent = { ...(json === undefined ? {} : { 'content-type': 'application/json' }), ...headers }
    const asked = request(
      { host: '127.0.0.1', port: app.port, localAddress: from, method, path: `/__motia/redis/${path}`, headers: sent },
      (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (part: string) => {
          text += part
        })
        response.on('end', () => {
          const isJson = String(response.headers['content-type']).startsWith('application/json')
          const answer = { status: response.statusCode ?? 0, headers: response.headers, text }
          resolve({ ...answer, body: isJson ? JSON.parse(text) : undefined })
        })
      },
    )
    asked.on('error', reject).end(json)
  })

const see = async <T>(app: MotiaApp, path: string): Promise<T> => {
  const { status, text, body } = await ask(app, path)
  expect({ status, ...(status === 200 ? {} : { text }) }).toEqual({ status: 200 })
  return body as T
}

/** One sentence, and nothing of what was sent. */
const expectRefusal = ({ status, headers, body, text }: Answer, as: number, not: readonly string[] = []): void => {
  expect({ status, text }).toEqual({ status: as, text: expect.stringMatching(/^\{"error":"[^"]+.*"\}$/) })
  expect(Object.keys(body as object)).toEqual(['error'])
  expectClosed(headers)
  for (const part of [token, ...not]) expect(text).not.toContain(part)
}

const expectClosed = (headers: Answer['headers']): void => {
  expect(headers).toMatchObject({
    'access-control-allow-origin': '',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  })
}

const start = async (env: Record<string, string>): Promise<{ app: MotiaApp; redis: Redis }> => {
  const server = await startTestRedis()
  const copy = exampleApp({ flows: ['menu'] })
  endings.push(copy.remove)
  const all = { REDIS_PRIMARY_URL: server.url, ...env }
  const app = await startMotia({ dir: copy.dir, env: all, timeout: 150_000 })
  endings.push(app.stop)
  const redis = new Redis(server.url)
  endings.push(() => redis.disconnect())
  return { app, redis }
}

describe('the routes of the panel', () => {
  let app: MotiaApp
  let redis: Redis
  beforeAll(async () => {
    ;({ app, redis } = await start({ MOTIA_REDIS_TOKEN: token }))
    await app.json('/menu')
    await app.json('/menu')
  })

  it('answer a page of this server, and tell no other page', async () => {
    for (const view of views) {
      const { status, headers } = await ask(app, view, {
        headers: { origin: app.url, 'sec-fetch-site': 'same-origin' },
      })
      expect({ view, status }).toEqual({ view, status: 200 })
      expectClosed(headers)
    }
    const overview = await see<Overview>(app, 'overview')
    expect(overview).toMatchObject({ status: 'ok', server: { production: false, readOnly: false } })
    expect(overview.instances.map(({ name, state }) => `${name} ${state}`)).toEqual(['primary up'])
    const { categories } = await see<CategoriesView>(app, 'categories')
    expect(categories.find(({ name }) => name === 'menu')?.total.hits).toBeGreaterThan(0)
    expect((await see<KeysView>(app, 'keys?category=menu')).keys.length).toBeGreaterThan(0)
  })

  describe.each([
    ['a wrong Host', { host: 'evil.example' }],
    ['a foreign name with our port', { host: 'localhost.evil.example:3000' }],
    ['a foreign Origin', { origin: 'https://evil.example' }],
    ['no Origin of any page', { origin: 'null' }],
    ['a page of another port', { origin: 'http://127.0.0.1:1' }],
    ['another site', { 'sec-fetch-site': 'cross-site' }],
    ['another host of the same site', { 'sec-fetch-site': 'same-site' }],
    ['another address, by a proxy', { 'x-forwarded-for': '192.0.2.7' }],
    ['a wrong token', { 'x-motia-redis-token': 'guess' }],
  ])('asked with %s', (_, headers) => {
    it('refuse to be read', async () => {
      for (const view of ['metrics', ...views]) expectRefusal(await ask(app, view, { headers }), 403, ['guess'])
    })

    it('refuse to change anything', async () => {
      await redis.set('analytics:stays', '1')
      const body = { do: 'delete-entry', category: 'analytics', key: 'stays' }
      expectRefusal(await ask(app, 'change', { headers: { ...headers, ...change }, body }), 403)
      expect(await redis.exists('analytics:stays')).toBe(1)
    })
  })

  it.skipIf(outside === undefined)('asked from another address, refuse without the token and open by it', async () => {
    const from = outside
    await redis.set('analytics:stays', '1')
    const body = { do: 'delete-entry', category: 'analytics', key: 'stays' }
    for (const view of ['metrics', ...views]) expectRefusal(await ask(app, view, { from }), 403)
    const refused = await ask(app, 'change', { from, headers: change, body })
    expectRefusal(refused, 403)
    expect(refused.text).toContain('another machine')
    expect(await redis.exists('analytics:stays')).toBe(1)
    const headers = { ...change, 'x-motia-redis-token': token }
    for (const view of ['metrics', ...views]) expect((await ask(app, view, { from, headers })).status).toBe(200)
    expect((await ask(app, 'change', { from, headers, body })).body).toEqual({ count: 1 })
  })

  it('open by the token, from everywhere, to reads and changes', async () => {
    const headers = { host: 'app.example', 'x-forwarded-for': '192.0.2.7', authorization: `Bearer ${token}` }
    expect((await ask(app, 'overview', { headers })).status).toBe(200)
    const body = { do: 'delete-entry', category: 'analytics', key: 'nothing' }
    expect((await ask(app, 'change', { headers: { ...headers, ...change }, body })).body).toEqual({ count: 0 })
  })

  it('refuse a change without its header, which no form and no image can send', async () => {
    const body = { do: 'clear-category', category: 'menu' }
    expectRefusal(await ask(app, 'change', { body }), 403)
    expectRefusal(await ask(app, 'change', { headers: { origin: app.url }, body }), 403)
    expect((await see<KeysView>(app, 'keys?category=menu')).keys.length).toBeGreaterThan(0)
  })

  it.each([
    ['a limit without end', 'keys?category=menu&limit=1e9'],
    ['no limit at all', 'keys?category=menu&limit=0'],
    ['half a limit', 'keys?category=menu&limit=1.5'],
    ['a word for a limit', 'keys?category=menu&limit=%3Cscript%3E'],
    ['garbage for a cursor', 'keys?category=menu&cursor=%3Cscript%3Egarbage'],
    ['the same question twice', 'keys?category=menu&category=user'],
    ['an object', 'keys?category%5B__proto__%5D=menu'],
    ['no category', 'keys'],
    ['no name of a category', 'keys?category=..%2F..%2Fetc'],
    ['a key that is too long', `entry?category=menu&key=${'k'.repeat(600)}`],
    ['a view that is not there', 'nothing'],
    ['a property of objects', 'constructor'],
    ['their prototype', '__proto__'],
    ['the way up, hidden', '..%2F..%2Fpackage.json'],
  ])('%s is one sentence', async (_, path) => {
    expectRefusal(await ask(app, path), 400, ['script', '1e9', 'package.json', 'kkkk'])
  })

  it('the way up leads to no file', async () => {
    for (const path of ['../../package.json', '../redis/../../.env', './../../motia.config.ts'])
      expect((await ask(app, path)).text).not.toMatch(/REDIS_|"dependencies"|redisTiers/)
  })

  it.each([
    ['nothing', {}],
    ['an unknown change', { do: 'flush' }],
    ['a list', []],
    ['keys of another type', { do: 'delete-entry', category: 'menu', key: { $gt: '' } }],
    ['a drill without end', { do: 'drill', instance: 'primary', seconds: 1e9 }],
    ['a drill of nobody', { do: 'drill', instance: '<script>', seconds: 1 }],
    ['a category that is none', { do: 'clear-category', category: '*' }],
    ['a prototype', JSON.parse('{"do":"clear-category","__proto__":{"category":"menu"}}') as object],
  ])('as a change, %s is one sentence', async (_, body) => {
    const before = await redis.dbsize()
    expectRefusal(await ask(app, 'change', { headers: change, body }), 400, ['script', '$gt'])
    expect(await redis.dbsize()).toBe(before)
  })

  it('markup in keys and values comes back as text, as JSON that no browser takes for a page', async () => {
    const key = '<script>alert(1)</script>'
    const value = JSON.stringify({ value: `${key}\u0000\u2028`, expires: Date.now() + 60_000 })
    await redis.set(`analytics:${key}`, value, 'PX', 60_000)
    const path = `category=analytics&key=${encodeURIComponent(key)}`
    const { headers, body } = await ask(app, `entry?${path}`)
    expect(headers['content-type']).toMatch(/^application\/json/)
    expect(headers['x-content-type-options']).toBe('nosniff')
    expect(body as EntryView).toMatchObject({ key, found: true, value: { type: 'string', text: `${key}\u0000\u2028` } })
    expect((await see<KeysView>(app, `keys?category=analytics&prefix=${encodeURIComponent('<script>')}`)).keys).toEqual(
      [key],
    )
    const gone = await ask(app, 'change', { headers: change, body: { do: 'delete-entry', category: 'analytics', key } })
    expect(gone.body).toEqual({ count: 1 })
  })

  it('a prefix is taken as it is written', async () => {
    await redis.set('analytics:plain', '{"value":1}', 'PX', 60_000)
    for (const prefix of ['*', '?', '[a-z]*', 'pl*'])
      expect((await see<KeysView>(app, `keys?category=analytics&prefix=${encodeURIComponent(prefix)}`)).keys).toEqual(
        [],
      )
    expect((await see<KeysView>(app, 'keys?category=analytics&prefix=pl')).keys).toEqual(['plain'])
  })

  it('a whole key of a sensitive category is looked for by a header, which no log of URLs has', async () => {
    await redis.set('auth:session-7', '{"value":1}', 'PX', 60_000)
    const search = (prefix: string) => ask(app, 'keys?category=auth', { headers: { 'x-motia-redis-prefix': prefix } })
    const found = (await search('session%2D7')).body as KeysView
    expect(found.keys).toHaveLength(1)
    expect((await see<EntryView>(app, `entry?category=auth&key=${found.keys[0]}`)).found).toBe(true)
    expect(((await search('session')).body as KeysView).keys).toEqual([])
  })

  it('values of sensitive categories stay here', async () => {
    await redis.set('auth:session', JSON.stringify({ value: { secret: 'hunter2' }, expires: Date.now() + 60_000 }))
    const { body, text } = await ask(app, 'entry?category=auth&key=session')
    expect(body as EntryView).toMatchObject({ found: true, masked: true })
    expect((body as EntryView).value).toBeUndefined()
    expect(text).not.toContain('hunter2')
  })

  it('a drill is begun here, and ends', async () => {
    const answer = await ask(app, 'change', { headers: change, body: { do: 'drill', instance: 'primary', seconds: 1 } })
    expect(answer.body).toEqual({ count: undefined })
    const { timeline } = await see<Overview>(app, 'overview')
    expect(timeline.some(({ kind }) => kind === 'drill')).toBe(true)
    await until('it is up again', async () => (await see<Overview>(app, 'overview')).instances[0]?.state === 'up')
  })
})

const elsewhere = { host: 'app.example', 'x-forwarded-for': '192.0.2.7' }

/** They are for everybody, but for pages of other origins they still aren't. */
const expectPublicMetrics = async (app: MotiaApp): Promise<void> => {
  for (const from of [undefined, outside]) {
    const { status, headers, text } = await ask(app, 'metrics', { from, headers: elsewhere })
    expect(status).toBe(200)
    expect(text).toContain('# TYPE motia_redis_')
    expectClosed(headers)
  }
}

describe('MOTIA_REDIS_PANEL=read-only, MOTIA_REDIS_METRICS=public', () => {
  let app: MotiaApp
  beforeAll(async () => {
    const env = { MOTIA_REDIS_PANEL: 'read-only', MOTIA_REDIS_METRICS: 'public' }
    ;({ app } = await start({ ...env, MOTIA_REDIS_TOKEN: token }))
  })

  it('opens the metrics and nothing else', async () => {
    await expectPublicMetrics(app)
    for (const view of views) expectRefusal(await ask(app, view, { headers: elsewhere }), 403)
  })

  it('shows everything and changes nothing, by the token neither', async () => {
    await app.json('/menu')
    expect(await see<Overview>(app, 'overview')).toMatchObject({ server: { readOnly: true } })
    const body = { do: 'clear-category', category: 'menu' }
    for (const headers of [change, { ...change, 'x-motia-redis-token': token }])
      expectRefusal(await ask(app, 'change', { headers, body }), 403)
    expect((await see<KeysView>(app, 'keys?category=menu')).keys.length).toBeGreaterThan(0)
  })
})

describe('MOTIA_REDIS_PANEL=off, MOTIA_REDIS_METRICS=public', () => {
  it('leaves the metrics, and nothing else', async () => {
    const { app } = await start({ MOTIA_REDIS_PANEL: 'off', MOTIA_REDIS_METRICS: 'public' })
    await expectPublicMetrics(app)
    for (const view of views) expect((await ask(app, view)).text).not.toMatch(/"(now|instances|keys|groups)"/)
    const body = { do: 'clear-category', category: 'menu' }
    expect((await ask(app, 'change', { headers: change, body })).status).toBe(404)
    expect(await app.printed(/context\.cache is in every step.*\n/)).not.toContain('Workbench tab')
  })
})
