import { Readable } from 'node:stream'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createCacheClient } from '../../../src/cache/client.ts'
import type { CacheEngine, Lease } from '../../../src/cache/engine.ts'
import { cacheError, isCacheError } from '../../../src/errors.ts'
import { createCacheResponse } from '../../../src/motia/step/cache-response.ts'
import { type KeptResponse, keep, type Response, restore } from '../../../src/motia/step/kept-response.ts'
import { responseKey } from '../../../src/motia/step/response-key.ts'
import type { CacheResponseOptions } from '../../../src/motia/step/response-options.ts'
import { stepSide } from '../../../src/motia/step/step-side.ts'
import { until } from '../../support/until.ts'
import { createMemoryEngine } from './memory-engine.ts'

describe('the key of a response', () => {
  const key = (pathParams: Record<string, string>, queryParams: Record<string, string | string[]>) =>
    responseKey('GET', '/menu/:id', { pathParams, queryParams })

  it('is method and path where that is all', async () => {
    expect(await key({}, {})).toBe('GET /menu/:id')
  })

  it('does not depend on the order of parameters, but on everything else', async () => {
    const params = fc.dictionary(
      fc.string({ maxLength: 8 }),
      fc.oneof(fc.string({ maxLength: 8 }), fc.array(fc.string({ maxLength: 4 }), { minLength: 1, maxLength: 3 })),
      { maxKeys: 4 },
    )
    const reversed = (record: Record<string, string | string[]>) => Object.fromEntries(Object.entries(record).reverse())
    await fc.assert(
      fc.asyncProperty(params, async (query) => {
        expect(await key({ id: '1' }, reversed(query))).toBe(await key({ id: '1' }, query))
        expect(await key({ id: '2' }, query)).not.toBe(await key({ id: '1' }, query))
        expect(await key({ id: '1' }, { ...query, more: 'x' })).not.toBe(
          await key({ id: '1' }, { ...query, more: 'y' }),
        )
      }),
    )
  })

  it('tells a path parameter from a query parameter of the same name', async () => {
    expect(await key({ a: '1' }, {})).not.toBe(await key({}, { a: '1' }))
    expect(await key({}, { a: '1&b=2' })).not.toBe(await key({}, { a: '1', b: '2' }))
  })

  it('is short, whatever was asked', async () => {
    const long = await key({}, { q: 'é'.repeat(5_000) })
    expect(Buffer.byteLength(long ?? '')).toBeLessThan(100)
    expect(long).not.toBe(await key({}, { q: 'é'.repeat(5_001) }))
  })

  it('is none for a query that is an object', async () => {
    expect(await key({}, { a: { b: 'c' } } as never)).toBeUndefined()
  })
})

