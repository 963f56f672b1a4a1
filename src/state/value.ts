import type { StateErrorCode } from '../errors.js'

/** What JSON.parse can give. */
export type JsonValue = string | number | boolean | object | null

/** The most one state value may take: 1 MiB of UTF-8 JSON text. */
export const MAX_VALUE_BYTES = 1_048_576

export type Serialised =
  | { readonly text: string }
  | { readonly code: Extract<StateErrorCode, 'STATE_INVALID_VALUE' | 'STATE_TOO_LARGE'>; readonly reason: string }

/**
 * A value as the JSON text that state keeps. The semantics are JSON's, because a value reaches the adapter as
 * JSON anyway when a step sends it: a Date becomes its ISO text, NaN becomes null, toJSON is honoured.
 * What JSON has no text for is refused, never stored as something else. The reason never quotes the value.
 */
export const serialise = (value: unknown): Serialised => {
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch (error) {
    return refusal(error)
  }
  if (text === undefined) return invalid(withoutText(value))
  // A UTF-16 unit takes at most 3 bytes, so most texts needn't be measured.
  if (text.length * 3 <= MAX_VALUE_BYTES) return { text }
  const bytes = Buffer.byteLength(text)
  return bytes <= MAX_VALUE_BYTES ? { text } : tooLarge(`its JSON takes ${bytes} bytes`)
}

/** The value of a stored text, or undefined where the text isn't JSON. */
export const parse = (text: string): { readonly value: JsonValue } | undefined => {
  try {
    return { value: JSON.parse(text) as JsonValue }
  } catch {
    return undefined // the caller quarantines and counts it
  }
}

const invalid = (reason: string): Serialised => ({ code: 'STATE_INVALID_VALUE', reason })

const tooLarge = (what: string): Serialised => ({
  code: 'STATE_TOO_LARGE',
  reason: `${what}, the limit of one value is ${MAX_VALUE_BYTES}; split it over several keys`,
})

const withoutText = (value: unknown): string => {
  if (value === undefined) return "undefined can't be stored; use delete to remove an item, null to store nothing"
  if (typeof value === 'function' || typeof value === 'symbol') return `a ${typeof value} can't be stored as JSON`
  return 'its toJSON returned nothing that can be stored as JSON'
}

/** JSON.stringify's own complaints are told apart by V8's wording; whatever else was thrown came from the value. */
const refusal = (error: unknown): Serialised => {
  const message = error instanceof Error ? error.message : ''
  if (error instanceof RangeError && message === 'Invalid string length') return tooLarge('its JSON is far too long')
  if (error instanceof RangeError && message.startsWith('Maximum call stack')) return invalid('it is nested too deeply')
  if (message.startsWith('Converting circular structure')) return invalid('it contains itself (a cycle)')
  if (message.includes('serialize a BigInt')) return invalid("a BigInt can't be stored as JSON; store String(value)")
  return invalid(`a toJSON, getter or proxy of it threw ${error instanceof Error ? error.name : `a ${typeof error}`}`)
}
