import { createHash, timingSafeEqual } from 'node:crypto'

/** What decides whether a request may pass. */
export interface Asked {
  readonly method: string
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** The address at the other end of the connection. Undefined: not known, which is as good as far away. */
  readonly from: string | undefined
}

export interface Locks {
  /** MOTIA_REDIS_TOKEN. Undefined: only this machine's own pages and tools may ask. */
  readonly token: string | undefined
  /** Nothing may be changed by anybody. */
  readonly readOnly: boolean
  /**
   * Nobody passes without the token. A proxy that runs beside an app in production asks like a tool of this machine: nginx
   * with nothing but `proxy_pass http://localhost:3000` sends that name as Host, and no header that tells of itself.
   */
  readonly tokenOnly: boolean
}

/** What every change must bear: a form or an image of another page can't send it. */
const CHANGE_HEADER = 'x-motia-redis'
const TOKEN_HEADER = 'x-motia-redis-token'

/**
 * Why a request is refused, in one sentence; undefined if it may pass. Motia's server listens on all interfaces, allows
 * every origin and knows no users, so this is all that stands between a network and the data: without the token only
 * requests from this machine, to this machine by its own name (another name could be an attacker's that leads here),
 * and from a page of the same origin pass, and with `tokenOnly` none. The token opens from everywhere, because no page
 * has it by itself.
 */
export const refusal = (asked: Asked, locks: Locks): string | undefined => {
  const { method, headers } = asked
  const changes = method !== 'GET'
  if (changes && locks.readOnly) return 'the panel is read-only here'
  if (changes && one(headers[CHANGE_HEADER]) === undefined) return `a change needs the header ${CHANGE_HEADER}`
  const given = tokenOf(headers)
  if (given !== undefined && locks.token !== undefined) {
    return same(given, locks.token) ? undefined : 'the token is not that of MOTIA_REDIS_TOKEN'
  }
  const why = strange(asked) ?? (locks.tokenOnly ? 'in production nobody can tell who asks' : undefined)
  if (why === undefined) return undefined
  return locks.token === undefined
    ? `${why}: set MOTIA_REDIS_TOKEN on the server to allow it`
    : `${why}: the token of MOTIA_REDIS_TOKEN is needed`
}

/** What makes a request one of elsewhere. */
const strange = ({ headers, from }: Asked): string | undefined => {
  if (from === undefined || !isLoopback(from)) return 'the request comes from another machine'
  // A proxy on this machine passes on whatever comes from outside.
  if (forwarding.some((name) => headers[name] !== undefined)) return 'the request comes through a proxy'
  const host = one(headers.host)
  if (host === undefined || !isOwnName(host)) return 'the server was not asked by a name of this machine'
  const site = one(headers['sec-fetch-site'])
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return 'the request comes from another page'
  const origin = headers.origin
  if (origin !== undefined && !isOriginOf(one(origin), host)) return 'the request comes from a page of another origin'
  return undefined
}

const forwarding = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via']

const isLoopback = (address: string): boolean => /^(::1|(::ffff:)?127(\.\d{1,3}){3})$/i.test(address)

const isOwnName = (host: string): boolean => /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i.test(host)

const isOriginOf = (origin: string | undefined, host: string): boolean =>
  origin === `http://${host}` || origin === `https://${host}`

const tokenOf = (headers: Asked['headers']): string | undefined =>
  one(headers[TOKEN_HEADER]) ?? /^Bearer (.+)$/i.exec(one(headers.authorization) ?? '')?.[1]

/** A header that comes twice says nothing that could be relied on. */
const one = (header: string | readonly string[] | undefined): string | undefined =>
  typeof header === 'string' ? header : undefined

/** In constant time, whatever the lengths. */
const same = (a: string, b: string): boolean => timingSafeEqual(digest(a), digest(b))

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
