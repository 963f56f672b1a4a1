/**
 * A value in its stored form: JSON text and, where JSON can't carry the value, superjson's metadata.
 * This is what travels between a step and the server and what lies in an envelope. Strings that start with
 * ':' and Buffers are in Keyv's escaped form inside the text.
 *
 * What readEnvelope answers has getters here: read the fields by name, don't spread the object.
 */
export interface Encoded {
  /** May be a lazy getter: a reader in the same process that has `parsed` never pays for it. */
  readonly json: string
  readonly meta?: SuperjsonMeta | undefined
  /**
   * JSON.parse(json) with Keyv's escapes undone, where reading the envelope produced it anyway. It belongs to the
   * one reader the Encoded is handed to, is never sent over the channel and never shared between two callers.
   */
  readonly parsed?: unknown
}

/** superjson's metadata, shape-checked before use. Shared references are never recorded: a value is a tree. */
export interface SuperjsonMeta {
  readonly values?: unknown
  readonly referentialEqualities?: unknown
  readonly v?: number
}

/** Levels of nesting a value may have. Far below what recursion here or in a schema library survives. */
export const MAX_DEPTH = 1_000
/** Levels where superjson has to carry the value: its recursion is deeper, most of all for a Map. */
export const MAX_RICH_DEPTH = 250
/** Objects, arrays and elements a value may have: more than 1 MiB of JSON can hold. It bounds the work for values whose
 * shared parts multiply. */
export const MAX_PARTS = 1_000_000
