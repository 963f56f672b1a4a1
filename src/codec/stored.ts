import { mayHoldEscapes, unescapeAll } from './escape.js'
import { memberText } from './member.js'
import type { Encoded, SuperjsonMeta } from './payload.js'

/**
 * The envelope's `meta`: tags, superjson's metadata, created at, hard expiry; where there is no `value`: z, the value
 * compressed, or n, that it is known to be absent.
 */
export interface StoredMeta {
  readonly t?: readonly string[]
  readonly s?: SuperjsonMeta
  readonly c?: number
  readonly g?: number
  readonly z?: string
  readonly n?: 1
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const isStoredMeta = (meta: unknown): meta is StoredMeta =>
  isRecord(meta) &&
  (meta.t === undefined || (Array.isArray(meta.t) && meta.t.every((tag) => typeof tag === 'string'))) &&
  (meta.s === undefined || isRecord(meta.s)) &&
  (meta.c === undefined || typeof meta.c === 'number') &&
  (meta.g === undefined || typeof meta.g === 'number') &&
  (meta.z === undefined || typeof meta.z === 'string') &&
  (meta.n === undefined || meta.n === 1)

/**
 * The value of an envelope that was just parsed. The reader in this process takes `parsed`; one that passes the value
 * on to a step takes `json`, cut out of the text, and pays neither for writing JSON nor for undoing the escapes.
 */
export const storedValue = (
  text: string,
  envelope: Record<string, unknown>,
  meta: SuperjsonMeta | undefined,
): Encoded => new StoredValue(text, envelope, meta)

/**
 * The value's own text. What stands around it is known where the envelope is written as we and Keyv do; anybody else's
 * is searched for it, also one that names a field twice, of which JSON.parse takes the last.
 */
const valueText = (text: string, envelope: Record<string, unknown>): string => {
  const { head, tail } = frame(envelope)
  if (text.startsWith(head) && text.endsWith(tail)) {
    const cut = text.slice(head.length, text.length - tail.length)
    if (!mayHoldFields(cut) || isJson(cut)) return cut
  }
  return memberText(text, 'value')
}

/** What stands around the value if the envelope is written as we and Keyv do: these fields, in this order, no spaces. */
const frame = ({ ver, expires, meta }: Record<string, unknown>): { head: string; tail: string } => {
  const end = expires === undefined ? '' : `,"expires":${String(expires)}`
  return {
    head: ver === undefined ? '{"value":' : `{"ver":${written(ver)},"value":`,
    tail: meta === undefined ? `${end}}` : `${end},"meta":${written(meta)}}`,
  }
}

/** Undefined for what is nested too deep to be written: no text around a value looks like that. */
const written = (field: unknown): string | undefined => {
  try {
    return JSON.stringify(field)
  } catch {
    return undefined
  }
}

/** Whether a field's name, plain or with escapes, stands in the text: then it may hold more than one value. */
const mayHoldFields = (json: string): boolean => FIELD_NAME.test(json) || json.includes('\\u00')
const FIELD_NAME = /"(?:value|expires|meta|ver)"/

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** A class, because an object literal with getters costs several times as much on each read. */
class StoredValue implements Encoded {
  #escaped = true
  #json: string | undefined

  constructor(
    private readonly text: string,
    private readonly envelope: Record<string, unknown>,
    readonly meta: SuperjsonMeta | undefined,
  ) {}

  get json(): string {
    this.#json ??= valueText(this.text, this.envelope)
    return this.#json
  }

  get parsed(): unknown {
    if (this.#escaped) {
      if (mayHoldEscapes(this.text)) this.envelope.value = unescapeAll(this.envelope.value)
      this.#escaped = false
    }
    return this.envelope.value
  }
}
