import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { copyApp, type MotiaApp, startMotia } from '../support/motia-app.ts'
import { startTestRedis } from '../support/redis-server.ts'
import { until } from '../support/until.ts'

const fixture = fileURLToPath(new URL('../fixtures/injection', import.meta.url))

interface ChildFacts {
  readonly pid: number
  readonly ended: boolean
  readonly listeners: string[]
}

let app: MotiaApp
let copy: ReturnType<typeof copyApp>
beforeAll(async () => {
  const [primary, secondary] = await Promise.all([startTestRedis(), startTestRedis()])
  copy = copyApp(fixture)
  app = await startMotia({
    dir: copy.dir,
    env: {
      REDIS_PRIMARY_URL: primary.url,
      REDIS_SECONDARY_URL: secondary.url,
      NODE_OPTIONS: '--max-old-space-size=777 --no-deprecation',
    },
  })
})
afterAll(async () => {
  await app?.stop()
  copy?.remove()
})

const stored = async (key: string, category = 'orders'): Promise<unknown> => {
  const query = new URLSearchParams({ key, category })
  return (await app.json<{ value: unknown }>(`/__motia/probe/get?${query}`)).value
}
const children = (): Promise<ChildFacts[]> => app.json('/__motia/probe/children')
const childOf = async (pid: number): Promise<ChildFacts | undefined> =>
  (await children()).find((one) => one.pid === pid)

