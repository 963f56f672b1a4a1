import { mayHoldEscapes, unescapeAll } from './escape.js'
import type { Encoded, SuperjsonMeta } from './payload.js'

/** The envelope's `meta`: tags, superjson's metadata, created at, hard expiry. */
export interface StoredMeta {
  readonly t?: readonly string[]
  readonly s?: SuperjsonMeta
  readonly c?: number
  readonly g?: number
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const isStoredMeta = (meta: unknown): meta is StoredMeta =>
  isRecord(meta) &&
  (meta.t === undefined || (Array.isArray(meta.t) && meta.t.every((tag) => typeof tag === 'string'))) &&
  (meta.s === undefined || isRecord(meta.s)) &&
  (meta.c === undefined || typeof meta.c === 'number') &&
  (meta.g === undefined || typeof meta.g === 'number')

/**
 * The value of an envelope that was just parsed. The reader in this process takes `parsed` and never pays for `json`;
 * one that passes the value on to a step takes `json`, cut out of the text, and never pays for undoing the escapes.
 */
export const storedValue = (
  text: string,
  envelope: Record<string, unknown>,
  meta: SuperjsonMeta | undefined,
): Encoded => new StoredValue(text, envelope, meta)

/** A class, because an object literal with getters costs several times as much on each read. */
class StoredValue implements Encoded {
  #escaped = true

  constructor(
    private readonly text: string,
    private readonly envelope: Record<string, unknown>,
    readonly meta: SuperjsonMeta | undefined,
  ) {}

  get json(): string {
    return cut(this.text, this.envelope) ?? JSON.stringify((JSON.parse(this.text) as { value: unknown }).value)
  }

  get parsed(): unknown {
    if (this.#escaped) {
      if (mayHoldEscapes(this.text)) this.envelope.value = unescapeAll(this.envelope.value)
      this.#escaped = false
    }
    return this.envelope.value
  }
}

/** The value's text, if the envelope is written the way we and Keyv write it: these fields, in this order, no spaces. */
const cut = (text: string, { ver, expires, meta }: Record<string, unknown>): string | undefined => {
  const head = ver === undefined ? '{"value":' : `{"ver":${JSON.stringify(ver)},"value":`
  const end = expires === undefined ? '' : `,"expires":${String(expires)}`
  const tail = meta === undefined ? `${end}}` : `${end},"meta":${JSON.stringify(meta)}}`
  return text.startsWith(head) && text.endsWith(tail) ? text.slice(head.length, text.length - tail.length) : undefined
}
