import type { ApiRequest, ApiResponse } from 'motia'
import { digest } from './response-key.js'

export type Response = ApiResponse<number, unknown>
type Headers = ApiRequest['headers']

/** An answer as it is stored. */
export interface KeptResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  /** JSON, or a Buffer. Absent: none. */
  readonly body?: unknown
  readonly etag: string
  /** When it was made, epoch ms. */
  readonly at: number
}

export const isKeptResponse = (value: unknown): value is KeptResponse => {
  if (typeof value !== 'object' || value === null) return false
  const { status, headers, etag, at } = value as Partial<Record<keyof KeptResponse, unknown>>
  return (
    typeof status === 'number' &&
    typeof headers === 'object' &&
    headers !== null &&
    typeof etag === 'string' &&
    typeof at === 'number'
  )
}

/** Undefined where the answer must not be given to anybody else, or can't be kept. */
export const keep = async (
  response: Response | undefined,
  asked: Headers,
  vary: readonly string[],
): Promise<KeptResponse | undefined> => {
  if (response === undefined || response === null) return undefined
  const { status, headers = {}, body } = response
  if (!(status >= 200 && status < 300) || status === 206) return undefined
  if (!Object.entries(headers).every(([name, value]) => mayBeKept(name.toLowerCase(), value, asked, vary)))
    return undefined
  if (isStream(body)) return undefined
  try {
    // What it becomes on its way to the client anyway; so a Date or an object with a toJSON can be kept too.
    const text = Buffer.isBuffer(body) ? undefined : JSON.stringify(body)
    const own = headerOf(headers, 'etag')
    return {
      status,
      headers: JSON.parse(JSON.stringify(headers)) as Record<string, unknown>,
      ...(text !== undefined && { body: JSON.parse(text) as unknown }),
      ...(Buffer.isBuffer(body) && { body }),
      etag: own ?? `W/"${(await digest(Buffer.isBuffer(body) ? body : (text ?? ''))).slice(0, 27)}"`,
      at: Date.now(),
    }
  } catch {
    return undefined // no JSON, so the way to the client will refuse it too
  }
}

const mayBeKept = (name: string, value: unknown, asked: Headers, vary: readonly string[]): boolean => {
  switch (name) {
    // One that a visitor without a cookie gets would make all of them one visitor.
    case 'set-cookie':
      return vary.includes('cookie') && asked.cookie !== undefined
    case 'cache-control':
      return !/no-store|no-cache|private/i.test(String(value))
    case 'vary':
      return headersOf(String(value)).every((header) => vary.includes(header))
    default:
      return true
  }
}

/** It can be read once. */
const isStream = (body: unknown): boolean =>
  typeof body === 'object' &&
  body !== null &&
  ('pipe' in body || 'getReader' in body || Symbol.asyncIterator in body) &&
  !Buffer.isBuffer(body)

/** The answer to a request: as it was kept, or 304 where the client has it. */
export const restore = (
  { status, headers, body, etag }: KeptResponse,
  seen: 'hit' | 'stale' | 'miss',
  asked: Headers,
  vary: readonly string[],
): Response => {
  const all = { ...varied(headers, vary), ...ours(headers, etag), 'x-cache': seen } as Record<string, string>
  if (!matches(asked, etag)) return { status, headers: all, body }
  const left = Object.entries(all).filter(([name]) => !/^content-(?!location)|^transfer-encoding$/i.test(name))
  return { status: 304, headers: Object.fromEntries(left), body: '' }
}

const ours = (headers: object, etag: string): Record<string, string> =>
  headerOf(headers, 'etag') === undefined ? { etag } : {}

/** With a `vary` that names what the handler's does and what the key does, so that a cache on the way tells them apart, too. */
const varied = (headers: KeptResponse['headers'], vary: readonly string[]): Record<string, unknown> => {
  const own = headersOf(headerOf(headers, 'vary') ?? '')
  const named = [...new Set([...vary, ...own])].join(', ')
  const others = Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'vary')
  return { ...Object.fromEntries(others), ...(named !== '' && { vary: named }) }
}

/** The names in a `Vary`. */
const headersOf = (value: string): string[] =>
  value
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')

const headerOf = (headers: object, name: string): string | undefined => {
  const found = Object.entries(headers).find(([each]) => each.toLowerCase() === name)
  return found === undefined ? undefined : String(found[1])
}

/**
 * The weak comparison of RFC 9110: the same but for `W/`. Also for `Cache-Control: no-cache`, which Express takes for a
 * reason to send everything: fetch adds it to every request that has an If-None-Match.
 */
const matches = (asked: Headers, etag: string): boolean => {
  const wanted = String(asked['if-none-match'] ?? '')
  const tags: readonly string[] = wanted.match(/"[^"]*"/g) ?? []
  return wanted.trim() === '*' || tags.includes(etag.replace(/^W\//, ''))
}
