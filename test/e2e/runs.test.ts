import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RunView, WorkflowsView } from '../../src/sight/contract.ts'
import { copyApp, type MotiaApp, startMotia } from '../support/motia-app.ts'
import { startTestRedis } from '../support/redis-server.ts'
import { until } from '../support/until.ts'

const fixture = fileURLToPath(new URL('../fixtures/runs', import.meta.url))

const endings: (() => unknown)[] = []
afterAll(async () => {
  for (const end of endings.reverse()) await end()
})

let app: MotiaApp
beforeAll(async () => {
  const redis = await startTestRedis()
  const copy = copyApp(fixture)
  endings.push(copy.remove)
  app = await startMotia({ dir: copy.dir, env: { REDIS_PRIMARY_URL: redis.url, LOG_LEVEL: 'debug' } })
  endings.push(app.stop)
})

const workflows = (): Promise<WorkflowsView> => app.json('/__motia/redis/workflows')
/** The last run of a step, once it has ended. */
const runOf = (step: string): Promise<RunView> =>
  until(`${step} ended`, async () =>
    (await workflows()).runs.find((run) => run.step === step && run.outcome !== 'running'),
  )

interface Trace {
  readonly name: string
  readonly status: string
  readonly events: { readonly type: string; readonly message?: string; readonly metadata?: Record<string, unknown> }[]
}
/** As the Workbench's Tracing gets it, once the step has ended. */
const traceOf = (traceId: string | undefined, step: string): Promise<Trace> =>
  until(`the trace of ${step} is whole`, async () => {
    const { steps } = await app.json<{ steps: Trace[] }>(`/__motia/probe/trace?id=${traceId}`)
    return steps.find(({ name, status }) => name === step && status !== 'running')
  })
const saidOfCache = (trace: Trace) => trace.events.filter(({ message }) => message?.startsWith('cache: '))

describe('runs of steps', () => {
  it('are known with what they did with the cache', async () => {
    const { traceId } = await app.json<{ traceId: string }>('/uses')
    const run = await runOf('UsesCache')
    expect(run).toMatchObject({ traceId, outcome: 'ok', cache: { calls: 4, hits: 1, misses: 2, errors: 0 } })
    expect(run.ms).toBeGreaterThan(run.cache.ms)
    expect(run.slowest.map(({ operation, category }) => `${operation} ${category}`).sort()).toEqual([
      'get menu',
      'get menu',
      'getOrSet menu',
      'set menu',
    ])
    expect(JSON.stringify(await workflows())).not.toContain('private')
  })

  it('tell in their own trace what they did with the cache', async () => {
    const { traceId } = await app.json<{ traceId: string }>('/uses')
    const trace = await traceOf(traceId, 'UsesCache')
    expect(trace.status).toBe('completed')
    const [said, ...more] = saidOfCache(trace)
    expect(more).toEqual([])
    expect(said).toMatchObject({
      type: 'log',
      level: 'debug',
      message: expect.stringMatching(/^cache: 4 calls in [\d.]+ ms \(2 hits, 1 miss\); slowest .*set menu/),
      metadata: { cache: { calls: 4, hits: 2, misses: 1 } },
    })
    expect(JSON.stringify(trace)).not.toContain('private')
  })

  it('without a cache call have nothing to tell', async () => {
    const { traceId } = await app.json<{ traceId: string }>('/plain')
    expect(await runOf('Plain')).toMatchObject({ traceId, outcome: 'ok', cache: { calls: 0 }, slowest: [] })
    expect(saidOfCache(await traceOf(traceId, 'Plain'))).toEqual([])
  })

  it.each(['throw', 'exit', 'kill'])('that fail by %s are failures, and tell all the same', async (how) => {
    const known = (await workflows()).runs.filter(({ step }) => step === 'Fails').length
    await app.fetch(`/fails/${how}`)
    const run = await until('it ended', async () => {
      const runs = (await workflows()).runs.filter(({ step, outcome }) => step === 'Fails' && outcome !== 'running')
      return runs.length > known ? runs[0] : undefined
    })
    expect(run).toMatchObject({ outcome: 'failed', cache: { calls: 1, misses: 1 } })
    expect(saidOfCache(await traceOf(run.traceId, 'Fails'))).toHaveLength(1)
  })

  it("that Motia's own timeout ends are failures", async () => {
    const { traceId } = await app.json<{ traceId: string }>('/begin')
    expect(await runOf('TooSlow')).toMatchObject({ traceId, outcome: 'failed' })
    expect((await traceOf(traceId, 'TooSlow')).status).toBe('failed')
  }, 30_000)

  it('are summed up for each step', async () => {
    const { steps, hour } = await workflows()
    expect(steps.find(({ step }) => step === 'Fails')).toMatchObject({ runs: 3, failures: 3, cache: { calls: 3 } })
    expect(steps.find(({ step }) => step === 'UsesCache')?.p95).toBeGreaterThan(10)
    for (const of of ['runs', 'failures'] as const) {
      const sum = (all: readonly { readonly [of in 'runs' | 'failures']: number }[]): number =>
        all.reduce((total, each) => total + each[of], 0)
      expect(sum(hour)).toBe(sum(steps))
    }
  })
})
