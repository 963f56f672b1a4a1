import { describe, expect, it } from 'vitest'
import { describeUse } from '../../../../src/motia/plugin/runs/cache-use.ts'
import { stepName } from '../../../../src/motia/plugin/runs/step-names.ts'
import { createWorkflows } from '../../../../src/motia/plugin/runs/workflows.ts'
import { readArguments } from '../../../../src/motia/plugin/spawned.ts'

const MINUTE = 60_000

const open = () => {
  const clock = { epoch: Date.UTC(2030, 0), steady: 0 }
  const workflows = createWorkflows(
    () => clock.epoch,
    () => clock.steady,
  )
  const run = (step: string, ms: number, failed = false): void => {
    const begun = workflows.begin({ step, traceId: 'T-1' })
    clock.steady += ms
    begun.ended(failed)
  }
  return { clock, workflows, run }
}
const call = { operation: 'get', category: 'menu', hits: 1, misses: 0, failed: false }

describe('runs', () => {
  it('the last 200, newest first, also those that still run', () => {
    const { workflows, run } = open()
    for (let n = 0; n < 250; n++) run(`step ${n % 3}`, 10)
    workflows.begin({ step: 'last', traceId: undefined })
    const { runs } = workflows.view()
    expect(runs).toHaveLength(200)
    expect(runs[0]).toMatchObject({ id: 251, step: 'last', traceId: undefined, outcome: 'running', ms: undefined })
    expect(runs[1]).toMatchObject({ id: 250, traceId: 'T-1', outcome: 'ok', ms: 10 })
  })

  it('end once', () => {
    const { workflows } = open()
    const run = workflows.begin({ step: 'a', traceId: undefined })
    run.ended(true)
    run.ended(false)
    const { runs, steps, hour } = workflows.view()
    expect(runs[0]?.outcome).toBe('failed')
    expect(steps).toMatchObject([{ step: 'a', runs: 1, failures: 1 }])
    expect(hour).toMatchObject([{ runs: 1, failures: 1 }])
  })

  it('have their five slowest calls, and count all', () => {
    const { workflows } = open()
    const run = workflows.begin({ step: 'a', traceId: undefined })
    for (const ms of [3, 9, 1, 7, 5, 8, 2]) run.count({ ...call, ms })
    run.count({ ...call, operation: 'set', hits: 0, ms: 0.5, failed: true })
    run.took(100)
    const [view] = workflows.view().runs
    expect(view?.cache).toEqual({ calls: 8, hits: 7, misses: 0, errors: 1, ms: 135.5 })
    expect(view?.slowest.map(({ ms }) => ms)).toEqual([9, 8, 7, 5, 3])
    expect(describeUse(run)).toBe(
      'cache: 8 calls in 135.5 ms (7 hits, 1 error); slowest ' +
        'get menu 9 ms, get menu 8 ms, get menu 7 ms, get menu 5 ms, get menu 3 ms',
    )
  })
})

describe('figures of steps', () => {
  it('are of the last hour', () => {
    const { clock, workflows, run } = open()
    run('old', 10)
    clock.epoch += 30 * MINUTE
    run('new', 10, true)
    const half = workflows.view()
    expect(half.steps.map(({ step }) => step).sort()).toEqual(['new', 'old'])
    expect(half.hour).toHaveLength(31)
    const hourOf = (name: string) => half.steps.find(({ step }) => step === name)?.hour
    expect(hourOf('new')).toEqual([{ at: clock.epoch, runs: 1, failures: 1 }])
    expect(hourOf('old')).toHaveLength(31)
    expect(hourOf('old')?.filter(({ runs }) => runs > 0)).toEqual([
      { at: clock.epoch - 30 * MINUTE, runs: 1, failures: 0 },
    ])
    clock.epoch += 45 * MINUTE
    const later = workflows.view()
    expect(later.steps).toMatchObject([{ step: 'new', runs: 1, failures: 1 }])
    expect(later.hour).toHaveLength(60)
    expect(later.hour.reduce((sum, { runs }) => sum + runs, 0)).toBe(1)
    expect(later.hour.at(-1)?.at).toBe(clock.epoch)
  })

  it('say within what most runs ended, to a third', () => {
    const { workflows, run } = open()
    for (let n = 1; n <= 100; n++) run('a', n * 10)
    const [step] = workflows.view().steps
    expect(step?.p50).toBeGreaterThan(500 * 0.75)
    expect(step?.p50).toBeLessThan(500 * 1.34)
    expect(step?.p95).toBeGreaterThan(950 * 0.75)
    expect(step?.p95).toBeLessThan(950 * 1.34)
    expect(step?.p95).toBeGreaterThan(step?.p50 ?? 0)
  })

  it('take no more room for 10,000 names than for 201', () => {
    const { workflows, run } = open()
    for (let n = 0; n < 10_000; n++) run(`step ${n}`, 1)
    const { steps } = workflows.view()
    expect(steps).toHaveLength(201)
    expect(steps[0]).toMatchObject({ step: 'other', runs: 9_800 })
  })
})

describe('how a step was started', () => {
  const json = (data: unknown) =>
    JSON.stringify({ data, flows: ['f'], traceId: 'AB12C-3456789', streams: [{ name: 's' }] })

  it('is read from the arguments, in whatever language', () => {
    const expected = { file: '/app/a step.js', traceId: 'AB12C-3456789' }
    const runner = '/x/node_modules/@motiadev/core/dist/src/node/node-runner.mjs'
    expect(readArguments(['node', runner, '/app/a step.js', json(1)])).toEqual(expected)
    expect(readArguments(['node', '/x/tsx/cli.mjs', runner, '/app/a step.js', json(1)])).toEqual(expected)
    expect(readArguments(['python', '/x/python/python-runner.py', '/app/a step.js', json(1)])).toEqual(expected)
    expect(readArguments(['node', '/x/get-config.mjs', '/app/a step.js'])).toBeUndefined()
  })

  it('is not what the data says', () => {
    const hostile = { traceId: 'fake', deep: '"traceId":"fake","', list: [{ traceId: 'fake' }] }
    const traceId = (args: string) => readArguments(['node', '/node-runner.mjs', 'f', args])?.traceId
    expect(traceId(json(hostile))).toBe('AB12C-3456789')
    expect(traceId(json('x').replace('AB12C-3456789', '<script>'))).toBeUndefined()
    expect(traceId('{')).toBeUndefined()
  })

  it('the step has the name that its config gives it now', () => {
    const step = { filePath: '/app/steps/menu/get.step.ts', config: { name: 'GetMenu' } }
    const python = { filePath: '/app/steps/count.step.py', config: { name: 'Count' } }
    const steps = { baseDir: '/app', activeSteps: [step, python] } as unknown as Parameters<typeof stepName>[0]
    expect(stepName(steps, '/app/.motia/compiled/steps/menu/get.step.js')).toBe('GetMenu')
    expect(stepName(steps, '/app/steps/count.step.py')).toBe('Count')
    step.config = { name: 'Menu' }
    expect(stepName(steps, '/app/.motia/compiled/steps/menu/get.step.js')).toBe('Menu')
    expect(stepName(steps, '/app/.motia/compiled/steps/gone.step.js')).toBe('steps/gone.step.ts')
  })
})
