import { request } from 'node:http'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { exampleApp } from '../support/example-app.ts'
import { type MotiaApp, startMotia } from '../support/motia-app.ts'
import { startTestRedis } from '../support/redis-server.ts'

const endings: (() => unknown)[] = []
afterAll(async () => {
  for (const end of endings.reverse()) await end()
})

const token = 'for this test only'
let app: MotiaApp
beforeAll(async () => {
  const redis = await startTestRedis()
  const copy = exampleApp({ flows: ['menu'] })
  endings.push(copy.remove)
  app = await startMotia({ dir: copy.dir, env: { REDIS_PRIMARY_URL: redis.url, MOTIA_REDIS_TOKEN: token } })
  endings.push(app.stop)
})

const scrape = (headers: Record<string, string> = {}): Promise<{ status: number; origin: unknown; body: string }> =>
  new Promise((resolve, reject) => {
    const asked = request(
      { host: '127.0.0.1', port: app.port, path: '/__motia/redis/metrics', headers },
      (response) => {
        let body = ''
        response.setEncoding('utf8').on('data', (part: string) => {
          body += part
        })
        const { statusCode = 0 } = response
        const origin = response.headers['access-control-allow-origin']
        response.on('end', () => resolve({ status: statusCode, origin, body }))
      },
    )
    asked.on('error', reject).end()
  })

it('what steps do with the cache is in a scrape, and no page of another origin may read it', async () => {
  await app.json('/menu')
  await app.json('/menu')
  const { status, origin, body } = await scrape()
  expect(status).toBe(200)
  // Neither any, nor `null`, which is the origin of a frame in a sandbox.
  expect(origin).toBe('')
  expect(body).toMatch(/^motia_redis_reads_total\{category="menu",outcome="hit"\} [1-9]/m)
  expect(body).toMatch(/^motia_redis_instance_state\{instance="primary",state="up"\} 1$/m)
})

it.each([
  ['a foreign page', { origin: 'https://evil.example' }],
  ['a name that leads here', { host: 'evil.example' }],
  ['a proxy', { 'x-forwarded-for': '192.0.2.7' }],
  ['a wrong token', { 'x-motia-redis-token': 'guess' }],
])('%s gets one sentence', async (_, headers) => {
  const { status, body } = await scrape(headers)
  expect(status).toBe(403)
  expect(Object.keys(JSON.parse(body))).toEqual(['error'])
  expect(body).not.toContain(token)
})

it('the token opens it through a proxy, too', async () => {
  expect((await scrape({ host: 'app.example', authorization: `Bearer ${token}` })).status).toBe(200)
})
