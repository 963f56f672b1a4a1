import { request } from 'node:http'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { copyApp, type MotiaApp, startMotia } from '../support/motia-app.ts'
import { startTestRedis, type TestRedis } from '../support/redis-server.ts'

let app: MotiaApp
let primary: TestRedis
let redis: Redis
let copy: ReturnType<typeof copyApp>
beforeAll(async () => {
  primary = await startTestRedis()
  redis = new Redis(primary.url)
  copy = copyApp(fileURLToPath(new URL('../fixtures/responses', import.meta.url)))
  app = await startMotia({ dir: copy.dir, env: { REDIS_PRIMARY_URL: primary.url } })
})
afterAll(async () => {
  await app?.stop()
  redis?.disconnect()
  copy?.remove()
})

/** A plain HTTP client: fetch hides what it makes of 304 and of a HEAD's length. */
const ask = (
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<{ status: number; headers: Record<string, string | undefined>; body: Buffer }> =>
  new Promise((resolve, reject) => {
    const sent = request(`${app.url}${path}`, { method, headers }, (response) => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers as Record<string, string | undefined>,
          body: Buffer.concat(parts),
        }),
      )
    })
    sent.on('error', reject).end()
  })

const made = (what: string): number => app.output().split(`made ${what}`).length - 1

