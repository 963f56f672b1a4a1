const BUFFER = ':base64:'

/** Keyv's form of a string inside JSON: one that starts with ':' gets another. */
export const escapeString = (text: string): string => (text.charCodeAt(0) === 58 ? `:${text}` : text)

export const escapeBuffer = (buffer: Buffer): string => BUFFER + buffer.toString('base64')

/** False for nearly every text, and then nobody has to walk it. (`\u00`: somebody's JSON may write ':' as \u003a.) */
export const mayHoldEscapes = (json: string): boolean =>
  json.includes('::') || json.includes(BUFFER) || json.includes('\\u00')

/**
 * Undoes Keyv's escapes, in place. A string with a single leading ':' is none of Keyv's forms and stays.
 * For parsed JSON of any depth: it keeps its own stack.
 */
export const unescapeAll = (value: unknown): unknown => {
  const root = { value }
  const open: object[] = [root]
  for (let container = open.pop(); container !== undefined; container = open.pop()) {
    const parts = container as Record<string, unknown>
    for (const name of Object.keys(parts)) {
      const part = parts[name]
      if (typeof part === 'object' && part !== null) open.push(part)
      else if (typeof part === 'string' && part.charCodeAt(0) === 58) parts[name] = unescapeString(part)
    }
  }
  return root.value
}

const unescapeString = (text: string): string | Buffer => {
  if (text.charCodeAt(1) === 58) return text.slice(1)
  return text.startsWith(BUFFER) ? Buffer.from(text.slice(BUFFER.length), 'base64') : text
}

/** Whether any string in parsed JSON is a Buffer in Keyv's form. */
export const holdsBuffer = (value: unknown): boolean => {
  const open: unknown[] = [value]
  while (open.length > 0) {
    const part = open.pop()
    if (typeof part === 'string' && part.startsWith(BUFFER)) return true
    if (typeof part === 'object' && part !== null) for (const inner of Object.values(part)) open.push(inner)
  }
  return false
}
