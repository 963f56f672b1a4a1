import type { Encoded } from './payload.js'

const HEAD = '{"value":'
const VERSIONED = /^\{"ver":"[0-9a-f]{24}","value":/
const VERSIONED_LENGTH = 42
const EXPIRES = ',"expires":'
/** So many digits are surely a safe integer. */
const MAX_DIGITS = 15
/** The longest tail with both times in its metadata, and more. */
const MAX_TAIL = 100
/** The metadata of entries with grace, or with a ttl of their own. JSON has no number with a leading zero. */
const TIMES =
  /,"expires":([1-9]\d{0,14}),"meta":\{(?:"c":([1-9]\d{0,14})(?:,"g":([1-9]\d{0,14}))?|"g":([1-9]\d{0,14}))\}\}$/

export interface Usual {
  readonly value: Encoded
  /** Epoch ms, all of them. */
  readonly expires: number
  readonly createdAt: number | undefined
  readonly hardExpiry: number | undefined
  readonly version: string | undefined
}

/**
 * What the usual text says, `{"value":…,"expires":123}`, with a version before it or times after it, taken apart by
 * hand: parsing the value alone is quicker than parsing the envelope and looking at its fields. If what is between head
 * and tail is JSON, the whole can't mean anything else. Undefined for every other text, damaged ones too: those take the
 * careful way.
 */
export const usualValue = (text: string): Usual | undefined => {
  const last = text.length - 1
  if (text.charCodeAt(last) !== 125) return undefined
  const from = beginOf(text)
  if (from === undefined) return undefined
  if (text.charCodeAt(last - 1) === 125) return withTimes(text, from)
  let digits = last
  while (digits > last - MAX_DIGITS && isDigit(text.charCodeAt(digits - 1))) digits--
  const end = digits - EXPIRES.length
  // 48: a leading zero.
  if (digits === last || text.charCodeAt(digits) === 48 || !text.startsWith(EXPIRES, end)) return undefined
  const value = valueIn(text, from, end)
  if (value === undefined) return undefined
  const expires = Number(text.slice(digits, last))
  return { value, expires, createdAt: undefined, hardExpiry: undefined, version: versionIn(text, from) }
}

const withTimes = (text: string, from: number): Usual | undefined => {
  const tail = text.slice(-MAX_TAIL)
  const found = TIMES.exec(tail)
  if (found === null) return undefined
  const [, expires, createdAt, both, alone] = found
  const value = valueIn(text, from, text.length - tail.length + found.index)
  if (value === undefined) return undefined
  const hardExpiry = both ?? alone
  return {
    value,
    expires: Number(expires),
    createdAt: createdAt === undefined ? undefined : Number(createdAt),
    hardExpiry: hardExpiry === undefined ? undefined : Number(hardExpiry),
    version: versionIn(text, from),
  }
}

/** Where the value's text begins. */
const beginOf = (text: string): number | undefined => {
  if (text.startsWith(HEAD)) return HEAD.length
  return VERSIONED.test(text) ? VERSIONED_LENGTH : undefined
}

const versionIn = (text: string, from: number): string | undefined =>
  from === HEAD.length ? undefined : text.slice(8, 32)

const valueIn = (text: string, from: number, end: number): Encoded | undefined => {
  const json = text.slice(from, end)
  if (needsCare(json)) return undefined
  try {
    return { json, parsed: JSON.parse(json) as unknown, meta: undefined }
  } catch {
    return undefined
  }
}

const isDigit = (unit: number): boolean => unit >= 48 && unit <= 57

/** Keyv's escapes and `__proto__`, in one look: each look costs as much as parsing a short value. */
const needsCare = (json: string): boolean => /::|:base64:|__proto__|\\u00/.test(json)
