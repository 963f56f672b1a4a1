/**
 * A value in its stored form: JSON text and, where JSON can't carry the value, superjson's metadata.
 * This is what travels between a step and the server and what lies in an envelope.
 */
export interface Encoded {
  /** May be a lazy getter: a reader in the same process that has `parsed` never pays for it. */
  readonly json: string
  readonly meta?: SuperjsonMeta | undefined
  /**
   * JSON.parse(json), where reading the envelope produced it anyway. It belongs to the one reader the
   * Encoded is handed to, is never sent over the channel and never shared between two callers.
   */
  readonly parsed?: unknown
}

/** superjson's metadata, shape-checked before use when it comes from outside. */
export interface SuperjsonMeta {
  readonly values?: unknown
  readonly referentialEqualities?: unknown
  readonly v?: number
}
