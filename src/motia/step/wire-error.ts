import type { CacheError, CacheErrorCode } from '../../../types/index.js'
import type { WithHits } from '../../cache/engine.js'
import { completeError, isCacheError } from '../../errors.js'
import type { WireError } from './protocol.js'

/** An error (or whatever else was thrown) as JSON can carry it. Never throws. */
export const toWire = (error: unknown): WireError => {
  try {
    return describe(error)
  } catch {
    // A getter, a Proxy or a toString that throws: whatever it is, those who wait must be told that it failed.
    return { kind: 'error', name: 'Error', message: 'an error that could not be read' }
  }
}

const describe = (error: unknown): WireError => {
  if (isCacheError(error)) {
    const { code, message, category, operation, applied } = error
    const { hits } = error as WithHits
    return {
      kind: 'cache',
      code,
      message,
      category,
      operation,
      applied,
      ...(hits === undefined ? {} : { hits }),
    }
  }
  if (error instanceof Error) {
    const { name, message, stack } = error
    const { code } = error as { code?: unknown }
    return {
      kind: 'error',
      name: String(name),
      message: String(message),
      ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
      ...(typeof stack === 'string' ? { stack } : {}),
    }
  }
  return { kind: 'thrown', value: jsonable(error) }
}

/** Call it where the error is thrown: a CacheError gets its stack from there, so that it names the caller's line. */
export const fromWire = (wire: WireError): unknown => {
  switch (wire.kind) {
    case 'cache':
      return Object.assign(
        completeError(wire.code as CacheErrorCode, wire.message, wire) satisfies CacheError,
        wire.hits === undefined ? {} : { hits: wire.hits },
      )
    case 'error': {
      const error = new Error(wire.message)
      if (wire.name !== 'Error') Object.defineProperty(error, 'name', { value: wire.name, ...hidden })
      if (wire.code !== undefined) Object.assign(error, { code: wire.code })
      if (wire.stack !== undefined) Object.defineProperty(error, 'stack', { value: wire.stack, ...hidden })
      return error
    }
    case 'thrown':
      return wire.value
  }
}

/** From outside: undefined where the shape is wrong. */
export const checkWireError = (input: unknown): WireError | undefined => {
  if (typeof input !== 'object' || input === null) return undefined
  const wire = input as Record<string, unknown>
  const texts = (...names: string[]): boolean => names.every((name) => typeof wire[name] === 'string')
  if (wire.kind === 'thrown') return input as WireError
  if (wire.kind === 'cache' && texts('code', 'message', 'category', 'operation', 'applied')) return input as WireError
  const codeFits = wire.code === undefined || typeof wire.code === 'string' || typeof wire.code === 'number'
  const stackFits = wire.stack === undefined || typeof wire.stack === 'string'
  return wire.kind === 'error' && texts('name', 'message') && codeFits && stackFits ? (input as WireError) : undefined
}

/** As an Error's own fields are. */
const hidden = { enumerable: false, configurable: true, writable: true }

const jsonable = (value: unknown): unknown => {
  try {
    const text = JSON.stringify(value)
    return text === undefined ? (value === undefined ? undefined : String(value)) : JSON.parse(text)
  } catch {
    return Object.prototype.toString.call(value)
  }
}
