import { types } from 'node:util'
import { escapeBuffer, escapeString } from './escape.js'
import { isReservedName, MAX_BIGINT_DIGITS, MAX_BIGINT_HEX, TYPED_ARRAYS } from './kinds.js'
import { MAX_DEPTH, MAX_PARTS, MAX_RICH_DEPTH } from './payload.js'
import { pathText, type Step } from './value-path.js'

export interface Snapshot {
  /** A copy of our own, strings and Buffers in Keyv's form, every object ordinary. */
  readonly value: unknown
  /** It holds something that JSON alone would lose. */
  readonly rich: boolean
}

/**
 * The careful way: copies the value as it is now, so that the caller may change it afterwards, and says what can't be
 * stored and where. `fail` makes the error from a text that names the place, never the value.
 */
export const snapshot = (value: unknown, fail: (message: string) => Error): Snapshot => {
  const walk: Walk = {
    path: [],
    above: new Set(),
    deepest: 0,
    parts: 0,
    rich: false,
    reserved: undefined,
    fail,
    failure: undefined,
  }
  try {
    const copied = copy(value, walk)
    if (walk.rich) checkRich(walk)
    return { value: copied, rich: walk.rich }
  } catch (error) {
    if (error === walk.failure && error !== undefined) throw error
    // Not ours: a getter, a Proxy, or the stack. What it said is the caller's data, so it isn't repeated.
    throw fail(`reading the value threw an error${place(walk)}`)
  }
}

/** What JSON alone carries, but not superjson. */
const checkRich = (walk: Walk): void => {
  const beside = "beside a Date, Map or anything else that JSON doesn't know"
  if (walk.reserved !== undefined) throw refuse(walk, `${walk.reserved} can't be stored ${beside}`)
  if (walk.deepest > MAX_RICH_DEPTH) {
    throw refuse(walk, `a value can't be nested deeper than ${MAX_RICH_DEPTH} levels ${beside}`)
  }
}

interface Walk {
  /** From the root to here; it keeps its length while an error travels up. */
  readonly path: Step[]
  readonly above: Set<object>
  /** The most levels seen so far. */
  deepest: number
  parts: number
  rich: boolean
  /** A property whose name superjson refuses; JSON alone carries it. */
  reserved: string | undefined
  readonly fail: (message: string) => Error
  failure: Error | undefined
}

const copy = (value: unknown, walk: Walk): unknown => {
  switch (typeof value) {
    case 'string':
      return escapeString(value)
    case 'boolean':
      return value
    case 'number':
      if (!Number.isFinite(value) || Object.is(value, -0)) walk.rich = true
      return value
    case 'bigint':
      if (value.toString(16).length > MAX_BIGINT_HEX)
        throw refuse(walk, `a BigInt of more than ${MAX_BIGINT_DIGITS} digits can't be stored`)
      walk.rich = true
      return value
    case 'undefined':
      if (walk.path.length === 0) throw refuse(walk, "undefined can't be stored; to remove an entry use delete")
      walk.rich = true
      return value
    case 'object':
      return value === null ? null : copyObject(value, walk)
    default:
      throw refuse(walk, `a ${typeof value} can't be stored`)
  }
}

const copyObject = (value: object, walk: Walk): unknown => {
  if (walk.above.size >= MAX_DEPTH) throw refuse(walk, `a value can't be nested deeper than ${MAX_DEPTH} levels`)
  if (walk.above.has(value)) throw refuse(walk, "a value that contains itself can't be stored")
  if (Buffer.isBuffer(value)) return escapeBuffer(value)
  const whole = copyWhole(value, walk)
  if (whole !== undefined) {
    walk.rich = true
    return whole
  }
  walk.above.add(value)
  walk.deepest = Math.max(walk.deepest, walk.above.size)
  const result = copyParts(value, walk)
  walk.above.delete(value)
  return result
}

/** What has no parts to descend into. */
const copyWhole = (value: object, walk: Walk): object | undefined => {
  if (types.isDate(value)) {
    if (Number.isNaN(Date.prototype.getTime.call(value))) throw refuse(walk, "an invalid Date can't be stored")
    return new Date(Date.prototype.getTime.call(exactly(value, 2, walk)))
  }
  if (types.isRegExp(value)) return new RegExp(exactly(value, 2, walk).source, value.flags)
  if (value instanceof URL) return new URL(exactly(value, 2, walk).href)
  if (ArrayBuffer.isView(value)) return copyTypedArray(value, walk)
  return undefined
}

const copyTypedArray = (view: ArrayBufferView, walk: Walk): object => {
  const type = TYPED_ARRAYS.find((each) => each.name === Object.prototype.toString.call(view).slice(8, -1))
  if (type === undefined) throw refuse(walk, `a ${nameOf(view)} can't be stored; use a Uint8Array or a list of numbers`)
  const result = type.from(exactly(view, 3, walk) as unknown as ArrayLike<number>)
  spend(walk, result.length)
  if (result instanceof Float32Array || result instanceof Float64Array) {
    for (const element of result) {
      if (!Number.isFinite(element) || Object.is(element, -0))
        throw refuse(walk, `a ${type.name} with NaN, Infinity or -0 in it can't be stored; use a list of numbers`)
    }
  }
  return result
}

