import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createCacheClient } from '../../../src/cache/client.ts'
import { onStepProcess } from '../../../src/motia/plugin/spawned.ts'
import { createStepHost } from '../../../src/motia/plugin/step-host.ts'
import { until } from '../../support/until.ts'
import { createMemoryEngine } from '../../unit/motia/memory-engine.ts'
import { type StepProcess, startStepProcess } from './step-child.ts'

const memory = createMemoryEngine()
const warnings: string[] = []
const host = createStepHost({
  engine: async () => memory.engine,
  report: { info: () => undefined, warn: (line) => void warnings.push(line), error: () => undefined },
})
const attached: (number | undefined)[] = []
const stop = onStepProcess((child) => {
  attached.push(child.pid)
  host.attach(child)
})
const inProcess = createCacheClient(memory.engine)

let step: StepProcess
beforeAll(async () => {
  step = await startStepProcess()
})
afterAll(async () => {
  step.child.kill('SIGKILL')
  await step.ended
  await until('nothing is left', () => host.stats().children.length === 0)
  stop()
  expect(warnings).toEqual([])
})

describe('a real child process', () => {
  it('is found by how it was spawned; other processes are not', async () => {
    expect(attached).toContain(step.child.pid)
    const count = attached.length
    const others = [
      spawn(process.execPath, ['-e', ''], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] }),
      spawn(process.execPath, ['-e', '', 'node-runner.mjs.bak'], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] }),
      spawn(process.execPath, ['-e', '', '/x/node-runner.mjs'], { stdio: 'ignore' }),
    ]
    await Promise.all(others.map((child) => new Promise((resolve) => child.once('exit', resolve))))
    expect(attached).toHaveLength(count)
  })

  it('reads what this process wrote, and the other way round, with rich values', async () => {
    await inProcess.set('a', { when: new Date(5), map: new Map([[1, 2n]]) }, { category: 'menu' })
    const seen = await step.run(async ({ cache }) => {
      const value = await cache.get<{ when: Date; map: Map<number, bigint> }>('a', { category: 'menu' })
      await cache.category('menu').set('b', { set: new Set([undefined, Number.NaN]), url: new URL('http://h/') })
      return [value?.when instanceof Date, value?.when.getTime(), value?.map.get(1) === 2n]
    })
    expect(seen).toEqual([true, 5, true])
    expect(await inProcess.get('b', { category: 'menu' })).toEqual({
      set: new Set([undefined, Number.NaN]),
      url: new URL('http://h/'),
    })
  })

  it('has every operation', async () => {
    const seen = await step.run(async ({ cache, redisService }) => {
      const c = cache.category('ops')
      const out: Record<string, unknown> = {}
      await c.setMany([
        ['x', 1],
        ['y', { n: 2 }],
      ])
      out.getMany = [...(await c.getMany(['x', 'y', 'z']))]
      out.entry = await c.getEntry('y')
      out.noEntry = (await c.getEntry('nope')) === undefined
      out.has = [await c.has('x'), await c.has('z')]
      out.miss = (await c.get('z')) === undefined
      out.increment = [await c.increment('n'), await c.increment('n', { by: 4 })]
      out.touch = await c.touch('x', { ttl: '1m' })
      out.keys = await c.keys({ limit: 10 })
      out.delete = [await c.delete('x'), await c.delete('x')]
      out.deleteMany = await c.deleteMany(['y', 'z'])
      out.expire = await c.expire('n')
      out.tags = await c.invalidateTags(['a', 'b'])
      await c.set('last', 1)
      await c.clear()
      out.cleared = await c.has('last')
      await redisService.setCache('s', 5, { ttl: 60 })
      out.service = [
        await redisService.getCache('s'),
        await redisService.getCache('none'),
        await redisService.deleteCache('s'),
      ]
      return out
    })
    expect(seen).toEqual({
      getMany: [
        ['x', 1],
        ['y', { n: 2 }],
      ],
      entry: expect.objectContaining({ value: { n: 2 }, createdAt: 1, source: 'primary', redisKey: 'ops:y' }),
      noEntry: true,
      has: [true, false],
      miss: true,
      increment: [1, 5],
      touch: true,
      keys: { keys: ['x', 'y', 'n'] },
      delete: [true, false],
      deleteMany: 1,
      expire: true,
      tags: 2,
      cleared: false,
      service: [5, null, true],
    })
  })

  it('hands the engine options as they were given, also NaN', async () => {
    memory.calls.length = 0
    await step.run(async ({ cache }) => {
      await cache.set('o', 1, { ttl: Number.NaN, tags: ['a'] })
      await cache.set('o', 1, { ttl: '10m', grace: false })
      await cache.increment('p', { by: -0, ttl: Number.POSITIVE_INFINITY })
    })
    const options = memory.calls.map(({ args }) => args.at(-1))
    expect(options).toEqual([
      { ttl: Number.NaN, tags: ['a'] },
      { ttl: '10m', grace: false },
      { by: -0, ttl: Number.POSITIVE_INFINITY },
    ])
  })

  it('keeps keys apart that differ in a lone surrogate only', async () => {
    await step.run(async ({ cache }) => {
      await cache.set('twin:é', 1)
      await cache.set('twin:e\u0301', 2)
    })
    expect([await inProcess.get('twin:é'), await inProcess.get('twin:e\u0301')]).toEqual([1, 2])
  })

  it('answers 10,000 calls at once', async () => {
    const sum = await step.run(async ({ cache }) => {
      const keys = Array.from({ length: 10_000 }, (_, i) => `bulk:${i}`)
      await Promise.all(keys.map((key, i) => cache.set(key, i)))
      const values = await Promise.all(keys.map((key) => cache.get<number>(key)))
      return values.reduce<number>((total, value) => total + (value ?? 0), 0)
    })
    expect(sum).toBe((10_000 * 9_999) / 2)
    expect(host.stats().calls).toBe(0)
  })

  it('sends and gets values of 1 MiB, many at once', async () => {
    const lengths = await step.run(async ({ cache }) => {
      const value = '\u00e9"\n'.repeat(256 * 1024)
      await Promise.all(Array.from({ length: 20 }, (_, i) => cache.set(`big:${i}`, value)))
      const back = await Promise.all(Array.from({ length: 20 }, (_, i) => cache.get<string>(`big:${i}`)))
      return back.every((one) => one === value)
    })
    expect(lengths).toBe(true)
  })
})

