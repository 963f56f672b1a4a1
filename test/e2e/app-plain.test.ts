import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { exampleApp } from '../support/example-app.ts'
import { type MotiaApp, startMotia } from '../support/motia-app.ts'
import { startTestRedis } from '../support/redis-server.ts'

const endings: (() => unknown)[] = []
afterAll(async () => {
  for (const end of endings.reverse()) await end()
})

let withUs: MotiaApp
let without: MotiaApp

const start = async (env: Record<string, string>, change: (dir: string) => void = () => {}): Promise<MotiaApp> => {
  const copy = exampleApp({ flows: [], fixtures: ['plain'] })
  endings.push(copy.remove)
  change(copy.dir)
  const app = await startMotia({ dir: copy.dir, env })
  endings.push(app.stop)
  return app
}

beforeAll(async () => {
  const redis = await startTestRedis()
  ;[withUs, without] = await Promise.all([
    start({ REDIS_PRIMARY_URL: redis.url }),
    start({}, (dir) => writeFileSync(join(dir, 'motia.config.ts'), 'export default { plugins: [] }\n')),
  ])
})

/** Everything a client can tell, except what differs from one call to the next. */
const seen = async (app: MotiaApp, path: string, init?: RequestInit) => {
  const response = await app.fetch(path, init)
  const { date: _date, ...headers } = Object.fromEntries(response.headers)
  return { status: response.status, headers, body: Buffer.from(await response.arrayBuffer()).toString('base64') }
}

const json = (body: string): RequestInit => ({ method: 'POST', headers: { 'content-type': 'application/json' }, body })

it.each([
  ['JSON with a status and headers of its own', '/plain/json?a=1&b=2&b=3', json('{ "n": 1, "s": "ä" }'), 201],
  ['an empty body', '/plain/json', { method: 'POST' }, 201],
  ['a broken body', '/plain/json', json('{ "n": '), 400],
  ['text from a JavaScript step', '/plain/text/world', undefined, 200],
  ['bytes', '/plain/bytes', undefined, 200],
  ['middleware, in its order', '/plain/middleware?x=y', undefined, 202],
  ['an error of the step', '/plain/throws', undefined, 500],
  ['a handler without an answer', '/plain/nothing', undefined, 500],
  ['no such route', '/plain/nowhere', { method: 'POST' }, 404],
  ['a preflight request', '/plain/json', { method: 'OPTIONS' }, 204],
])('a step that uses nothing of ours behaves as without us: %s', async (_what, path, init, status) => {
  const [ours, theirs] = await Promise.all([seen(withUs, path, init), seen(without, path, init)])
  expect(ours.status).toBe(status)
  expect(ours).toEqual(theirs)
})

it('logs the error of such a step as without us', async () => {
  for (const app of [withUs, without]) {
    await app.fetch('/plain/throws')
    await app.printed(/plain trouble/)
  }
})
