const MAX_KEY_BYTES = 512

/**
 * What is wrong with a key, or undefined: it must be a non-empty, well-formed string of at most 512 bytes in UTF-8.
 * The text never repeats the key. `what`: how it calls it ("key", "group").
 */
export const checkKey = (key: unknown, what = 'key', most = MAX_KEY_BYTES): string | undefined => {
  if (typeof key !== 'string') return `a ${what} must be a string, this one is ${kindOf(key)}`
  if (key === '') return `a ${what} can't be empty`
  // Half a surrogate pair has no UTF-8 form: two such keys would become one.
  if (!key.isWellFormed()) return `a ${what} must be well-formed Unicode, this one holds half a surrogate pair`
  // No UTF-16 unit takes more than three bytes in UTF-8.
  if (key.length * 3 > most && Buffer.byteLength(key) > most) {
    return `a ${what} can't be longer than ${most} bytes in UTF-8, this one has ${Buffer.byteLength(key)}`
  }
  return undefined
}

/** The key, if it is one; else throws the error `fail` makes of what is wrong. */
export const assertKey = (key: unknown, fail: (message: string) => Error, what?: string): string => {
  const problem = checkKey(key, what)
  if (problem !== undefined) throw fail(problem)
  return key as string
}

const kindOf = (value: unknown): string => {
  if (value === null || value === undefined) return String(value)
  return Array.isArray(value) ? 'an array' : `${typeof value === 'object' ? 'an' : 'a'} ${typeof value}`
}