describe('getOrSet between processes', () => {
  it('computes once for all, and shares the value', async () => {
    const other = await startStepProcess()
    try {
      const work = async ({ cache }: { cache: { getOrSet: (...a: unknown[]) => Promise<unknown> } }, key: string) => {
        let ran = 0
        const values = await Promise.all(
          Array.from({ length: 50 }, () =>
            cache.getOrSet(key, async () => {
              ran += 1
              await new Promise((resolve) => setTimeout(resolve, 100))
              return { when: new Date(7), ran }
            }),
          ),
        )
        return { ran, same: values.every((value) => (value as { when: Date }).when.getTime() === 7) }
      }
      const [a, b] = await Promise.all([step.run(work as never, 'once'), other.run(work as never, 'once')])
      const results = [a, b] as { ran: number; same: boolean }[]
      expect(results.map(({ same }) => same)).toEqual([true, true])
      expect(results.reduce((total, { ran }) => total + ran, 0)).toBe(1)
    } finally {
      other.child.kill('SIGKILL')
      await other.ended
    }
  })

  it("shares the factory's own error with name, message and code; the holder gets it as it was thrown", async () => {
    const failing = step.run(async ({ cache }) => {
      const own = Object.assign(new RangeError('too many'), { code: 'E_MANY', extra: 1 })
      try {
        await cache.getOrSet('fails', async () => {
          await new Promise((resolve) => setTimeout(resolve, 300))
          throw own
        })
      } catch (error) {
        return error === own
      }
      return 'no error'
    })
    await until('the lease is held', () => host.stats().leases === 1)
    const refused = { name: 'RangeError', message: 'too many', code: 'E_MANY' }
    // Looked at from the start: it may be rejected before the step's own answer is here.
    const waiting = expect(inProcess.getOrSet('fails', () => 'not asked')).rejects.toMatchObject(refused)
    expect(await failing).toBe(true)
    await waiting
  })

  it('passes the lease on when its holder dies, and leaves nothing of it', async () => {
    const doomed = await startStepProcess()
    const pid = doomed.child.pid
    void doomed.run(async ({ cache }) => {
      await cache.getOrSet('orphan', () => new Promise(() => undefined))
    })
    await until('the lease is held', () => host.stats().leases === 1)
    const waiting = step.run(async ({ cache }) => cache.getOrSet('orphan', () => 'taken over'))
    await until('somebody waits', () => host.stats().waiters === 1)
    doomed.child.kill('SIGKILL')
    expect(await waiting).toBe('taken over')
    expect(host.stats().children).not.toContain(pid)
    expect(host.stats()).toMatchObject({ leases: 0, waiters: 0, calls: 0 })
  })

  it('forgets a waiter whose process dies', async () => {
    const doomed = await startStepProcess()
    const holding = step.run(async ({ cache }) =>
      cache.getOrSet('slow', () => new Promise((resolve) => setTimeout(() => resolve('done'), 500))),
    )
    await until('the lease is held', () => host.stats().leases === 1)
    void doomed.run(async ({ cache }) => {
      await cache.getOrSet('slow', () => 'never')
    })
    await until('it waits', () => host.stats().waiters === 1)
    doomed.child.kill('SIGKILL')
    await until('it is forgotten', () => host.stats().waiters === 0, 1_000)
    expect(await holding).toBe('done')
  })
})

