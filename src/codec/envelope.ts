import { readBare, readCounter } from './bare.js'
import { holdsForbiddenName, mayHoldForbiddenName } from './forbidden.js'
import { type Packed, pack, unpack } from './packed.js'
import type { Encoded } from './payload.js'
import { isLongerThan, valueBytes } from './size.js'
import { isRecord, isStoredMeta, type StoredMeta, storedValue } from './stored.js'
import { usualValue } from './usual.js'

/** What an envelope may weigh beyond its value: tags, version, times. */
const ENVELOPE_ALLOWANCE = 64 * 1024
const VERSION = /^[0-9a-f]{24}$/

export interface EnvelopeFields {
  /** The logical end, epoch ms. Undefined: no end of its own (a group of state has one for all). */
  readonly expires?: number | undefined
  /** Epoch ms. Left out for ordinary cached data, which then pays nothing for it. */
  readonly createdAt?: number | undefined
  readonly tags?: readonly string[] | undefined
  /** The physical end where it is later than `expires`, epoch ms. */
  readonly hardExpiry?: number | undefined
  /** Kept data only: 24 lower-case hex digits. First in the text, where a script compares it without parsing. */
  readonly version?: string | undefined
}

export interface ReadOptions {
  readonly codec: 'keyv' | 'json'
  /** Epoch ms. An entry counts as expired when its grace is over too. */
  readonly now: number
  /** The limit for values; what is longer isn't even parsed. */
  readonly maxBytes: number
}

export interface Hit extends EnvelopeFields {
  readonly outcome: 'hit'
  readonly value: Encoded
  /** Where the value lies compressed: as it lies there, so that whoever writes the entry anew needn't do it again. */
  readonly packed?: Packed | undefined
}

/** It is known that there is nothing. Any other reader sees a miss. */
export interface Absent extends EnvelopeFields {
  readonly outcome: 'absent'
}

/**
 * Never anything of the content. too-large: not parsed. not-json: cut off, compressed, anything. not-an-envelope: JSON
 * that nobody's cache wrote. bad-field: an envelope with a field of the wrong kind. forbidden-name: a property `__proto__`. bad-compression: a
 * compressed value that is damaged, or larger than a value may be.
 */
export type CorruptReason =
  | 'too-large'
  | 'not-json'
  | 'not-an-envelope'
  | 'bad-field'
  | 'forbidden-name'
  | 'bad-compression'

export type ReadResult =
  | Hit
  | Absent
  | { readonly outcome: 'expired' }
  | { readonly outcome: 'corrupt'; readonly reason: CorruptReason }

/**
 * The stored text: a JSON object that Keyv 5 reads as its own. Of a packed value it knows nothing: to it, and to
 * everybody else who looks for a `value`, such an entry is a miss.
 */
export const writeEnvelope = (value: Encoded | Packed, fields: EnvelopeFields): string => {
  if ('packed' in value) return writeWithoutValue({ z: value.packed }, fields)
  const expires = fields.expires === undefined ? '' : `,"expires":${fields.expires}`
  const meta = metaText(value.meta && { s: value.meta }, fields)
  return `{${versionText(fields)}"value":${value.json}${expires}${meta === undefined ? '' : `,"meta":${meta}`}}`
}

/** The stored text of "there is nothing": a miss to Keyv too. */
export const writeAbsent = (fields: EnvelopeFields): string => writeWithoutValue({ n: 1 }, fields)

/** The value, compressed where it takes more than `above` bytes and that saves a tenth. A promise where it is long. */
export const packValue = (encoded: Encoded, above: number): Encoded | Packed | Promise<Encoded | Packed> => {
  const surelyShort = encoded.meta === undefined && encoded.json.length * 3 <= above
  if (surelyShort || valueBytes(encoded) <= above) return encoded
  const done = pack(writeEnvelope(encoded, {}))
  return done instanceof Promise ? done.then((packed) => packed ?? encoded) : (done ?? encoded)
}

const writeWithoutValue = (content: StoredMeta, fields: EnvelopeFields): string => {
  const expires = fields.expires === undefined ? '' : `"expires":${fields.expires},`
  return `{${versionText(fields)}${expires}"meta":${metaText(content, fields)}}`
}

const versionText = ({ version }: EnvelopeFields): string => (version === undefined ? '' : `"ver":"${version}",`)

/** Undefined: needs none. */
const metaText = (
  content: StoredMeta | undefined,
  { createdAt, tags, hardExpiry }: EnvelopeFields,
): string | undefined => {
  const hasTags = tags !== undefined && tags.length > 0
  if (content === undefined && createdAt === undefined && hardExpiry === undefined && !hasTags) return undefined
  return JSON.stringify({
    ...(hasTags && { t: tags }),
    ...content,
    ...(createdAt !== undefined && { c: createdAt }),
    ...(hardExpiry !== undefined && { g: hardExpiry }),
  } satisfies StoredMeta)
}