describe('motia dev, in a folder whose name has a space', () => {
  it('a TypeScript step writes, a JavaScript step reads (a Date is a Date), an event step goes on', async () => {
    expect(copy.dir).toContain(' ')
    expect(await app.json('/read?key=a')).toEqual({ found: false, date: false, set: false })
    await app.json('/write', { key: 'a', n: 5 })
    expect(await app.json('/read?key=a')).toEqual({ found: true, n: 5, date: true, set: true })
    await until('the event step ran', async () => (await stored('event:a')) === 'seen')
  })

  it('a step with a default export has the cache', async () => {
    const { n } = await app.json<{ n: number }>('/default')
    expect(await app.json('/default')).toEqual({ n: n + 1 })
  })

  it('calls that nobody awaited are done before the answer leaves; one that fails is said and spoils nothing', async () => {
    await app.json('/unawaited')
    expect(await stored('then')).toBe('also')
    expect(await stored('slow')).toBe('computed')
    expect(await app.json('/read?key=unawaited')).toMatchObject({ found: true })
    await app.printed(/a call that was not awaited has failed: CACHE_INVALID_KEY cache\.set in 'cache': /)
  })

  it('all ways to the cache are one, open nothing, and say the same as the server', async () => {
    const facts = await app.json<Record<string, unknown>>('/imports')
    expect(facts.seen).toEqual(['import', 'import', 'import', null])
    expect(facts.same).toBe(true)
    expect(facts.stateError).toBe('STATE_TIMEOUT')
    expect(facts.options).toMatch(/^--max-old-space-size=777 --no-deprecation --require=.*\/dist\/preload\.cjs$/)
    // No connection, timer, thread or file of ours: only the channel and what Node's own loader has in flight.
    expect((facts.opened as string[]).filter((name) => /TCP|TLS|UDP|Addr|DNS|Timeout|Worker|^\//.test(name))).toEqual(
      [],
    )
    for (const failure of facts.onlyServer as string[][]) {
      expect(failure?.[0]).toBe('CACHE_UNAVAILABLE')
      expect(failure?.[1]).toMatch(/only in the server process/)
    }
    expect(facts.badKey).toMatchObject(['CACHE_INVALID_KEY', expect.any(String), 'cache', 'get', 'no'])
    expect(facts.badTtl).toMatchObject(['CACHE_INVALID_OPTION', expect.stringContaining('0'), 'menu', 'set', 'no'])
    expect(facts.badNumber).toMatchObject(['CACHE_INVALID_OPTION', expect.stringContaining('NaN'), 'menu', 'set', 'no'])
  })

  it('10,000 calls at once and a value of 1 MiB', async () => {
    expect(await app.json('/many')).toEqual({ sum: (10_000 * 9_999) / 2, big: true })
  })

  it("a step's own child processes and threads are left alone", async () => {
    const { fromChild, fromWorker } = await app.json<Record<string, { argv: string[]; code: string }>>('/family')
    expect(fromChild).toEqual({ argv: ['a', 'b'], code: expect.stringMatching(/^CACHE_UNAVAILABLE .*redisTiers/) })
    expect(fromWorker).toEqual({ argv: ['c'], code: expect.stringMatching(/^CACHE_UNAVAILABLE .*main thread/) })
  })

  it('one computation for many requests, and the error of a factory reaches all who waited', async () => {
    const answers = await Promise.all(
      [1, 2, 3].map(() => app.json<{ value: { by: number }; pid: number }>('/lease?how=compute&key=shared')),
    )
    expect(new Set(answers.map(({ value }) => value.by)).size).toBe(1)
    const failed = await app.fetch('/lease?how=throw&key=failing')
    expect(failed.status).toBe(500)
    await app.printed(/no luck/)
  })

  it('a step that dies while it computes frees its lease at once and leaves nothing in the server', async () => {
    const crashing = app.fetch('/lease?how=crash&key=crash')
    const pid = Number(await until('the lease is held', () => stored('holds:crash')))
    const waiting = app.json<{ value: { by: number }; pid: number }>('/lease?how=compute&key=crash')
    await crashing.then((response) => response.arrayBuffer())
    const died = Date.now()
    const { value, pid: successor } = await waiting
    expect(value.by).toBe(successor)
    expect(Date.now() - died).toBeLessThan(3_000)
    const left = await until('its process is gone', async () => (await childOf(pid))?.ended && childOf(pid))
    expect(left?.listeners.filter((name) => name !== 'internalMessage')).toEqual([])
    expect(existsSync(`/proc/${pid}`)).toBe(false)
  })

  it("a step that Motia's own timeout kills frees its lease at once, and who waits takes over", async () => {
    await app.json('/lease?how=event&key=held')
    const pid = Number(await until('the lease is held', () => stored('holds:held')))
    const waiting = app.json<{ value: { by: number }; pid: number }>('/lease?how=compute&key=held')
    await app.printed(/timed out after 6 seconds/)
    const died = Date.now()
    const { value, pid: successor } = await waiting
    expect(Date.now() - died).toBeLessThan(3_000)
    expect(value.by).toBe(successor)
    expect(successor).not.toBe(pid)
    await until('its process is gone', async () => (await childOf(pid))?.ended)
  })

  it('a factory that takes longer than the steps that ask for it does finish', async () => {
    const ask = (value: string) => app.json<{ answer: unknown; ms: number }>(`/slow?key=k&value=${value}`)
    const first = { value: 'first', stale: false }
    expect((await ask('first')).answer).toEqual(first)
    expect(await app.json('/slow?key=k&how=expire')).toEqual({ was: true })
    // Answered at once: the step ends, and what it began dies with it.
    const second = await ask('second')
    expect(second.answer).toEqual(first)
    expect(second.ms).toBeLessThan(500)
    await until('its process is gone', async () => (await children()).every(({ ended }) => ended))
    // The next one computes again, and this time waits for it.
    expect((await ask('third')).answer).toEqual({ value: 'third', stale: true })
    expect((await ask('fourth')).answer).toEqual({ value: 'third', stale: true })
    expect(await stored('runs:k', 'analytics')).toBe(3)
  })

  it('of steps that ended the server keeps no listener of ours', async () => {
    await until('all steps have ended', async () => (await children()).every(({ ended }) => ended))
    const listeners = (await children()).flatMap((child) => child.listeners)
    expect(listeners.filter((name) => name === 'message' || name === 'removeListener')).toEqual([])
    expect((await children()).length).toBeGreaterThan(10)
  })

  it('cacheResponse answers from the cache, per path and query, and leaves personal answers alone', async () => {
    const get = async (path: string, headers: Record<string, string> = {}) => {
      const response = await app.fetch(path, { headers })
      return { seen: response.headers.get('x-cache'), own: response.headers.get('x-own'), body: await response.json() }
    }
    const first = await get('/response/1?b=2&a=1')
    expect(first).toMatchObject({ seen: 'miss', own: 'kept', body: { id: '1' } })
    expect(await get('/response/1?a=1&b=2')).toEqual({ ...first, seen: 'hit' })
    expect((await get('/response/2?a=1&b=2')).seen).toBe('miss')
    expect((await get('/response/1?a=1&b=2', { authorization: 'Bearer x' })).seen).toBeNull()
    expect((await get('/response/1?cookie=1')).seen).not.toBe('hit')
    expect((await get('/response/1?cookie=1')).seen).not.toBe('hit')
  })

  it('printed nothing of ours but the start lines and the call that failed', () => {
    const ours = app
      .output()
      .split('\n')
      .filter((line) => line.includes('motia-redis  '))
    expect(
      ours.filter((line) => !/ {2}(primary|secondary) +up |context\.cache is in every step|not awaited/.test(line)),
    ).toEqual([])
    expect(app.output()).not.toMatch(/EPIPE|ERR_IPC|Unhandled|UnhandledPromise/)
  })
})

describe('other ways to run', () => {
  const runOnce = async (
    options: { mode?: 'dev' | 'start'; env?: Record<string, string>; cron?: boolean },
    test: (app: MotiaApp) => Promise<void>,
  ): Promise<void> => {
    const redis = await startTestRedis()
    const other = copyApp(fixture)
    if (options.cron === true) {
      const { cpSync } = await import('node:fs')
      cpSync(join(other.dir, 'extra', 'tick.step.ts'), join(other.dir, 'steps', 'tick.step.ts'))
    }
    const env = { REDIS_PRIMARY_URL: redis.url, ...options.env }
    const running = await startMotia({ dir: other.dir, mode: options.mode ?? 'dev', env })
    try {
      await test(running)
    } finally {
      await running.stop()
      other.remove()
    }
  }

  it('motia start, under the inspector: API, event and cron steps have the cache', () =>
    runOnce({ mode: 'start', cron: true, env: { NODE_OPTIONS: '--inspect=0' } }, async (running) => {
      await running.json('/write', { key: 'a', n: 1 })
      const { options, same } = await running.json<{ options: string; same: boolean }>('/imports')
      expect([options.startsWith('--inspect=0 --require=/'), same]).toEqual([true, true])
      // The server and each step listen.
      expect(running.output().match(/Debugger listening/g)?.length).toBeGreaterThanOrEqual(3)
      expect(await running.json('/read?key=a')).toMatchObject({ found: true, date: true })
      const ticks = () => running.json<{ value: number | null }>('/__motia/probe/get?key=ticks&category=analytics')
      await until('the cron step ran twice', async () => ((await ticks()).value ?? 0) >= 2, 15_000)
      await until(
        'the event step ran',
        async () => (await running.json<{ value: unknown }>('/__motia/probe/get?key=event:a&category=orders')).value,
      )
    }))

  it('MOTIA_REDIS_INJECT=off: NODE_OPTIONS untouched, no context.cache, the import works', () =>
    runOnce({ env: { MOTIA_REDIS_INJECT: 'off' } }, async (running) => {
      const facts = await running.json<{ seen: unknown[]; same: boolean; options: unknown }>('/imports')
      expect(facts.seen).toEqual(['no context.cache', 'import', 'import', null])
      expect(facts.same).toBe(false)
      expect(facts.options).toBeNull()
      expect(running.output()).not.toContain('context.cache is in every step')
    }))
})
