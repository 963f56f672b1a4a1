import { expect, it } from 'vitest'
import type { Caller } from '../../../../src/metrics/spans.ts'
import { createWorkflows } from '../../../../src/motia/plugin/runs/workflows.ts'
import { createStepHost } from '../../../../src/motia/plugin/step-host.ts'
import { createMemoryEngine } from '../memory-engine.ts'
import { fakeChild } from './fake-child.ts'

const open = () => {
  const workflows = createWorkflows()
  const report = { info: () => undefined, warn: () => undefined, error: () => undefined }
  const memory = createMemoryEngine()
  const callers: (Caller | undefined)[] = []
  const engine = async (caller?: Caller) => {
    callers.push(caller)
    return memory.engine
  }
  const host = createStepHost({
    ...{ engine, report, categoryOf: () => 'inferred' },
    begun: ({ traceId }) => workflows.begin({ step: 'Menu', traceId }),
  })
  const child = fakeChild()
  host.attach(child.step, { file: 'menu.step.js', traceId: 'T-1' })
  const run = () => workflows.view().runs[0]
  return { child, run, callers }
}
const close = (args?: unknown) => ({ type: 'rpc_request', method: 'close', ...(args !== undefined && { args }) })
const at = { category: 'menu', key: 'secret-key' }

it('calls are counted as they ended', async () => {
  const { child, run } = open()
  await child.ask('get', at)
  await child.ask('set', at, { json: '1' }, {})
  await child.ask('get', at)
  await child.ask('getMany', { category: 'menu', keys: ['secret-key', 'b', 'c'] })
  await child.ask('get', { category: 'Nope <b>', key: 'a' })
  await child.ask('set', 'nonsense', 5)
  await child.ask('ping')
  await child.ask('made-up')
  expect(run()?.cache).toMatchObject({ calls: 6, hits: 2, misses: 4, errors: 1 })
  expect(JSON.stringify(run())).not.toMatch(/secret-key|Nope|made-up/)
})

it('a call without a category is of the one that its key belongs to', async () => {
  const { child, run } = open()
  await child.ask('get', { key: 'a' })
  expect(run()?.slowest).toMatchObject([{ operation: 'get', category: 'inferred' }])
})

it('whoever traces is told whose call it is', async () => {
  const { child, callers } = open()
  await child.ask('get', at)
  await child.ask('acquire', at, {})
  expect(callers).toEqual([0, 1].map(() => expect.objectContaining({ step: 'Menu', traceId: 'T-1' })))
})

it('a computation is one call, a hit the next time', async () => {
  const { child, run } = open()
  const { value } = (await child.ask('acquire', at, {})) as { value: { lease: { id: number } } }
  await child.ask('fill', value.lease.id, { value: { json: '2' } }, {})
  expect(run()?.cache).toMatchObject({ calls: 1, hits: 0, misses: 1 })
  await child.ask('acquire', at, {})
  expect(run()?.cache).toMatchObject({ calls: 2, hits: 1, misses: 1 })
  expect(run()?.slowest[0]?.operation).toBe('getOrSet')
})

it('what it did is said in its trace before Motia hears of its end', async () => {
  const { child, run } = open()
  await child.ask('get', at)
  child.say(close())
  expect(run()).toMatchObject({ outcome: 'ok', traceId: 'T-1' })
  expect(child.heard.map(({ method }) => method)).toEqual(['log', 'close'])
  expect(child.heard[0]?.args).toMatchObject({
    level: 'debug',
    msg: expect.stringMatching(/^cache: 1 call in .* ms \(1 miss\); slowest get menu /),
    cache: { calls: 1, misses: 1, slowest: [{ operation: 'get', category: 'menu' }] },
  })
})

it('nothing is said where the cache was not used', () => {
  const { child, run } = open()
  child.say(close())
  expect(run()?.outcome).toBe('ok')
  expect(child.heard.map(({ method }) => method)).toEqual(['close'])
})

it.each([
  ['its handler threw', 'failed', (child: Child) => child.say(close({ message: 'no' }))],
  ['it was killed, or took too long', 'failed', (child: Child) => child.exit(null, 'SIGKILL')],
  ['it ended with an error', 'failed', (child: Child) => child.exit(1)],
  [
    'it ended by itself',
    'ok',
    (child: Child) => {
      child.exit(0)
      child.disconnect()
    },
  ],
  [
    'it ended before its error was read',
    'failed',
    (child: Child) => {
      child.exit(0)
      child.say(close({ message: 'no' }))
      child.disconnect()
    },
  ],
  [
    'it was killed by Motia after it had ended',
    'ok',
    (child: Child) => {
      child.say(close())
      child.exit(null, 'SIGKILL')
      child.disconnect()
    },
  ],
])('%s: %s', (_, outcome, ends) => {
  const { child, run } = open()
  expect(run()?.outcome).toBe('running')
  ends(child)
  expect(run()?.outcome).toBe(outcome)
})
type Child = ReturnType<typeof fakeChild>

it('nothing of ours stays at a process that ended', () => {
  const { child } = open()
  child.say(close())
  child.exit(0)
  child.disconnect()
  expect(child.listeners()).toBe(1) // Motia's
})
