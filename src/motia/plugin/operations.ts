import type { CacheEngine, Lease, ManyPlace, Place } from '../../cache/engine.js'
import type { Encoded } from '../../codec/payload.js'
import { packEntry } from '../step/channel-engine.js'
import { unpackNumber } from '../step/protocol.js'
import { checkWireError, fromWire } from '../step/wire-error.js'

/** A message that no step side of ours sends; its text says what is wrong, never what was in it. */
export class MalformedMessage extends Error {}

type Args = readonly unknown[]

/** What a step may ask, each with its arguments checked. Categories, keys and durations are the engine's to judge. */
export const engineOperations: Record<string, (engine: CacheEngine, args: Args) => Promise<unknown>> = {
  get: (engine, [at]) => engine.get(place(at)).then(stored),
  getMany: async (engine, [at]) => (await engine.getMany(places(at))).map(([key, value]) => [key, stored(value)]),
  getEntry: async (engine, [at]) => {
    const entry = await engine.getEntry(place(at))
    return entry && packEntry(entry)
  },
  has: (engine, [at]) => engine.has(place(at)),
  set: (engine, [at, value, given]) => engine.set(place(at), encoded(value), options(given)),
  setMany: (engine, [at, given]) => {
    const { category, entries } = object(at)
    const pairs = list(entries).map((pair): [string, Encoded] => {
      const [key, value] = list(pair)
      return [text(key), encoded(value)]
    })
    return engine.setMany(optionalText(category), pairs, options(given))
  },
  delete: (engine, [at]) => engine.delete(place(at)),
  deleteMany: (engine, [at]) => engine.deleteMany(places(at)),
  expire: (engine, [at]) => engine.expire(place(at)),
  touch: (engine, [at, given]) => engine.touch(place(at), options(given).ttl),
  increment: (engine, [at, given]) => engine.increment(place(at), options(given)),
  invalidateTags: (engine, [at]) => {
    const { category, tags } = object(at)
    return engine.invalidateTags(optionalText(category), list(tags).map(text))
  },
  clear: (engine, [at]) => engine.clear(text(object(at).category)),
  keys: (engine, [at, given]) => engine.keys(text(object(at).category), options(given)),
}

/** How a step ends a lease it was given. Afterwards the lease is spent. */
export const leaseOperations: Record<string, (lease: Lease, args: Args) => Promise<unknown>> = {
  fill: (lease, [, value, given]) => lease.fill(optionalEncoded(value), options(given)).then(stored),
  skip: (lease, [, value]) => lease.skip(optionalEncoded(value)).then(stored),
  fail: async (lease, [, error]) => {
    const wire = checkWireError(error)
    if (wire === undefined) throw new MalformedMessage('an error has the wrong shape')
    lease.fail(fromWire(wire))
  },
  release: async (lease) => lease.release(),
}

export const place = (input: unknown): Place => {
  const { category, key, unchecked } = object(input)
  return { category: optionalText(category), key: text(key), ...(unchecked === true && { unchecked }) }
}

const places = (input: unknown): ManyPlace => {
  const { category, keys } = object(input)
  return { category: optionalText(category), keys: list(keys).map(text) }
}

export const options = (input: unknown): Record<string, unknown> => {
  const given: Record<string, unknown> = {}
  for (const [name, packed] of Object.entries(object(input))) {
    const value = unpackNumber(packed)
    const fits = Array.isArray(value) ? value.every((item) => typeof item === 'string') : typeof value !== 'object'
    if (!fits) throw new MalformedMessage('an option has the wrong type')
    given[name] = value
  }
  return given
}

export const leaseId = (input: unknown): number => {
  if (typeof input === 'number') return input
  throw new MalformedMessage('a lease is named by a number')
}

/** Only what is stored crosses the channel; `json` may be a getter. */
export const stored = (value: Encoded | undefined): Encoded | undefined =>
  value && (value.meta === undefined ? { json: value.json } : { json: value.json, meta: value.meta })

const encoded = (input: unknown): Encoded => {
  const { json, meta } = object(input)
  return meta === undefined ? { json: text(json) } : { json: text(json), meta: object(meta) }
}

const optionalEncoded = (input: unknown): Encoded | undefined => {
  const { value } = object(input)
  return value === undefined ? undefined : encoded(value)
}

const object = (input: unknown): Record<string, unknown> => {
  if (typeof input === 'object' && input !== null && !Array.isArray(input)) return input as Record<string, unknown>
  throw new MalformedMessage('an argument must be an object')
}

const list = (input: unknown): readonly unknown[] => {
  if (Array.isArray(input)) return input
  throw new MalformedMessage('an argument must be a list')
}

const text = (input: unknown): string => {
  if (typeof input === 'string') return input
  throw new MalformedMessage('an argument must be a text')
}

const optionalText = (input: unknown): string | undefined => (input === undefined ? undefined : text(input))
