import type { Hits } from '../../cache/engine.js'
/**
 * What a step and the server say to each other on the IPC channel that Motia already has between them. The channel
 * carries JSON; Motia's own messages have the types rpc_request and rpc_response.
 */
export const CALL = 'motia-redis:call'
export const REPLY = 'motia-redis:reply'

/** Set for every child of a server whose plugin listens: without it a step can say what is missing. */
export const HOST_MARKER = 'MOTIA_REDIS_HOST_READY'

/** The file that the server made of the client for steps to load (see plugin/client-code.ts), where it could. */
export const CLIENT_CODE = 'MOTIA_REDIS_CLIENT_CODE'

export interface CallMessage {
  readonly type: typeof CALL
  readonly id: number
  readonly op: ChannelOperation
  readonly args: readonly unknown[]
}

export interface ReplyMessage {
  readonly type: typeof REPLY
  readonly id: number
  readonly value?: unknown
  readonly error?: WireError
}

/** The operations of CacheEngine and Lease, and a sign of life. */
export type ChannelOperation =
  | 'get'
  | 'getMany'
  | 'getEntry'
  | 'has'
  | 'set'
  | 'setMany'
  | 'delete'
  | 'deleteMany'
  | 'expire'
  | 'touch'
  | 'increment'
  | 'invalidateTags'
  | 'clear'
  | 'keys'
  | 'acquire'
  | 'fill'
  | 'skip'
  | 'fail'
  | 'release'
  | 'ping'

export type WireError =
  | {
      readonly kind: 'cache'
      readonly code: string
      readonly message: string
      readonly category: string
      readonly operation: string
      readonly applied: 'no' | 'unknown'
      readonly hits?: Hits
    }
  /** A factory's own error, on its way to those who waited for it. */
  | {
      readonly kind: 'error'
      readonly name: string
      readonly message: string
      readonly code?: string | number
      readonly stack?: string
    }
  | { readonly kind: 'thrown'; readonly value?: unknown }

const unsafe: Record<string, number> = {
  'number:NaN': Number.NaN,
  'number:Infinity': Number.POSITIVE_INFINITY,
  'number:-Infinity': Number.NEGATIVE_INFINITY,
  'number:-0': -0,
}

/** JSON would turn NaN and Infinity into null: what is wrong must be refused by the server as what it is. */
export const packNumber = (value: number): number | { readonly number: string } =>
  Number.isFinite(value) && !Object.is(value, -0) ? value : { number: Object.is(value, -0) ? '-0' : `${value}` }

/** Undoes packNumber; every other value stays as it is. */
export const unpackNumber = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null || !('number' in value)) return value
  return unsafe[`number:${String(value.number)}`] ?? value
}

/** The options of a call: names the engine knows, values that are texts, numbers, booleans or lists of texts. */
export const packOptions = (options: object): Record<string, unknown> => {
  const packed: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(options)) {
    packed[name] = typeof value === 'number' ? packNumber(value) : value
  }
  return packed
}
