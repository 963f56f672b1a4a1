import { MAX_DEPTH } from './payload.js'

const BUFFER = ':base64:'

/** Keyv's form of a string inside JSON: one that starts with ':' gets another. */
export const escapeString = (text: string): string => (text.charCodeAt(0) === 58 ? `:${text}` : text)

export const escapeBuffer = (buffer: Buffer): string => BUFFER + buffer.toString('base64')

/** False for nearly every text, and then nobody has to walk it. (`\u00`: somebody's JSON may write ':' as \u003a.) */
export const mayHoldEscapes = (json: string): boolean =>
  json.includes('::') || json.includes(BUFFER) || json.includes('\\u00')

/**
 * Undoes Keyv's escapes, in place. A string with a single leading ':' is none of Keyv's forms and stays.
 * Throws on more levels than a value may have.
 */
export const unescapeAll = (value: unknown, depth = MAX_DEPTH * 3): unknown => {
  if (typeof value === 'string') return unescapeString(value)
  if (typeof value !== 'object' || value === null) return value
  if (depth === 0) throw new Error('stored value is nested too deep')
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) value[i] = unescapeAll(value[i], depth - 1)
    return value
  }
  const object = value as Record<string, unknown>
  for (const key of Object.keys(object)) {
    const before = object[key]
    const after = unescapeAll(before, depth - 1)
    if (after !== before) object[key] = after
  }
  return object
}

const unescapeString = (text: string): string | Buffer => {
  if (text.charCodeAt(0) !== 58) return text
  if (text.charCodeAt(1) === 58) return text.slice(1)
  return text.startsWith(BUFFER) ? Buffer.from(text.slice(BUFFER.length), 'base64') : text
}
