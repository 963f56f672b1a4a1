import { MAX_DEPTH, MAX_PARTS } from './payload.js'

let partsLeft = 0

/**
 * Whether JSON.stringify(value) is this value's stored form as it is. On the hot path of every write: it allocates
 * nothing per node and knows no paths. "No" only means "look closer": `snapshot` finds out what and where.
 */
export const isPlain = (value: unknown): boolean => {
  partsLeft = MAX_PARTS
  try {
    return walk(value, MAX_DEPTH)
  } catch {
    // A getter or a Proxy threw. The closer look meets it again and says where.
    return false
  }
}

const walk = (value: unknown, depth: number): boolean => {
  switch (typeof value) {
    case 'string':
      // Keyv's escape character.
      return value.charCodeAt(0) !== 58
    case 'number':
      return value === 0 ? 1 / value > 0 : value - value === 0
    case 'boolean':
      return true
    case 'object':
      if (value === null) return true
      if (depth === 0 || --partsLeft < 0) return false
      // JSON.stringify would call it, enumerable or not.
      if ((value as { toJSON?: unknown }).toJSON !== undefined) return false
      return Array.isArray(value)
        ? walkArray(value, depth - 1)
        : walkObject(value as Record<string, unknown>, depth - 1)
    default:
      return false
  }
}

const walkArray = (array: unknown[], depth: number): boolean => {
  if (Object.getPrototypeOf(array) !== Array.prototype) return false
  partsLeft -= array.length
  for (let i = 0; i < array.length; i++) if (!walk(array[i], depth)) return false
  return true
}

const walkObject = (object: Record<string, unknown>, depth: number): boolean => {
  const prototype = Object.getPrototypeOf(object)
  if (prototype !== Object.prototype && prototype !== null) return false
  if (Object.getOwnPropertySymbols(object).length > 0) return false
  for (const key in object) if (key === '__proto__' || !walk(object[key], depth)) return false
  return true
}
