import type { Encoded } from './payload.js'

/** UTF-8 bytes of what is stored for a value, a text alone without its quotes: what `maxBytes` limits. */
export const valueBytes = (encoded: Encoded): number => {
  const { json, meta } = encoded
  const quotes = json.charCodeAt(0) === 34 ? 2 : 0
  return Buffer.byteLength(json) - quotes + (meta === undefined ? 0 : Buffer.byteLength(JSON.stringify(meta)))
}

/** Counts bytes only where the number of UTF-16 units leaves it open. */
export const isLongerThan = (text: string, bytes: number): boolean =>
  text.length > bytes || (text.length * 3 > bytes && Buffer.byteLength(text) > bytes)
