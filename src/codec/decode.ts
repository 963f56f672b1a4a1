import { mayHoldEscapes, unescapeAll } from './escape.js'
import type { Encoded } from './payload.js'
import { decodeRich, loadRich, richNow } from './rich.js'

/**
 * The value of a stored form. Throws or rejects with a plain Error when it is damaged or hostile: to the caller a
 * corrupt entry. The error's text holds nothing of the value.
 */
export const decodeValue = (encoded: Encoded): unknown => {
  const plain = encoded.parsed === undefined ? parse(encoded.json) : encoded.parsed
  const { meta } = encoded
  if (meta === undefined) return plain
  const superjson = richNow()
  return superjson === undefined
    ? loadRich().then((loaded) => decodeRich(loaded, plain, meta))
    : decodeRich(superjson, plain, meta)
}

const parse = (json: string): unknown => {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    // The parser's own message quotes the text.
    throw new Error('stored value is not JSON')
  }
  return mayHoldEscapes(json) ? unescapeAll(value) : value
}
