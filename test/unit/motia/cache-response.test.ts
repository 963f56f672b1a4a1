import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createCacheResponse } from '../../../src/motia/step/cache-response.ts'
import { keep, restore } from '../../../src/motia/step/kept-response.ts'
import { responseKey } from '../../../src/motia/step/response-key.ts'
import { stepSide } from '../../../src/motia/step/step-side.ts'

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

  it('comes back as it was, marked', () => {
    const kept = keep(plain)
    expect(kept && restore(kept, 'hit')).toEqual({ ...plain, headers: { 'x-a': '1', 'x-cache': 'hit' } })
    const bare = keep({ status: 204, body: '' })
    expect(bare && restore(bare, 'miss')).toEqual({ status: 204, headers: { 'x-cache': 'miss' }, body: '' })
  })

  it('with a Buffer comes back with a Buffer', () => {
    const body = Buffer.from([0, 255, 10])
    const kept = keep({ status: 200, body })
    const sent = JSON.parse(JSON.stringify(kept)) as NonNullable<typeof kept>
    expect(restore(sent, 'hit').body).toEqual(body)
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
  ])('that is %s is not kept', (_what, response) => {
    expect(keep(response)).toBeUndefined()
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
