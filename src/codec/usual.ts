import type { Encoded } from './payload.js'

const HEAD = '{"value":'
const EXPIRES = ',"expires":'
/** So many digits are surely a safe integer. */
const MAX_DIGITS = 15

export interface Usual {
  readonly value: Encoded
  /** Epoch ms. */
  readonly expires: number
}

/**
 * The value and end of the usual text, `{"value":…,"expires":123}`, taken apart by hand: parsing the value alone is
 * quicker than parsing the envelope and looking at its fields. If what is between head and tail is JSON, the whole can't
 * mean anything else. Undefined for every other text, damaged ones too: those take the careful way.
 */
export const usualValue = (text: string): Usual | undefined => {
  const last = text.length - 1
  if (text.charCodeAt(last) !== 125 || !text.startsWith(HEAD)) return undefined
  let digits = last
  while (digits > last - MAX_DIGITS && isDigit(text.charCodeAt(digits - 1))) digits--
  const end = digits - EXPIRES.length
  // 48: JSON has no number with a leading zero.
  if (digits === last || text.charCodeAt(digits) === 48 || !text.startsWith(EXPIRES, end)) return undefined
  const json = text.slice(HEAD.length, end)
  if (needsCare(json)) return undefined
  try {
    return {
      value: { json, parsed: JSON.parse(json) as unknown, meta: undefined },
      expires: Number(text.slice(digits, last)),
    }
  } catch {
    return undefined
  }
}

const isDigit = (unit: number): boolean => unit >= 48 && unit <= 57

/** Keyv's escapes and `__proto__`, in one look: each look costs as much as parsing a short value. */
const needsCare = (json: string): boolean => /::|:base64:|__proto__|\\u00/.test(json)
