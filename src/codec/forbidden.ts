/** JSON.parse makes `__proto__` an ordinary property; the first careless copy of it would set a prototype. */
export const mayHoldForbiddenName = (json: string): boolean => json.includes('__proto__') || json.includes('\\u00')

/** For parsed JSON of any depth: it keeps its own stack. */
export const holdsForbiddenName = (value: unknown): boolean => {
  const open: unknown[] = [value]
  while (open.length > 0) {
    const container = open.pop()
    if (typeof container !== 'object' || container === null) continue
    if (Object.hasOwn(container, '__proto__')) return true
    for (const part of Object.values(container)) open.push(part)
  }
  return false
}
