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
 * The value of an envelope that was just parsed. The reader in this process takes `parsed`; one that passes the value
 * on to a step takes `json`, cut out of the text, and pays neither for writing JSON nor for undoing the escapes.
 * Undefined if it would have to be written again and is nested too deep for that.
 */
export const storedValue = (
  text: string,
  envelope: Record<string, unknown>,
  meta: SuperjsonMeta | undefined,
): Encoded | undefined => {
  try {
    const { head, tail } = frame(envelope)
    if (text.startsWith(head) && text.endsWith(tail)) {
      return new StoredValue(text, head.length, text.length - tail.length, envelope, meta)
    }
    const json = JSON.stringify(envelope.value)
    return new StoredValue(json, 0, json.length, envelope, meta)
  } catch {
    return undefined
  }
}

/** What stands around the value if the envelope is written as we and Keyv do: these fields, in this order, no spaces. */
const frame = ({ ver, expires, meta }: Record<string, unknown>): { head: string; tail: string } => {
  const end = expires === undefined ? '' : `,"expires":${String(expires)}`
  return {
    head: ver === undefined ? '{"value":' : `{"ver":${JSON.stringify(ver)},"value":`,
    tail: meta === undefined ? `${end}}` : `${end},"meta":${JSON.stringify(meta)}}`,
  }
}

/** A class, because an object literal with getters costs several times as much on each read. */
class StoredValue implements Encoded {
  #escaped = true

  constructor(
    private readonly text: string,
    private readonly start: number,
    private readonly end: number,
    private readonly envelope: Record<string, unknown>,
    readonly meta: SuperjsonMeta | undefined,
  ) {}

  get json(): string {
    return this.text.slice(this.start, this.end)
  }

  get parsed(): unknown {
    if (this.#escaped) {
      if (mayHoldEscapes(this.text)) this.envelope.value = unescapeAll(this.envelope.value)
      this.#escaped = false
    }
    return this.envelope.value
  }
}
