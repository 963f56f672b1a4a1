import type { Cache } from '../../types/index.ts'

/** One question to the cache, with its answer as plain data: it can be sent out of a step and compared. */
export interface CacheCase {
  readonly name: string
  run(cache: Cache, id: string): Promise<unknown>
  readonly expected: unknown
}

/** JavaScript callers aren't held by the types. */
type Method = (...args: readonly unknown[]) => Promise<unknown>
export type Loose = { readonly [M in keyof Cache | 'setTtl']: Method }
export const loose = (cache: unknown): Loose => cache as Loose

export const define = (
  name: string,
  run: (cache: Cache, id: string) => Promise<unknown>,
  expected: unknown,
): CacheCase => ({
  name,
  run,
  expected,
})

// ─────────────────────────────────────────────────────────── plain results ───

/** Any value as plain data, so that nothing gets lost or equal on the way out of a step. */
export const shown = (value: unknown): unknown => {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value
  if (typeof value === 'number')
    return Number.isFinite(value) && !Object.is(value, -0)
      ? value
      : tagged('number', Object.is(value, -0) ? '-0' : String(value))
  if (typeof value === 'bigint') return tagged('bigint', String(value))
  if (value === undefined || typeof value !== 'object') return tagged(typeof value, '')
  if (value instanceof Date) return tagged('Date', value.toISOString())
  if (value instanceof RegExp || value instanceof URL) return tagged(value.constructor.name, String(value))
  if (value instanceof Map) return tagged('Map', [...value].map(shown))
  if (value instanceof Set) return tagged('Set', [...value].map(shown))
  if (ArrayBuffer.isView(value)) return tagged(value.constructor.name, Array.from(value as Uint8Array, shown))
  if (Array.isArray(value)) return value.map(shown)
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, shown(part)]))
}

const tagged = (type: string, content: unknown) => ({ $: type, content })

/** What an error says that is the same everywhere: a CacheError's facts, another error's name and text. */
export const told = (error: unknown): unknown => {
  if (!(error instanceof Error)) return { thrown: shown(error) }
  const { code, operation, category, applied } = error as unknown as Readonly<Record<string, unknown>>
  return code === undefined ? { name: error.name, message: error.message } : { code, operation, category, applied }
}

/** The answer, or the error as plain data. Also tells a method that throws instead of rejecting. */
export const outcome = async (call: () => Promise<unknown>): Promise<unknown> => {
  let promise: Promise<unknown>
  try {
    promise = call()
  } catch (error) {
    return { threw: told(error) }
  }
  try {
    return shown(await promise)
  } catch (error) {
    return told(error)
  }
}

export const refusal = (code: string, operation: string, category = 'cache') => ({
  code,
  operation,
  category,
  applied: 'no',
})
