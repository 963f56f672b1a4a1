import { execFileSync, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { WorkflowsView } from '../../src/sight/contract.ts'
import { copyApp, type MotiaApp, startMotia } from '../support/motia-app.ts'
import { startTestRedis } from '../support/redis-server.ts'
import { until } from '../support/until.ts'

const fixture = fileURLToPath(new URL('../fixtures/python', import.meta.url))
const missing =
  spawnSync('python3', ['-m', 'venv', '--help']).status === 0 ? '' : ' (skipped: no python3 with venv here)'

describe.skipIf(missing !== '')(`a Python step beside a TypeScript one${missing}`, () => {
  const endings: (() => unknown)[] = []
  afterAll(async () => {
    for (const end of endings.reverse()) await end()
  })

  let app: MotiaApp
  let redis: Redis

  beforeAll(async () => {
    const { url } = await startTestRedis()
    redis = new Redis(url)
    endings.push(() => redis.disconnect())
    const copy = copyApp(fixture)
    endings.push(copy.remove)
    // What Motia asks for; its own installer would fetch packages that a step without imports doesn't need.
    execFileSync('python3', ['-m', 'venv', '--without-pip', join(copy.dir, 'python_modules')])
    app = await startMotia({ dir: copy.dir, env: { REDIS_PRIMARY_URL: url } })
    endings.push(app.stop)
  })

  it('shares context.state with it, in both directions', async () => {
    const fromTypescript = { words: ['ä', '日'], n: 1.5, none: null }
    expect(await app.json('/typescript/g', {})).toEqual({ found: null, cached: 0 })
    expect(await app.json('/python/g', {})).toEqual({
      found: { data: fromTypescript },
      removed: 'gone soon',
      items: 2,
    })
    expect(await app.json('/typescript/g', {})).toEqual({
      found: { ...fromTypescript, seen: { data: fromTypescript } },
      cached: 0,
    })
    expect((await redis.hkeys('~mr:state:g')).sort()).toEqual(['from-python', 'from-typescript', 'to-delete'])
  })

  it('runs Python without a word of ours', () => {
    expect(app.output()).not.toMatch(/Error|Traceback|motia-redis {2}.*(fail|can't)/)
  })

  it('has runs like any other, whether they end well or not', async () => {
    expect((await app.fetch('/python/fail', { method: 'POST' })).status).toBe(500)
    const runs = () => app.json<WorkflowsView>('/__motia/redis/workflows').then((view) => view.runs)
    const outcomes = async () =>
      (await runs()).filter(({ step }) => step === 'RememberInPython').map(({ outcome }) => outcome)
    expect(await until('all ended', async () => !(await outcomes()).includes('running') && outcomes())).toEqual([
      'failed',
      'ok',
    ])
  })
})
