import { types } from 'node:util'

/** One value by itself, for a tree. */
export interface Shape {
  readonly type: string
  readonly text?: string
  /** Bytes or elements in all, where `text` doesn't show them all. */
  readonly of?: number
  readonly parts?: Parts
}

export interface Parts {
  readonly count: number
  first(most: number): Iterable<readonly [label: string, part: unknown]>
}

/** Bytes or elements of binary data that are shown. */
const MOST_BYTES = 512
const MOST_NAME = 60
const MOST_KEY = 200

/** What a getter or a proxy wouldn't tell. */
const UNREADABLE = Symbol('unreadable')

export const shapeOf = (value: unknown): Shape => {
  if (value === UNREADABLE) return { type: 'unreadable' }
  if (typeof value === 'string') return { type: 'string', text: value }
  if (typeof value === 'object' && value !== null) {
    try {
      return objectShape(value)
    } catch {
      return { type: 'unreadable' }
    }
  }
  if (typeof value === 'function') return { type: 'function' }
  return { type: value === null ? 'null' : typeof value, text: Object.is(value, -0) ? '-0' : String(value) }
}

const objectShape = (value: object): Shape => {
  if (types.isProxy(value)) return { type: 'Proxy' }
  if (Array.isArray(value)) return { type: 'Array', parts: listParts(value.length, (i) => value[i]) }
  if (types.isMap(value)) return { type: 'Map', parts: { count: value.size, first: (most) => mapParts(value, most) } }
  if (types.isSet(value)) return { type: 'Set', parts: { count: value.size, first: (most) => setParts(value, most) } }
  if (types.isTypedArray(value)) return binaryShape(value)
  if (types.isDate(value)) {
    const isValid = !Number.isNaN(Date.prototype.getTime.call(value))
    return { type: 'Date', text: isValid ? Date.prototype.toISOString.call(value) : 'Invalid Date' }
  }
  if (types.isRegExp(value)) return { type: 'RegExp', text: RegExp.prototype.toString.call(value) }
  if (value instanceof URL) return { type: 'URL', text: value.href }
  if (types.isNativeError(value)) return { type: 'Error', text: `${value.name}: ${value.message}` }
  const names = Object.keys(value)
  return {
    type: nameOf(value),
    parts: {
      count: names.length,
      *first(most) {
        for (const name of names.slice(0, most)) yield [name, readable(() => Reflect.get(value, name))] as const
      },
    },
  }
}

const nameOf = (value: object): string => {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === null || prototype === Object.prototype) return 'Object'
  const name: unknown = value.constructor?.name
  return typeof name === 'string' && name !== '' ? name.slice(0, MOST_NAME) : 'Object'
}

const readable = (read: () => unknown): unknown => {
  try {
    return read()
  } catch {
    return UNREADABLE
  }
}

const listParts = (count: number, at: (i: number) => unknown): Parts => ({
  count,
  *first(most) {
    for (let i = 0; i < Math.min(count, most); i++) yield [String(i), readable(() => at(i))] as const
  },
})

function* mapParts(map: ReadonlyMap<unknown, unknown>, most: number): Generator<readonly [string, unknown]> {
  let shown = 0
  for (const [key, part] of Map.prototype.entries.call(map)) {
    if (shown++ === most) return
    yield [keyLabel(key), part]
  }
}

function* setParts(set: ReadonlySet<unknown>, most: number): Generator<readonly [string, unknown]> {
  let shown = 0
  for (const part of Set.prototype.values.call(set)) {
    if (shown === most) return
    yield [String(shown++), part]
  }
}

/** What a Map has as a key, told apart from the text that looks like it. */
const keyLabel = (key: unknown): string => {
  const { type, text, parts } = shapeOf(key)
  if (type === 'string') return JSON.stringify(text?.slice(0, MOST_KEY))
  if (parts !== undefined) return `${type}(${parts.count})`
  if (text === undefined) return type
  return type === 'bigint' ? `${text}n` : text
}

const binaryShape = (value: NodeJS.TypedArray): Shape => {
  const { length } = value
  const type = Buffer.isBuffer(value) ? 'Buffer' : (value[Symbol.toStringTag] ?? 'TypedArray')
  const shown = Math.min(length, MOST_BYTES)
  const text =
    value.BYTES_PER_ELEMENT === 1
      ? Buffer.from(value.buffer, value.byteOffset, shown).toString('hex')
      : Array.prototype.slice.call(value, 0, shown).join(', ')
  return { type, text, ...(shown < length && { of: length }) }
}
