import { holdsBuffer, mayHoldEscapes, unescapeAll } from './escape.js'
import type { Encoded } from './payload.js'
import { isPlain } from './plain.js'
import { snapshot } from './snapshot.js'

/**
 * The text of a value under codec 'json': bare JSON, for systems that know no envelope. `fail` makes the error for
 * values that JSON alone can't carry.
 */
export const writeBare = (encoded: Encoded, fail: (message: string) => Error): string => {
  const cantCarry = (): Error =>
    fail(
      "codec 'json' stores bare JSON, which can't carry a Date, Map, Buffer, undefined or the like; use codec 'keyv'",
    )
  if (encoded.meta !== undefined) throw cantCarry()
  if (!mayHoldEscapes(encoded.json)) return encoded.json
  const value: unknown = JSON.parse(encoded.json)
  if (holdsBuffer(value)) throw cantCarry()
  return JSON.stringify(unescapeAll(value))
}

/** A value from bare JSON: strings there are what they are, so those that start with ':' get Keyv's form. */
export const readBare = (text: string, parsed: unknown): Encoded | undefined => {
  if (isPlain(parsed)) return { json: text, parsed }
  try {
    // Without `parsed`: 1e999 and -0 are other numbers once they are written, and every reader shall get the same.
    return { json: JSON.stringify(snapshot(parsed, (message) => new Error(message)).value) }
  } catch {
    // A property `__proto__`, or more levels than a value may have.
    return undefined
  }
}

/** A counter as INCRBY leaves it. */
export const readCounter = (text: string, parsed: number): Encoded | undefined =>
  /^(?:0|-?[1-9]\d*)$/.test(text) && Number.isSafeInteger(parsed) ? { json: text, parsed } : undefined