const copyParts = (value: object, walk: Walk): unknown => {
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') {
    throw refuse(walk, "an object with a toJSON method can't be stored; store what toJSON() answers")
  }
  if (Array.isArray(value)) return copyArray(exactly(value, 2, walk), walk)
  if (types.isMap(value)) return copyMap(exactly(value, 2, walk), walk)
  if (types.isSet(value)) return copySet(exactly(value, 2, walk), walk)
  if (types.isNativeError(value))
    throw refuse(walk, "an Error can't be stored; store the message and what else you need of it")
  if (types.isPromise(value)) throw refuse(walk, "a Promise can't be stored; await it first")
  if (!isOrdinary(value))
    throw refuse(walk, `an instance of ${nameOf(value)} can't be stored; make it a plain object first`)
  return copyProperties(value as Record<string, unknown>, walk)
}

const copyArray = (array: readonly unknown[], walk: Walk): unknown[] => {
  spend(walk, array.length)
  const result: unknown[] = []
  for (let i = 0; i < array.length; i++) {
    walk.path.push(i)
    if (!(i in array)) throw refuse(walk, "an array with holes can't be stored; write undefined or null")
    result.push(copy(array[i], walk))
    walk.path.pop()
  }
  return result
}

const copyMap = (map: ReadonlyMap<unknown, unknown>, walk: Walk): Map<unknown, unknown> => {
  walk.rich = true
  spend(walk, map.size * 2)
  const result = new Map<unknown, unknown>()
  let at = 0
  for (const [key, value] of Map.prototype.entries.call(map)) {
    walk.path.push({ label: `key ${at}` })
    const copied = copy(key, walk)
    walk.path[walk.path.length - 1] = { label: `value ${at++}` }
    result.set(copied, copy(value, walk))
    walk.path.pop()
  }
  if (result.size < map.size) throw refuse(walk, "a Map with two equal Buffers as keys can't be stored")
  return result
}

const copySet = (set: ReadonlySet<unknown>, walk: Walk): Set<unknown> => {
  walk.rich = true
  spend(walk, set.size)
  const result = new Set<unknown>()
  let at = 0
  for (const member of Set.prototype.values.call(set)) {
    walk.path.push({ label: `member ${at++}` })
    result.add(copy(member, walk))
    walk.path.pop()
  }
  if (result.size < set.size) throw refuse(walk, "a Set with two equal Buffers can't be stored")
  return result
}

const copyProperties = (object: Record<string, unknown>, walk: Walk): Record<string, unknown> => {
  if (Object.getOwnPropertySymbols(object).length > 0)
    throw refuse(walk, "a property whose name is a symbol can't be stored")
  const keys = Object.keys(object)
  spend(walk, keys.length)
  const result: Record<string, unknown> = {}
  for (const key of keys) {
    walk.path.push(key)
    if (key === '__proto__') throw refuse(walk, "a property named '__proto__' can't be stored")
    if (isReservedName(key)) walk.reserved ??= `a property named '${key}'${place(walk)}`
    result[key] = copy(object[key], walk)
    walk.path.pop()
  }
  return result
}

/** A built-in itself, not a subclass, and with no properties of its own: both would be lost. */
const exactly = <T extends object>(value: T, links: number, walk: Walk): T => {
  let found = 0
  for (let at = Object.getPrototypeOf(value); at !== null; at = Object.getPrototypeOf(at)) found++
  if (found !== links)
    throw refuse(walk, `an instance of ${nameOf(value)} can't be stored; make it a plain object first`)
  if (!Array.isArray(value) && !ArrayBuffer.isView(value) && Object.keys(value).length > 0) {
    throw refuse(walk, `a ${nameOf(value)} with properties of its own can't be stored`)
  }
  return value
}

/** Also true for an object literal of another realm (a vm context, as some test runners use). */
const isOrdinary = (value: object): boolean => {
  const prototype = Object.getPrototypeOf(value)
  if (prototype === null || prototype === Object.prototype) return true
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf')
}

const nameOf = (value: object): string => {
  const name: unknown = Object.getPrototypeOf(value)?.constructor?.name
  return typeof name === 'string' && /^[\w$]{1,60}$/.test(name) ? name : 'a class'
}

const spend = (walk: Walk, parts: number): void => {
  walk.parts += parts + 1
  if (walk.parts > MAX_PARTS) throw refuse(walk, `a value can't have more than ${MAX_PARTS} parts`)
}

const refuse = (walk: Walk, message: string): Error => {
  walk.failure = walk.fail(message + place(walk))
  return walk.failure
}

const place = (walk: Walk): string => (walk.path.length === 0 ? '' : ` (at ${pathText(walk.path)})`)
