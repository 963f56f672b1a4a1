import { readBare, readCounter } from './bare.js'
import { holdsForbiddenName, mayHoldForbiddenName } from './forbidden.js'
import type { Encoded } from './payload.js'
import { isLongerThan } from './size.js'
import { isRecord, isStoredMeta, type StoredMeta, storedValue } from './stored.js'
import { usualValue } from './usual.js'

/** What an envelope may weigh beyond its value: tags, version, times. */
const ENVELOPE_ALLOWANCE = 64 * 1024
const VERSION = /^[0-9a-f]{24}$/

export interface EnvelopeFields {
  /** The logical end, epoch ms. Undefined: no end of its own (a group of state has one for all). */
  readonly expires?: number | undefined
  /** Epoch ms. Left out for ordinary cached data, which then pays nothing for it. */
  readonly createdAt?: number | undefined
  readonly tags?: readonly string[] | undefined
  /** The physical end where it is later than `expires`, epoch ms. */
  readonly hardExpiry?: number | undefined
  /** Kept data only: 24 lower-case hex digits. First in the text, where a script compares it without parsing. */
  readonly version?: string | undefined
}

export interface ReadOptions {
  readonly codec: 'keyv' | 'json'
  /** Epoch ms. */
  readonly now: number
  /** The limit for values; what is longer isn't even parsed. */
  readonly maxBytes: number
}

export interface Hit extends EnvelopeFields {
  readonly outcome: 'hit'
  readonly value: Encoded
}

/**
 * Never anything of the content. too-large: not parsed. not-json: cut off, compressed, anything. not-an-envelope: JSON
 * that nobody's cache wrote. bad-field: an envelope with a field of the wrong kind. forbidden-name: a property `__proto__`.
 */
export type CorruptReason = 'too-large' | 'not-json' | 'not-an-envelope' | 'bad-field' | 'forbidden-name'

export type ReadResult =
  | Hit
  | { readonly outcome: 'expired' }
  | { readonly outcome: 'corrupt'; readonly reason: CorruptReason }

/** The stored text: a JSON object that Keyv 5 reads as its own. */
export const writeEnvelope = (encoded: Encoded, fields: EnvelopeFields): string => {
  const version = fields.version === undefined ? '' : `"ver":"${fields.version}",`
  const expires = fields.expires === undefined ? '' : `,"expires":${fields.expires}`
  const { createdAt, tags, hardExpiry } = fields
  const needsMeta =
    encoded.meta !== undefined ||
    createdAt !== undefined ||
    hardExpiry !== undefined ||
    (tags !== undefined && tags.length > 0)
  if (!needsMeta) return `{${version}"value":${encoded.json}${expires}}`
  const meta: StoredMeta = {
    ...(tags !== undefined && tags.length > 0 && { t: tags }),
    ...(encoded.meta !== undefined && { s: encoded.meta }),
    ...(createdAt !== undefined && { c: createdAt }),
    ...(hardExpiry !== undefined && { g: hardExpiry }),
  }
  return `{${version}"value":${encoded.json}${expires},"meta":${JSON.stringify(meta)}}`
}

/**
 * What an entry's text says. Understands our envelope, Keyv's, a bare integer (a counter); under codec 'json' every
 * JSON text is a value, an object that looks like an envelope too. Never throws.
 */
export const readEnvelope = (text: string, options: ReadOptions): ReadResult => {
  if (isLongerThan(text, options.maxBytes + ENVELOPE_ALLOWANCE)) return corrupt('too-large')
  const usual = options.codec === 'json' ? undefined : usualValue(text)
  if (usual !== undefined)
    return usual.expires <= options.now ? { outcome: 'expired' } : hit(usual.value, usual.expires)
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return corrupt('not-json')
  }
  if (options.codec === 'json') return hitOr('forbidden-name', readBare(text, parsed))
  if (typeof parsed === 'number') return hitOr('not-an-envelope', readCounter(text, parsed))
  if (!isEnvelope(parsed)) return corrupt('not-an-envelope')
  const { ver, expires, meta } = parsed
  // Keyv writes null for "never".
  if (!(expires === undefined || expires === null || typeof expires === 'number')) return corrupt('bad-field')
  if (!(meta === undefined || isStoredMeta(meta))) return corrupt('bad-field')
  if (mayHoldForbiddenName(text) && holdsForbiddenName(parsed)) return corrupt('forbidden-name')
  if (typeof expires === 'number' && expires <= options.now) return { outcome: 'expired' }
  const value = storedValue(text, parsed, meta?.s)
  return hit(value, expires ?? undefined, meta, typeof ver === 'string' && VERSION.test(ver) ? ver : undefined)
}

const hit = (value: Encoded, expires: number | undefined, meta?: StoredMeta, version?: string): Hit => ({
  outcome: 'hit',
  value,
  expires,
  createdAt: meta?.c,
  tags: meta?.t,
  hardExpiry: meta?.g,
  version,
})

const hitOr = (reason: CorruptReason, value: Encoded | undefined): ReadResult =>
  value === undefined ? corrupt(reason) : { outcome: 'hit', value }

const corrupt = (reason: CorruptReason): ReadResult => ({ outcome: 'corrupt', reason })

/** Strict about the names, because some other system's object may have a property `value` too. */
const isEnvelope = (parsed: unknown): parsed is Record<string, unknown> => {
  if (!isRecord(parsed) || !Object.hasOwn(parsed, 'value')) return false
  for (const name in parsed)
    if (name !== 'value' && name !== 'expires' && name !== 'meta' && name !== 'ver') return false
  return true
}