/**
 * What an entry's text says. Understands our envelope, Keyv's, a bare integer (a counter); under codec 'json' every
 * JSON text is a value, an object that looks like an envelope too. Never throws.
 */
export const readEnvelope = (text: string, options: ReadOptions): ReadResult => read(text, options, true)

/** `whole`: not the inner envelope of a packed value. One within another could go on for ever. */
const read = (text: string, options: ReadOptions, whole: boolean): ReadResult => {
  if (isLongerThan(text, options.maxBytes + ENVELOPE_ALLOWANCE)) return corrupt('too-large')
  const usual = options.codec === 'json' ? undefined : usualValue(text)
  if (usual !== undefined) {
    const { value, expires, createdAt, hardExpiry, version } = usual
    if (isOver(expires, hardExpiry, options.now)) return { outcome: 'expired' }
    return { outcome: 'hit', value, expires, createdAt, tags: undefined, hardExpiry, version }
  }
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return corrupt('not-json')
  }
  if (options.codec === 'json') return hitOr('forbidden-name', readBare(text, parsed))
  if (typeof parsed === 'number') return hitOr('not-an-envelope', readCounter(text, parsed))
  if (!isEnvelope(parsed)) return corrupt('not-an-envelope')
  const { ver, expires, meta } = parsed
  // Keyv writes null for "never".
  if (!(expires === undefined || expires === null || typeof expires === 'number')) return corrupt('bad-field')
  if (!(meta === undefined || isStoredMeta(meta))) return corrupt('bad-field')
  if (mayHoldForbiddenName(text) && holdsForbiddenName(parsed)) return corrupt('forbidden-name')
  if (typeof expires === 'number' && isOver(expires, meta?.g, options.now)) return { outcome: 'expired' }
  const version = typeof ver === 'string' && VERSION.test(ver) ? ver : undefined
  if (Object.hasOwn(parsed, 'value'))
    return hit(storedValue(text, parsed, meta?.s), expires ?? undefined, meta, version)
  if (meta?.z === undefined) return { outcome: 'absent', ...fieldsOf(expires ?? undefined, meta, version) }
  const packed = { packed: meta.z }
  const value = whole ? unpacked(packed, options.maxBytes) : undefined
  if (value === undefined) return corrupt('bad-compression')
  return { outcome: 'hit', value, packed, ...fieldsOf(expires ?? undefined, meta, version) }
}

/** Also its grace, if it has one. */
export const isOver = (expires: number, hardExpiry: number | undefined, now: number): boolean =>
  expires <= now && (hardExpiry ?? 0) <= now

/** The tags of an entry that may be of any size, fresh or not; its value isn't looked at. */
export const tagsIn = (text: string): readonly string[] => {
  if (!text.includes('"t":[')) return []
  try {
    const parsed: unknown = JSON.parse(text)
    return isEnvelope(parsed) && isStoredMeta(parsed.meta) ? (parsed.meta.t ?? []) : []
  } catch {
    return [] // no entry at all
  }
}

/** The value of an envelope within an envelope; undefined where there is none. */
const unpacked = (packed: Packed, maxBytes: number): Encoded | undefined => {
  const text = unpack(packed, maxBytes + ENVELOPE_ALLOWANCE)
  const inner = text === undefined ? undefined : read(text, { codec: 'keyv', now: 0, maxBytes }, false)
  return inner?.outcome === 'hit' ? inner.value : undefined
}

const fieldsOf = (expires: number | undefined, meta?: StoredMeta, version?: string): EnvelopeFields => ({
  expires,
  createdAt: meta?.c,
  tags: meta?.t,
  hardExpiry: meta?.g,
  version,
})

const hit = (value: Encoded, expires: number | undefined, meta?: StoredMeta, version?: string): Hit => ({
  outcome: 'hit',
  value,
  expires,
  createdAt: meta?.c,
  tags: meta?.t,
  hardExpiry: meta?.g,
  version,
})

const hitOr = (reason: CorruptReason, value: Encoded | undefined): ReadResult =>
  value === undefined ? corrupt(reason) : { outcome: 'hit', value }

const corrupt = (reason: CorruptReason): ReadResult => ({ outcome: 'corrupt', reason })

/** Strict about the names, because some other system's object may have a property `value` too. */
const isEnvelope = (parsed: unknown): parsed is Record<string, unknown> => {
  if (!isRecord(parsed) || !(Object.hasOwn(parsed, 'value') || saysWithoutValue(parsed.meta))) return false
  for (const name in parsed)
    if (name !== 'value' && name !== 'expires' && name !== 'meta' && name !== 'ver') return false
  return true
}

/** One of our two forms without a value: compressed, or nothing there. */
const saysWithoutValue = (meta: unknown): boolean =>
  isRecord(meta) && Object.hasOwn(meta, 'z') !== Object.hasOwn(meta, 'n')
