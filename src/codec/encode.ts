import { snapshot } from './careful.js'
import type { Encoded } from './payload.js'
import { isPlain } from './plain.js'
import { encodeRich, loadRich, richNow, richPending, type SuperJSON } from './rich.js'

/**
 * A value's stored form, as the value is at the time of the call: what the caller changes later isn't seen.
 *
 * Round-trips: JSON (1,000 levels), and with at most 250 levels also undefined inside a value, NaN, Infinity, -0,
 * BigInt (10,000 digits), Date, Map, Set, RegExp, URL and typed arrays of JSON numbers; Buffers anywhere.
 * Comes back changed: an object without prototype (as an ordinary one), a frozen one (thawed), a getter (as what it
 * answered), shared parts (as copies), a RegExp's lastIndex (0); named properties of an array are not stored.
 * A getter that answers otherwise each time is asked twice: once for the look whether JSON can carry the value, and
 * what it answers then is stored as JSON.stringify writes it. Telling getters apart would double the cost of each write.
 * Everything else throws, synchronously, the error `fail` makes of a text that names the place and never the value.
 *
 * A promise only until superjson is loaded; calls made meanwhile resolve in their order.
 */
export const encodeValue = (value: unknown, fail: (message: string) => Error): Encoded | Promise<Encoded> => {
  const text = plainText(value)
  if (text !== undefined) return inOrder({ json: text })
  const taken = snapshot(value, fail)
  if (!taken.rich) return inOrder({ json: orTooLarge(() => JSON.stringify(taken.value), fail) })
  const encode = (superjson: SuperJSON): Encoded => orTooLarge(() => encodeRich(superjson, taken.value), fail)
  const superjson = richNow()
  return superjson === undefined ? loadRich().then(encode) : encode(superjson)
}

/** A snapshot has nothing left that could throw, except a text longer than a string can be. */
const orTooLarge = <T>(make: () => T, fail: (message: string) => Error): T => {
  try {
    return make()
  } catch {
    throw fail("a value of this size can't be stored")
  }
}

const plainText = (value: unknown): string | undefined => {
  if (!isPlain(value)) return undefined
  try {
    return JSON.stringify(value)
  } catch {
    // A getter that threw only now; the careful way names the place.
    return undefined
  }
}

const inOrder = (encoded: Encoded): Encoded | Promise<Encoded> => {
  const pending = richPending()
  // Should superjson fail to load, that is the other value's error.
  return pending === undefined
    ? encoded
    : pending.then(
        () => encoded,
        () => encoded,
      )
}