describe('a response', () => {
  const plain = { status: 200, headers: { 'x-a': '1' }, body: { n: 1 } }
  const keepIt = (response: Response | undefined, asked: Record<string, string> = {}, vary: string[] = []) =>
    keep(response, asked, vary)
  const kept = async (response: Response): Promise<KeptResponse> => {
    const it = await keepIt(response)
    if (it === undefined) throw new Error('not kept')
    return it
  }

  it('comes back as it was, marked', async () => {
    const { etag, at, ...rest } = await kept(plain)
    expect(rest).toEqual(plain)
    expect(etag).toMatch(/^W\/"[\w-]{27}"$/)
    expect(restore({ ...rest, etag, at }, 'hit', {}, [])).toEqual({
      ...plain,
      headers: { 'x-a': '1', etag, 'x-cache': 'hit' },
    })
    const bare = restore(await kept({ status: 204, body: undefined }), 'miss', {}, [])
    expect(bare).toEqual({ status: 204, headers: { etag: expect.any(String), 'x-cache': 'miss' }, body: undefined })
  })

  it('with a Buffer comes back with a Buffer', async () => {
    const body = Buffer.from([0, 255, 10])
    const it = await kept({ status: 200, body })
    expect(restore(it, 'hit', {}, []).body).toEqual(body)
    expect((await kept({ status: 200, body: 'text' })).etag).not.toBe(it.etag)
  })

  it('is kept as what a client gets of it', async () => {
    const body = { at: new Date(0), gone: undefined, money: { toJSON: () => '1.50' }, list: [undefined] }
    expect((await kept({ status: 200, body })).body).toEqual(JSON.parse(JSON.stringify(body)))
    expect((await kept({ status: 200, body: ':text' })).body).toBe(':text')
    expect((await kept({ status: 200, body: null })).body).toBeNull()
  })

  it('has an ETag that follows from its body, or its own', async () => {
    const { etag } = await kept(plain)
    expect((await kept({ ...plain, headers: { 'x-b': '2' } })).etag).toBe(etag)
    expect((await kept({ ...plain, body: { n: 2 } })).etag).not.toBe(etag)
    const own = await kept({ ...plain, headers: { ETag: '"v1"' } })
    expect(own.etag).toBe('"v1"')
    expect(restore(own, 'hit', {}, []).headers).toEqual({ ETag: '"v1"', 'x-cache': 'hit' })
  })

  it.each([
    ['the same', '"a"', true],
    ['the same, weak', 'W/"a"', true],
    ['one of several', '"b", W/"a","c"', true],
    ['any', ' * ', true],
    ['another', '"b"', false],
    ['longer', '"aa"', false],
    ['no tag', 'a', false],
    ['empty', '', false],
  ])('is 304 where If-None-Match is %s', (_what, wanted, same) => {
    const headers = { 'Content-Type': 'text/plain', 'content-location': '/a', 'x-a': '1' }
    for (const etag of ['"a"', 'W/"a"']) {
      const it = { status: 200, headers, body: 'x', etag, at: 1 }
      const answer = restore(it, 'hit', { 'if-none-match': wanted }, [])
      expect(answer).toEqual(
        same
          ? { status: 304, headers: { 'content-location': '/a', 'x-a': '1', etag, 'x-cache': 'hit' }, body: '' }
          : { status: 200, headers: { ...headers, etag, 'x-cache': 'hit' }, body: 'x' },
      )
      const reload = restore(it, 'hit', { 'if-none-match': wanted, 'cache-control': 'no-cache' }, [])
      expect(reload.status).toBe(answer.status)
    }
  })

  it('tells caches on its way by which headers it differs', async () => {
    const it = await kept(plain)
    expect(restore(it, 'hit', {}, ['accept', 'cookie']).headers).toMatchObject({ vary: 'accept, cookie' })
    const own = { ...it, headers: { Vary: 'Accept, Accept-Encoding' } }
    const { headers } = restore(own, 'hit', {}, ['accept', 'accept-language'])
    expect(headers).toEqual({
      vary: 'accept, accept-language, accept-encoding',
      etag: it.etag,
      'x-cache': 'hit',
    })
    expect(restore(own, 'hit', {}, []).headers).toMatchObject({ vary: 'accept, accept-encoding' })
  })

  it.each([
    ['no answer', undefined],
    ['an error', { ...plain, status: 500 }],
    ['a redirect', { ...plain, status: 302 }],
    ['a part', { ...plain, status: 206 }],
    ['a status that is no number', { ...plain, status: Number.NaN }],
    ['a cookie', { ...plain, headers: { 'Set-Cookie': 'a=b' } }],
    ['cache-control: private', { ...plain, headers: { 'Cache-Control': 'private, max-age=5' } }],
    ['cache-control: no-store', { ...plain, headers: { 'cache-control': 'No-Store' } }],
    ['vary', { ...plain, headers: { Vary: 'Accept-Language' } }],
    ['a stream', { ...plain, body: Readable.from(['a']) }],
    ['a web stream', { ...plain, body: new Blob(['a']).stream() }],
    ['a generator', { ...plain, body: (async function* () {})() }],
    ['no JSON', { ...plain, body: { big: 1n } }],
  ])('that is %s is not kept', async (_what, response) => {
    expect(await keepIt(response)).toBeUndefined()
  })

  it('may differ by what vary names, and by nothing else', async () => {
    const differs = { ...plain, headers: { Vary: 'Accept-Language, Cookie' } }
    expect(await keepIt(differs, {}, ['accept-language', 'cookie'])).toBeDefined()
    expect(await keepIt(differs, {}, ['accept-language'])).toBeUndefined()
    expect(await keepIt({ ...plain, headers: { vary: '*' } }, {}, ['accept'])).toBeUndefined()
    const login = { ...plain, headers: { 'set-cookie': 'a=b' } }
    expect(await keepIt(login, { cookie: 'a=1' }, ['cookie'])).toBeDefined()
    expect(await keepIt(login, {}, ['cookie'])).toBeUndefined()
    expect(await keepIt(login, { cookie: 'a=1' })).toBeUndefined()
  })
})

