import { isReservedName, MAX_BIGINT_DIGITS, TYPED_ARRAYS } from './kinds.js'
import { MAX_RICH_DEPTH, type SuperjsonMeta } from './payload.js'

/** A Map adds two levels to a path for each of its own. */
const MAX_STEPS = MAX_RICH_DEPTH * 3

/**
 * Throws unless `meta` is something we can have written for `json` (parsed): only known types, each at a place that
 * exists and holds what that type is made from. superjson trusts its metadata; what lies in a Redis may be anybody's.
 * What passes, decodes.
 */
export const checkMeta = (json: unknown, meta: SuperjsonMeta): void => {
  if (meta.v !== 1) throw new Error('stored metadata has an unknown version')
  // We never record shared references; following somebody else's could build cycles.
  if (meta.referentialEqualities !== undefined) throw new Error('stored metadata has references')
  if (Array.isArray(meta.values)) checkNode(meta.values, json, 0)
  else checkChildren(meta.values, json, 0, 1)
}

/** `[type]` or `[type, children]`. */
const checkNode = (node: unknown, at: unknown, steps: number): void => {
  if (!Array.isArray(node) || (node.length !== 1 && node.length !== 2)) throw unknownShape()
  // An entry of a Map is a pair; only its key and its value may be something else.
  if (node.length === 2) checkChildren(node[1], at, steps, node[0] === 'map' ? 2 : 1)
  checkType(node[0], at)
}

/** Path → node. No path leads through a place that another one turns into a Map or Set. */
const checkChildren = (children: unknown, at: unknown, steps: number, leastNames: number): void => {
  if (!isObject(children) || Array.isArray(children)) throw unknownShape()
  const targets = new Set<unknown>()
  const passed = new Set<unknown>()
  for (const path of Object.keys(children)) {
    const names = splitPath(path)
    if (names.length < leastNames) throw unknownShape()
    if (steps + names.length > MAX_STEPS) throw new Error('stored metadata is nested too deep')
    let target = at
    for (const [index, name] of names.entries()) {
      if (index > 0) passed.add(target)
      target = part(target, name)
    }
    if (isObject(target)) targets.add(target)
    checkNode(children[path], target, steps + names.length)
  }
  for (const target of targets) if (passed.has(target)) throw unknownShape()
}

const unknownShape = (): Error => new Error('stored metadata has an unknown shape')

const part = (of: unknown, name: string): unknown => {
  const there = Array.isArray(of) ? /^(?:0|[1-9]\d{0,9})$/.test(name) : isObject(of) && !isReservedName(name)
  if (!there || !Object.hasOwn(of as object, name)) throw new Error('stored metadata names a place that is not there')
  return (of as Record<string, unknown>)[name]
}

const checkType = (type: unknown, at: unknown): void => {
  const fits = typeof type === 'string' ? FITS.get(type)?.(at) : isTypedArray(type, at)
  if (fits !== true) throw new Error('stored metadata has a type that does not fit its value')
}

const NUMBERS: ReadonlySet<unknown> = new Set(['NaN', 'Infinity', '-Infinity', '-0'])
const TYPED_ARRAY_NAMES: ReadonlySet<unknown> = new Set(TYPED_ARRAYS.map((type) => type.name))

/** Every type we write, with the JSON it is made from. Not superjson's Error, class, custom and symbol. */
const FITS: ReadonlyMap<string, (at: unknown) => boolean> = new Map<string, (at: unknown) => boolean>([
  ['undefined', (at) => at === null],
  ['number', (at) => NUMBERS.has(at)],
  ['bigint', (at) => typeof at === 'string' && at.length <= MAX_BIGINT_DIGITS + 1 && /^-?\d+$/.test(at)],
  ['Date', (at) => typeof at === 'string' && at.length <= 30 && !Number.isNaN(Date.parse(at))],
  ['regexp', (at) => typeof at === 'string' && isRegExp(at)],
  ['URL', (at) => typeof at === 'string' && URL.canParse(at)],
  ['set', (at) => Array.isArray(at)],
  ['map', (at) => Array.isArray(at) && at.every((entry) => Array.isArray(entry) && entry.length === 2)],
])

const isRegExp = (text: string): boolean => {
  const end = text.lastIndexOf('/')
  if (!text.startsWith('/') || end === 0) return false
  try {
    return new RegExp(text.slice(1, end), text.slice(end + 1)) instanceof RegExp
  } catch {
    return false
  }
}

const isTypedArray = (type: unknown, at: unknown): boolean =>
  Array.isArray(type) &&
  type.length === 2 &&
  type[0] === 'typed-array' &&
  TYPED_ARRAY_NAMES.has(type[1]) &&
  Array.isArray(at) &&
  at.every((element) => typeof element === 'number')

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

/** superjson's paths: names joined by '.', with '\' before a '.' or '\' that belongs to a name. */
const splitPath = (path: string): string[] => {
  if (!path.includes('\\')) return path.split('.')
  const names: string[] = []
  let name = ''
  for (let i = 0; i < path.length; i++) {
    const char = path[i]
    if (char === '.') {
      names.push(name)
      name = ''
    } else if (char !== '\\') {
      name += char
    } else {
      const escaped = path[++i]
      if (escaped !== '.' && escaped !== '\\') throw new Error('stored metadata has a malformed path')
      name += escaped
    }
  }
  names.push(name)
  return names
}