describe('an API step whose answers are cached', () => {
  it('answers the same once more, by method, path and query in any order', async () => {
    const first = await ask('/page/1?b=2&a=1')
    expect(first).toMatchObject({ status: 200, headers: { 'x-cache': 'miss', 'x-own': 'kept' } })
    const again = await ask('/page/1?a=1&b=2')
    expect(again.headers['x-cache']).toBe('hit')
    expect(again.body).toEqual(first.body)
    expect(again.headers.etag).toBe(first.headers.etag)
    expect((await ask('/page/2?a=1&b=2')).headers['x-cache']).toBe('miss')
    expect((await ask('/page/1?a=1&b=3')).headers['x-cache']).toBe('miss')
  })

  it('answers 304 to a client that has it, with ETag and no body', async () => {
    const { headers } = await ask('/page/etag')
    const etag = String(headers.etag)
    expect(etag).toMatch(/^W\/"/)
    for (const wanted of [etag, etag.slice(2), `"other", ${etag}`, '*']) {
      const answer = await ask('/page/etag', { 'if-none-match': wanted })
      expect(answer).toMatchObject({ status: 304, headers: { etag, 'x-cache': 'hit' } })
      expect(answer.body).toHaveLength(0)
      expect(answer.headers['content-type']).toBeUndefined()
    }
    expect((await ask('/page/etag', { 'if-none-match': '"other"' })).status).toBe(200)
    // fetch says no-cache with each conditional request.
    const fetched = await app.fetch('/page/etag', { headers: { 'if-none-match': etag } })
    expect([fetched.status, fetched.headers.get('etag'), await fetched.text()]).toEqual([304, etag, ''])
  })

  it('answers HEAD like GET, without the body', async () => {
    const get = await ask('/page/head')
    const head = await ask('/page/head', {}, 'HEAD')
    expect(head).toMatchObject({
      status: 200,
      headers: { 'x-cache': 'hit', etag: get.headers.etag, 'content-length': get.headers['content-length'] },
    })
    expect(head.body).toHaveLength(0)
    expect((await ask('/page/head', { 'if-none-match': String(get.headers.etag) }, 'HEAD')).status).toBe(304)
    const own = await ask('/head', {}, 'HEAD')
    expect(own.headers['x-cache']).toBe('miss')
    expect((await ask('/head', {}, 'HEAD')).headers).toMatchObject({ 'x-cache': 'hit', 'x-pid': own.headers['x-pid'] })
  })

  it('keeps bytes, text, dates and nothing as a client gets them', async () => {
    for (const kind of ['bytes', 'text', 'dates', 'none']) {
      const miss = await ask(`/page/same?kind=${kind}`)
      const hit = await ask(`/page/same?kind=${kind}`)
      expect([miss.headers['x-cache'], hit.headers['x-cache']], kind).toEqual(['miss', 'hit'])
      expect(hit.status).toBe(miss.status)
      expect(hit.body.equals(miss.body)).toBe(true)
      expect(hit.headers['content-type']).toBe(miss.headers['content-type'])
    }
    expect((await ask('/page/same?kind=bytes')).body).toEqual(Buffer.from([0, 255, 10, 13]))
    expect((await ask('/page/same?kind=dates')).body.toString()).toBe('{"at":"1970-01-01T00:00:00.000Z"}')
  })

  it('runs the handler once for misses at the same time', async () => {
    const answers = await Promise.all(Array.from({ length: 6 }, () => ask('/page/many?wait=600')))
    expect(new Set(answers.map(({ body }) => body.toString())).size).toBe(1)
    expect(answers.map(({ headers }) => headers['x-cache']).sort()).toEqual(['hit', 'hit', 'hit', 'hit', 'hit', 'miss'])
    expect(made('json many')).toBe(1)
  })

  it('keeps neither errors, nor cookies, nor the answer to a POST', async () => {
    for (const kind of ['missing', 'cookie', 'broken']) {
      for (let time = 1; time <= 2; time++) {
        const answer = await ask(`/page/not?kind=${kind}`)
        expect(answer.headers['x-cache'], kind).toBeUndefined()
        expect(made(`${kind} not`)).toBe(time)
      }
    }
    const posts = await Promise.all([ask('/post', {}, 'POST'), ask('/post', {}, 'POST')])
    expect(posts.map(({ headers }) => headers['x-cache'])).toEqual([undefined, undefined])
    expect(posts[0]?.body).not.toEqual(posts[1]?.body)
  })

  it('leaves requests with Authorization, Cookie or Range alone', async () => {
    const { body } = await ask('/page/personal')
    for (const headers of [{ authorization: 'Bearer a' }, { cookie: 'a=b' }, { range: 'bytes=0-1' }]) {
      const answer = await ask('/page/personal', headers as Record<string, string>)
      expect(answer.headers['x-cache']).toBeUndefined()
      expect(answer.body).not.toEqual(body)
    }
  })

  it('keeps one answer per value of the headers that vary names', async () => {
    const get = async (headers: Record<string, string>) => {
      const answer = await ask('/greeting', headers)
      expect(answer.headers.vary).toBe('accept-language, authorization')
      return {
        seen: answer.headers['x-cache'],
        ...(JSON.parse(answer.body.toString()) as { who: string; pid: number }),
      }
    }
    const ada = await get({ authorization: 'ada' })
    expect(ada).toMatchObject({ seen: 'miss', who: 'ada' })
    expect(await get({ authorization: 'ada' })).toEqual({ ...ada, seen: 'hit' })
    expect(await get({ authorization: 'bob' })).toMatchObject({ seen: 'miss', who: 'bob' })
    expect(await get({ authorization: 'ada', 'accept-language': 'de' })).toMatchObject({ seen: 'miss', language: 'de' })
    expect(await get({})).toMatchObject({ seen: 'miss', who: 'nobody' })
    // What is in a header may be a secret.
    expect((await redis.keys('*')).join()).not.toMatch(/ada|bob/)
  })

  it('says that an answer is stale, and makes a new one', async () => {
    const first = await ask('/page/old')
    const key = (await redis.keys('pages:*old*'))[0] as string
    const text = String(await redis.get(key))
    const ended = text.replace(/"expires":\d+/, `"expires":${Date.now() - 1}`)
    expect(ended).not.toBe(text)
    await redis.set(key, ended, 'KEEPTTL')
    const stale = await ask('/page/old')
    expect(stale.headers['x-cache']).toBe('stale')
    expect(stale.body).toEqual(first.body)
    let next = await ask('/page/old')
    while (next.headers['x-cache'] === 'stale') next = await ask('/page/old')
    expect(next.body).not.toEqual(first.body)
    expect((await ask('/page/old')).headers['x-cache']).toBe('hit')
  })

  it('printed nothing of a cache that failed', () => {
    expect(app.output()).not.toMatch(/Unhandled|CACHE_/)
  })
})