describe('the options of cacheResponse', () => {
  const make = createCacheResponse(stepSide().cache)

  it.each([
    [undefined, 'the options must be an object'],
    [{}, 'a value of type undefined is no category name'],
    [{ category: 'Menu' }, "'Menu' is no category name"],
    [{ category: 'menu', tll: '1m' }, "unknown option 'tll' (did you mean 'ttl'?)"],
    [{ category: 'menu', ttl: 0 }, 'ttl: 0 is too short'],
    [{ category: 'menu', ttl: '60' }, "ttl: '60' has no unit"],
    [{ category: 'menu', key: 'all' }, 'key must be a function'],
    [{ category: 'menu', vary: 'accept' }, 'vary must be an array'],
    [{ category: 'menu', vary: ['accept language'] }, 'vary must be an array'],
  ])('%j are refused at once', (options, text) => {
    let thrown: unknown
    try {
      make(options as never)
    } catch (error) {
      thrown = error
    }
    expect(isCacheError(thrown) && [thrown.code, thrown.operation]).toEqual(['CACHE_INVALID_OPTION', 'cacheResponse'])
    expect((thrown as Error).message).toContain(`cacheResponse: ${text}`)
  })
})

describe('cacheResponse', () => {
  const argv = [...process.argv]
  beforeEach(() => {
    process.argv[2] = new URL('../../fixtures/injection/plain/api.js', import.meta.url).pathname
  })
  afterEach(() => {
    process.argv = [...argv]
    vi.restoreAllMocks()
  })

  const open = (options: Partial<CacheResponseOptions> = {}) => {
    const memory = createMemoryEngine()
    const middleware = createCacheResponse(createCacheClient(memory.engine))({ category: 'menu', ...options })
    let ran = 0
    const ask = async (
      headers: Record<string, string> = {},
      handler: () => Promise<Response> = async () => ({ status: 200, body: { ran } }),
      queryParams: Record<string, string> = {},
    ) => {
      const request = { pathParams: {}, queryParams, body: {}, headers, rawBody: '' }
      return middleware(request, {} as never, async () => {
        ran += 1
        return handler()
      })
    }
    return { ask, memory, ran: () => ran }
  }
  const seen = (response: Response): unknown => (response.headers as Record<string, string> | undefined)?.['x-cache']

  it('runs the handler once for many who ask at the same time, then not at all', async () => {
    const { ask, ran } = open()
    const slow = async (): Promise<Response> => {
      await new Promise((resolve) => setTimeout(resolve, 20))
      return { status: 200, body: { n: 1 } }
    }
    const answers = await Promise.all(Array.from({ length: 5 }, () => ask({}, slow)))
    expect(answers.map(seen).sort()).toEqual(['hit', 'hit', 'hit', 'hit', 'miss'])
    expect(seen(await ask({}, slow))).toBe('hit')
    expect(ran()).toBe(1)
  })

  it('answers 304 to who has it, before and after', async () => {
    const { ask, ran } = open()
    const first = await ask()
    const { etag } = first.headers as Record<string, string>
    expect(await ask({ 'if-none-match': String(etag) })).toMatchObject({ status: 304, body: '' })
    expect(ran()).toBe(1)
    const other = open()
    expect((await other.ask({ 'if-none-match': String(etag) })).status).toBe(304)
  })

  it('keeps nothing that is personal, unless vary names why', async () => {
    const { ask, ran, memory } = open()
    for (const headers of [{ authorization: 'a' }, { cookie: 'a' }, { range: 'bytes=0-1' }]) {
      expect(seen(await ask(headers))).toBeUndefined()
    }
    expect([ran(), memory.data.size]).toEqual([3, 0])
    const varied = open({ vary: ['Authorization', 'accept-language'] })
    expect(seen(await varied.ask({ authorization: 'a' }))).toBe('miss')
    expect(seen(await varied.ask({ authorization: 'a' }))).toBe('hit')
    expect(seen(await varied.ask({ authorization: 'b' }))).toBe('miss')
    expect(seen(await varied.ask({ authorization: 'a', 'accept-language': 'de' }))).toBe('miss')
    expect(seen(await varied.ask({}))).toBe('miss')
    expect(seen(await varied.ask({ authorization: 'a', cookie: 'x' }))).toBeUndefined()
    expect([...varied.memory.data.keys()].join()).not.toMatch(/\bde\b/)
  })

  it('has the key that a function makes, apart for each header', async () => {
    const { ask, memory } = open({ key: ({ queryParams }) => `q-${queryParams.q}`, vary: ['accept'] })
    await ask({ accept: 'a' }, undefined, { q: '1', other: '2' })
    expect(seen(await ask({ accept: 'a' }, undefined, { q: '1', other: '3' }))).toBe('hit')
    expect(seen(await ask({ accept: 'b' }, undefined, { q: '1' }))).toBe('miss')
    expect([...memory.data.keys()]).toEqual([
      expect.stringMatching(/^menu:GET \/\S+ q-1 [\w-]{43}$/),
      expect.stringMatching(/^menu:GET \/\S+ q-1 [\w-]{43}$/),
    ])
  })

  it('takes a key of any length, and keeps nothing where the function makes none', async () => {
    const long = open({ key: () => 'é'.repeat(5_000) })
    await long.ask()
    expect(seen(await long.ask())).toBe('hit')
    expect(Buffer.byteLength([...long.memory.data.keys()].join())).toBeLessThan(100)
    const none = open({ key: () => undefined as never })
    expect(seen(await none.ask())).toBeUndefined()
    expect(none.memory.data.size).toBe(0)
  })

  it('gives what is not to be shared to the one who asked, and lets the others ask themselves', async () => {
    const { ask, ran, memory } = open()
    const failing = async (): Promise<Response> => {
      await new Promise((resolve) => setTimeout(resolve, 20))
      return { status: 503, body: 'busy' }
    }
    const answers = await Promise.all([ask({}, failing), ask({}, failing), ask({}, failing)])
    expect(answers).toEqual(Array(3).fill({ status: 503, body: 'busy' }))
    expect([ran(), memory.data.size]).toEqual([3, 0])
  })

  it("passes the handler's own error on", async () => {
    const { ask } = open()
    const broken = Object.assign(new Error('broken'), { code: 'E_OVEN' })
    await expect(
      ask({}, async () => {
        throw broken
      }),
    ).rejects.toBe(broken)
  })

  it('is stale while the stale answer is served', async () => {
    const { ask, memory } = open()
    const first = await ask()
    const { getEntry } = memory.engine
    const engine = {
      ...memory.engine,
      getEntry: async (place: Parameters<typeof getEntry>[0]) => {
        const entry = await getEntry(place)
        return entry && { ...entry, stale: true }
      },
    }
    const middleware = createCacheResponse(createCacheClient(engine))({ category: 'menu' })
    const request = { pathParams: {}, queryParams: {}, body: {}, headers: {}, rawBody: '' }
    const answer = await middleware(request, {} as never, async () => ({ status: 200, body: 'new' }))
    expect(answer).toEqual({ ...first, headers: { ...first.headers, 'x-cache': 'stale' } })
  })

  /** A stale answer lies there; whoever asks renews it, and gets it if that takes longer than `patience` ms. */
  const openStale = async (patience: number) => {
    const { ask, memory } = open()
    const first = await ask()
    const { getEntry } = memory.engine
    const key = [...memory.data.keys()][0] ?? ''
    const failures: unknown[] = []
    const engine: CacheEngine = {
      ...memory.engine,
      getEntry: async (place) => {
        const entry = await getEntry(place)
        return entry && { ...entry, stale: true }
      },
      acquire: async (place, options) => {
        const value = memory.data.get(key)
        if (value === undefined) return memory.engine.acquire(place, options)
        const lease: Lease = {
          ...{ category: 'menu', hardTimeout: 10_000 },
          fill: async (fresh) => fresh && memory.data.set(key, fresh) && fresh,
          skip: async (answer) => answer,
          fail: (error) => failures.push(error),
          release: () => undefined,
        }
        return { outcome: 'lease', lease, stale: { value, patience } }
      },
    }
    const middleware = createCacheResponse(createCacheClient(engine))({ category: 'menu' })
    const request = { pathParams: {}, queryParams: {}, body: {}, headers: {}, rawBody: '' }
    const renew = (answer: Response) => middleware(request, {} as never, async () => answer)
    return { first, renew, memory, failures }
  }

  it.each([
    ['is gone', { status: 410, body: 'gone' }],
    ['needs a login now', { status: 401, body: 'who are you?' }],
    ['lies elsewhere', { status: 301, headers: { location: '/b' }, body: '' }],
    ["is one caller's now", { status: 200, headers: { 'cache-control': 'private' }, body: 'yours' }],
  ])('that %s ends the stale answer, whose grace would last', async (_what, answer) => {
    const { renew, memory, failures } = await openStale(5_000)
    expect(await renew(answer)).toEqual(answer)
    expect([memory.data.size, failures]).toEqual([0, []])
  })

  it('that is gone ends the stale answer behind it, so the next one hears of it', async () => {
    const { first, renew, memory } = await openStale(0)
    const gone = { status: 404, body: 'gone' }
    expect(await renew(gone)).toEqual({ ...first, headers: { ...first.headers, 'x-cache': 'stale' } })
    await until('it has ended', () => memory.data.size === 0)
    expect(await renew(gone)).toEqual(gone)
  })

  it.each([500, 503, 408, 429])('the stale answer stays where the handler could only say %i', async (status) => {
    const { first, renew, memory, failures } = await openStale(5_000)
    expect(await renew({ status, body: 'not now' })).toMatchObject({ status: 200, body: first.body })
    expect([memory.data.size, failures.length]).toEqual([1, 1])
  })

  it('says nothing of a handler that failed on another server', async () => {
    const said = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    const { engine } = createMemoryEngine()
    const acquire = async () => {
      throw cacheError('CACHE_LOAD_FAILED', 'elsewhere', { category: 'menu', operation: 'getOrSet' })
    }
    const middleware = createCacheResponse(createCacheClient({ ...engine, acquire }))({ category: 'menu' })
    const request = { pathParams: {}, queryParams: {}, body: {}, headers: {}, rawBody: '' }
    const own = { status: 503, body: 'busy' }
    expect(await middleware(request, {} as never, async () => own)).toEqual(own)
    expect(said.mock.calls).toEqual([])
  })

  it("leaves alone what is somebody else's at its key, and says so", async () => {
    const said = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    const { ask, memory } = open({ key: () => 'k' })
    await ask()
    const key = [...memory.data.keys()][0] ?? ''
    memory.data.set(key, { json: '{"a":1}' })
    expect(await ask()).toEqual({ status: 200, body: { ran: 2 } })
    expect(memory.data.get(key)).toEqual({ json: '{"a":1}' })
    expect(said.mock.calls).toEqual([[expect.stringContaining('something else')]])
  })
})

describe('cacheResponse where no cache can be reached', () => {
  const argv = [...process.argv]
  afterEach(() => {
    process.argv = [...argv]
    vi.restoreAllMocks()
  })

  it('answers from the handler, once, and says why', async () => {
    const said = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    const cacheResponse = createCacheResponse(stepSide().cache)
    process.argv[2] = new URL('../../fixtures/injection/plain/api.js', import.meta.url).pathname
    let ran = 0
    const next = async () => {
      ran += 1
      return { status: 200, body: { ran } }
    }
    const request = { pathParams: {}, queryParams: {}, body: {}, headers: {}, rawBody: '' }
    const answer = await cacheResponse({ category: 'menu' })(request, {} as never, next)
    expect(answer).toEqual({ status: 200, body: { ran: 1 } })
    expect(said.mock.calls).toEqual([[expect.stringContaining('cacheResponse (menu): CACHE_UNAVAILABLE')]])
  })
})
