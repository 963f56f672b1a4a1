/** More levels than this aren't searched but refused. */
const SEARCHED = 5_000

/** JSON.parse makes `__proto__` an ordinary property; the first careless copy of it would set a prototype. */
export const mayHoldForbiddenName = (json: string): boolean => json.includes('__proto__') || json.includes('\\u00')

export const holdsForbiddenName = (value: unknown, depth = SEARCHED): boolean => {
  if (typeof value !== 'object' || value === null) return false
  if (depth === 0) return true
  if (Array.isArray(value)) return value.some((element) => holdsForbiddenName(element, depth - 1))
  return Object.keys(value).some(
    (name) => name === '__proto__' || holdsForbiddenName((value as Record<string, unknown>)[name], depth - 1),
  )
}
