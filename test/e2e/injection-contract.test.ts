import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'tsdown'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cacheCases } from '../contract/cache-cases.ts'
import { copyApp, type MotiaApp, startMotia } from '../support/motia-app.ts'
import { startTestRedis } from '../support/redis-server.ts'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

let app: MotiaApp
let copy: ReturnType<typeof copyApp>
let inStep: Record<string, unknown>
let inServer: Record<string, unknown>
beforeAll(async () => {
  const [primary, secondary] = await Promise.all([startTestRedis(), startTestRedis()])
  copy = copyApp(here('../fixtures/injection'))
  await build({
    config: false,
    entry: { 'cache-cases': here('../contract/cache-cases.ts') },
    outDir: join(copy.dir, 'lib'),
    outExtensions: () => ({ js: '.js' }),
    tsconfig: false,
    clean: false,
    dts: false,
    logLevel: 'error',
  })
  app = await startMotia({
    dir: copy.dir,
    env: { REDIS_PRIMARY_URL: primary.url, REDIS_SECONDARY_URL: secondary.url },
  })
  inStep = await app.json('/contract')
  inServer = await app.json('/__motia/probe/contract')
})
afterAll(async () => {
  await app?.stop()
  copy?.remove()
})

describe('the cache inside a real step answers as the contract says, and as in the server process', () => {
  it.each(cacheCases.map((one) => [one.name, one.expected] as const))('%s', (name, expected) => {
    const plain: unknown = JSON.parse(JSON.stringify(expected))
    expect({ inStep: inStep[name], inServer: inServer[name] }).toEqual({ inStep: plain, inServer: plain })
  })
})
