import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterAll, describe, expect, it } from 'vitest'
import { type ExampleOptions, exampleApp } from '../support/example-app.ts'
import { ask, login, probe } from '../support/http.ts'
import { type MotiaApp, type MotiaOptions, startMotia } from '../support/motia-app.ts'
import { startTestRedis } from '../support/redis-server.ts'
import { until } from '../support/until.ts'

const endings: (() => unknown)[] = []
afterAll(async () => {
  for (const end of endings.reverse()) await end()
})

const start = async (
  mode: 'dev' | 'start',
  env: MotiaOptions['env'],
  example: ExampleOptions = { fixtures: ['probe'] },
): Promise<{ app: MotiaApp; dir: string }> => {
  const copy = exampleApp(example)
  endings.push(copy.remove)
  const app = await startMotia({ dir: copy.dir, mode, env: env ?? {} })
  endings.push(app.stop)
  return { app, dir: copy.dir }
}

const server = async (): Promise<{ url: string; redis: Redis }> => {
  const { url } = await startTestRedis()
  const redis = new Redis(url)
  endings.push(() => redis.disconnect())
  return { url, redis }
}

/** The five flows, from outside. */
const expectFlows = async (app: MotiaApp): Promise<void> => {
  const session = await login(app, 'ada')
  expect((await ask(app, 'GET /auth/session', { session })).status).toBe(200)
  expect((await ask(app, 'GET /users/ada')).body).toMatchObject({ name: 'Ada' })
  expect((await ask(app, 'GET /menu')).body).toMatchObject({ from: 'kitchen' })
  expect((await ask(app, 'GET /menu')).body).toMatchObject({ from: 'cache' })
  const { body } = await ask<{ orderId: string }>(app, 'POST /orders', {
    session,
    body: { lines: [{ dish: 'tart', quantity: 3 }] },
  })
  await until(
    'the guest is notified',
    async () => {
      const told = await ask<{ text: string }[]>(app, 'GET /notifications', { session })
      return told.body.some(({ text }) => text.includes('21.00 €'))
    },
    60_000,
    200, // each look is a step's process
  )
  expect((await ask(app, `GET /orders/${body.orderId}/receipt`, { session })).body).toMatchObject({ total: 21 })
  expect((await ask(app, 'POST /analytics/visits', { body: { page: 'home' } })).body).toMatchObject({ visits: 1 })
}

/** Two Motia starts and all flows, each step a process, maybe on a busy machine. */
const patience = 300_000

const families = async (redis: Redis): Promise<string[]> =>
  [...new Set((await redis.keys('*')).map((key) => key.replace(/:.*/, '')))].sort()

describe('motia start with one URL, in production', () => {
  it('keeps everything on the one instance and says so', { timeout: patience }, async () => {
    const { url, redis } = await server()
    const { app } = await start('start', { NODE_ENV: 'production', REDIS_PRIMARY_URL: url })
    await expectFlows(app)
    expect(await families(redis)).toEqual(['analytics', 'auth', 'menu', 'notifications', 'orders', 'user', '~mr'])
    expect(app.output().match(/motia-redis {2}.*one Redis only.*/g)).toHaveLength(1)
    // As a proxy on this machine asks that tells nothing of itself; what the metrics tell is no data.
    const view = await app.fetch('/__motia/redis/keys?category=user')
    expect({ status: view.status, text: await view.text() }).toEqual({
      status: 403,
      text: expect.stringContaining('in production'),
    })
    expect((await app.fetch('/__motia/redis/metrics')).status).toBe(200)
  })
})

describe('motia dev with three instances', () => {
  it('keeps each category on its own', { timeout: patience }, async () => {
    const [primary, secondary, models] = [await server(), await server(), await server()]
    const { app } = await start('dev', {
      REDIS_PRIMARY_URL: primary.url,
      REDIS_SECONDARY_URL: secondary.url,
      REDIS_SECONDARY_TYPES: 'user,menu,cache',
      REDIS_MODELS_URL: models.url,
      REDIS_MODELS_TYPES: 'ml',
      REDIS_FOREIGN_URL: 'redis://nobody.invalid:1', // somebody else's: no TYPES
    })
    await expectFlows(app)
    await probe(app, 'cache', 'set', 'model', [1, 2], { category: 'ml' })
    expect(await families(models.redis)).toEqual(['ml', '~mr'])
    expect(await families(secondary.redis)).toEqual(['menu', 'user', '~mr'])
    expect(await families(primary.redis)).toEqual(['analytics', 'auth', 'notifications', 'orders', '~mr'])
    expect(app.output()).not.toContain('foreign')
  })
})

describe('motia dev without any URL', () => {
  it('keeps everything in files, says so loudly, and still has it after a restart', { timeout: patience }, async () => {
    const { app, dir } = await start('dev', {})
    await expectFlows(app)
    expect(app.output()).toMatch(/motia-redis {2}NO REDIS: REDIS_PRIMARY_URL is not set/)
    expect(existsSync(join(dir, '.motia', 'redis'))).toBe(true)
    await app.stop()
    const again = await startMotia({ dir, env: {} })
    endings.push(again.stop)
    expect((await ask(again, 'GET /menu')).body).toMatchObject({ from: 'cache' })
  })
})

describe('motia start without any URL', () => {
  it('ends with a configuration error that says what to set, as the last thing it prints', async () => {
    await expect(start('start', {}, { flows: [] })).rejects.toThrow(
      /The process ended[\s\S]*\n {2}- REDIS_PRIMARY_URL: not set; .*MOTIA_REDIS_EMBEDDED=on.*\s*$/,
    )
  })
})