describe('calls that take longer than a silent server is waited for', () => {
  it('are answered, however many there are', async () => {
    const open = memory.hold('get')
    const reading = step.run(async ({ cache }) => {
      const answers = await Promise.allSettled(Array.from({ length: 300 }, (_, i) => cache.get(`slow${i}`)))
      return answers.filter(({ status }) => status === 'fulfilled').length
    })
    await until('as many run as may', () => host.stats().calls === 300)
    await new Promise((resolve) => setTimeout(resolve, 6_000))
    open()
    expect(await reading).toBe(300)
  })
})

describe('a step that ends', () => {
  it('in the middle of 1,000 calls gets no reply that would raise an error', async () => {
    const doomed = await startStepProcess()
    const errors: unknown[] = []
    doomed.child.on('error', (error) => errors.push(error))
    const open = memory.hold('get')
    const before = memory.calls.length
    void doomed.run(async ({ cache }) => {
      await Promise.all(Array.from({ length: 1_000 }, (_, i) => cache.get(`x${i}`)))
    })
    await until('calls run', () => memory.calls.length > before)
    doomed.child.kill('SIGKILL')
    await doomed.ended
    open()
    await until('nothing of it is left', () => !host.stats().children.includes(doomed.child.pid ?? 0), 1_000)
    expect(errors).toEqual([])
    const ours = ['message', 'exit', 'disconnect', 'removeListener'].map((name) => doomed.child.listenerCount(name))
    expect(ours).toEqual([1, 0, 0, 0]) // the one is this test's
  })
})

describe('outside a step', () => {
  it.each([['no plugin', { MOTIA_REDIS_HOST_READY: undefined }, /plugins: \[tiers\.plugin\]/]])(
    '%s: calls say what to do',
    async (_what, env, text) => {
      const lonely = await startStepProcess(env)
      try {
        await expect(lonely.run(async ({ cache }) => cache.get('a'))).rejects.toMatchObject({
          name: 'CacheError',
          code: 'CACHE_UNAVAILABLE',
          message: expect.stringMatching(text),
        })
      } finally {
        lonely.child.kill('SIGKILL')
        await lonely.ended
      }
    },
  )

  it('a plain process is told where its cache is, at once', async () => {
    const script = fileURLToPath(new URL('../../../src/motia/step/step-side.ts', import.meta.url))
    const source = `import { stepSide } from ${JSON.stringify(script)}
      await stepSide().cache.get('a').catch((error) => console.log(error.code, error.message))`
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', source])
    let said = ''
    child.stdout.on('data', (chunk) => {
      said += chunk
    })
    await new Promise((resolve) => child.once('exit', resolve))
    expect(said).toMatch(/CACHE_UNAVAILABLE .*redisTiers\(\)/)
  })
})
