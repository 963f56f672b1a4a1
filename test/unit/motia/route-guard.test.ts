import { createServer, get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { watchCallers } from '../../../src/motia/plugin/routes/callers.ts'
import { type Asked, type Locks, refusal } from '../../../src/motia/plugin/routes/guard.ts'

const token = 'open sesame'
const open: Locks = { token: undefined, readOnly: false, tokenOnly: false }
const locked: Locks = { ...open, token }
const asked = (headers: Asked['headers'] = {}, from: string | undefined = '127.0.0.1', method = 'GET'): Asked => ({
  method,
  from,
  headers: { host: 'localhost:3000', ...headers },
})

describe('who may read', () => {
  it.each([
    ['a tool on this machine', asked()],
    ['over IPv6', asked({ host: '[::1]:3000' }, '::1')],
    ['over an IPv4 address in IPv6', asked({ host: '127.0.0.1' }, '::ffff:127.0.0.1')],
    ['the Workbench', asked({ origin: 'http://localhost:3000', 'sec-fetch-site': 'same-origin' })],
    ['an address typed into the browser', asked({ 'sec-fetch-site': 'none' })],
  ])('%s', (_, request) => {
    expect(refusal(request, open)).toBeUndefined()
    expect(refusal(request, locked)).toBeUndefined()
  })

  it.each([
    ['another machine', asked({}, '192.0.2.7'), 'another machine'],
    ['a connection nobody knows', { ...asked(), from: undefined }, 'another machine'],
    ['a name that leads here', asked({ host: 'evil.example:3000' }), 'by a name'],
    ['a name that begins like ours', asked({ host: 'localhost.evil.example' }), 'by a name'],
    ['no name', asked({ host: undefined }), 'by a name'],
    ['two names', asked({ host: ['localhost', 'localhost'] }), 'by a name'],
    ['another port of this machine', asked({ origin: 'http://localhost:4000' }), 'another origin'],
    ['another origin', asked({ origin: 'https://evil.example' }), 'another origin'],
    ['a page in a sandbox', asked({ origin: 'null' }), 'another origin'],
    ['two origins', asked({ origin: ['http://localhost:3000', 'http://localhost:3000'] }), 'another origin'],
    ['a page of the same site', asked({ 'sec-fetch-site': 'same-site' }), 'another page'],
    ['an image in a foreign page', asked({ 'sec-fetch-site': 'cross-site' }), 'another page'],
    ['a proxy on this machine', asked({ 'x-forwarded-for': '192.0.2.7' }), 'a proxy'],
  ])('not %s', (_, request, why) => {
    expect(refusal(request, open)).toContain(why)
    expect(refusal(request, open)).toContain('set MOTIA_REDIS_TOKEN')
    expect(refusal(request, locked)).toContain('is needed')
  })
})

describe('the token', () => {
  it.each([
    ['its own header', { 'x-motia-redis-token': token }],
    ['Authorization', { authorization: `Bearer ${token}` }],
  ])('opens from everywhere, in %s', (_, headers) => {
    expect(refusal(asked({ ...headers, host: 'app.example' }, '192.0.2.7'), locked)).toBeUndefined()
  })

  it.each(['open sesam', `${token} `, '', 'x'.repeat(100_000)])('opens nothing where it is wrong (%#)', (wrong) => {
    const request = asked({ 'x-motia-redis-token': wrong }, '192.0.2.7')
    expect(refusal(request, locked)).toContain('is not that of MOTIA_REDIS_TOKEN')
    expect(refusal(asked({ 'x-motia-redis-token': wrong }), locked)).toBeDefined()
  })

  it('opens nothing where none is set', () => {
    expect(refusal(asked({ 'x-motia-redis-token': token }, '192.0.2.7'), open)).toContain('another machine')
    expect(refusal(asked({ 'x-motia-redis-token': '' }, '192.0.2.7'), open)).toContain('another machine')
  })

  it('is in no refusal', () => {
    const texts = [asked({}, '192.0.2.7'), asked({ 'x-motia-redis-token': 'wrong guess' }, '192.0.2.7')]
    for (const request of texts) expect(refusal(request, locked)).not.toMatch(/open sesame|wrong guess/)
  })
})

describe('in production', () => {
  const change = { 'x-motia-redis': '1' }
  const closed: Locks = { ...open, tokenOnly: true }

  // What nginx makes of a request from anywhere by `proxy_pass http://localhost:3000` alone.
  it.each([
    ['reads', asked({ host: 'localhost:3000', connection: 'close' })],
    ['changes', asked({ host: 'localhost:3000', connection: 'close', ...change }, '127.0.0.1', 'POST')],
  ])('%s need the token, from this machine too, because a proxy there needn’t tell of itself', (_, request) => {
    expect(refusal(request, closed)).toMatch(/in production.*: set MOTIA_REDIS_TOKEN on the server/)
    expect(refusal(request, { ...closed, token })).toMatch(/in production.*: the token of MOTIA_REDIS_TOKEN is needed/)
    const opened = { ...request, headers: { ...request.headers, 'x-motia-redis-token': token } }
    expect(refusal(opened, { ...closed, token })).toBeUndefined()
    expect(refusal(opened, closed)).toBeDefined()
  })
})

describe('changes', () => {
  const change = { 'x-motia-redis': '1' }

  it('need a header that no foreign page can send unasked', () => {
    expect(refusal(asked({}, '127.0.0.1', 'POST'), open)).toContain('x-motia-redis')
    expect(refusal(asked({ 'x-motia-redis-token': token }, '192.0.2.7', 'POST'), locked)).toContain('x-motia-redis')
    expect(refusal(asked(change, '127.0.0.1', 'POST'), open)).toBeUndefined()
  })

  it('are as locked as reading', () => {
    expect(refusal(asked(change, '192.0.2.7', 'POST'), open)).toContain('another machine')
    expect(refusal(asked({ ...change, origin: 'https://evil.example' }, '127.0.0.1', 'POST'), open)).toBeDefined()
  })

  it('are none where all is read-only, for the token neither', () => {
    const readOnly = { ...locked, readOnly: true }
    expect(refusal(asked(change, '127.0.0.1', 'POST'), readOnly)).toContain('read-only')
    expect(refusal(asked({ ...change, 'x-motia-redis-token': token }, '::1', 'POST'), readOnly)).toContain('read-only')
    expect(refusal(asked(), readOnly)).toBeUndefined()
  })
})

describe('where a request comes from', () => {
  const ends: (() => void)[] = []
  afterEach(() => {
    for (const end of ends.splice(0)) end()
  })

  it('is known by its headers, under the watched path only', async () => {
    const callers = watchCallers('/ours/')
    ends.push(callers.close)
    const server = createServer((request, response) => response.end(callers.addressOf(request.headers) ?? 'unknown'))
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
    ends.push(() => void server.close())
    const { port } = server.address() as AddressInfo
    const ask = (path: string): Promise<string> =>
      new Promise((resolve, reject) => {
        get({ host: '127.0.0.1', port, path, agent: false }, (response) => {
          let text = ''
          response.setEncoding('utf8').on('data', (part: string) => {
            text += part
          })
          response.on('end', () => resolve(text))
        }).on('error', reject)
      })
    expect(await ask('/ours/a?b=c')).toBe('127.0.0.1')
    expect(await ask('/theirs')).toBe('unknown')
    callers.close()
    expect(await ask('/ours/a')).toBe('unknown')
  })
})
