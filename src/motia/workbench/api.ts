import type { Answers, Change, Changed, Queries } from '../../sight/contract.js'
import { type ApiFailure, failureOf } from './api-failure.js'

export type { ApiFailure }

export type ApiResult<T> =
  | { readonly ok: true; readonly answer: T }
  | { readonly ok: false; readonly failure: ApiFailure }

const BASE = '/__motia/redis/'
const TOKEN_AT = 'motia-redis-token'
/** Longer than the server's own limits: whoever waits longer is not being served. */
const PATIENCE_MS = 15_000

/** Asks for a view. Never rejects; a request that was given up by `signal` is answered as away. */
export const get = <Q extends keyof Queries & keyof Answers>(
  query: Q,
  asked: Queries[Q],
  signal?: AbortSignal,
): Promise<ApiResult<Answers[Q]>> => {
  const given = Object.entries(asked).filter(([, value]) => value !== undefined && value !== '')
  const [apart, rest] = [given.filter(isPrefix), given.filter((each) => !isPrefix(each))]
  const search = new URLSearchParams(rest.map(([name, value]) => [name, `${value}`])).toString()
  const headers = Object.fromEntries(apart.map(([, value]) => ['X-Motia-Redis-Prefix', encodeURIComponent(`${value}`)]))
  return send<Answers[Q]>(`${BASE}${query}${search === '' ? '' : `?${search}`}`, { headers }, signal)
}

/** In a sensitive category it is a whole key: it mustn't get into the log of a proxy, which URLs do. */
const isPrefix = ([name]: readonly [string, unknown]): boolean => name === 'prefix'

/** Makes a change. Never rejects. */
export const change = (body: Change): Promise<ApiResult<Changed>> =>
  send<Changed>(`${BASE}change`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Motia-Redis': 'panel' },
    body: JSON.stringify(body),
  })

/** The token lives as long as the browser's tab, and nowhere else. */
export const rememberToken = (token: string): void => {
  try {
    if (token === '') sessionStorage.removeItem(TOKEN_AT)
    else sessionStorage.setItem(TOKEN_AT, token)
  } catch {
    forSession = token // storage is denied: then until the page is loaded again
  }
}

let forSession = ''

const knownToken = (): string => {
  try {
    return sessionStorage.getItem(TOKEN_AT) ?? forSession
  } catch {
    return forSession
  }
}

const send = async <T>(
  path: string,
  { headers = {}, ...init }: RequestInit & { headers?: Record<string, string> },
  signal?: AbortSignal,
): Promise<ApiResult<T>> => {
  const token = knownToken()
  const limit = AbortSignal.timeout(PATIENCE_MS)
  try {
    const response = await fetch(path, {
      ...init,
      headers: token === '' ? headers : { ...headers, 'X-Motia-Redis-Token': token },
      signal: signal === undefined ? limit : AbortSignal.any([limit, signal]),
      cache: 'no-store',
      credentials: 'same-origin',
    })
    const body: unknown = await response.json().catch(() => undefined)
    if (response.ok && body !== undefined) return { ok: true, answer: body as T }
    return { ok: false, failure: failureOf(response.status, body) }
  } catch {
    const text = limit.aborted ? 'The server takes too long to answer.' : "Motia's server doesn't answer."
    return { ok: false, failure: { kind: 'away', text } }
  }
}
