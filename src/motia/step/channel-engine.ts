import type { CacheEngine, EncodedEntry, Lease, Place, Stale } from '../../cache/engine.js'
import type { Encoded } from '../../codec/payload.js'
import type { CallPlace, Channel } from './channel.js'
import { type ChannelOperation, packNumber, packOptions, unpackNumber } from './protocol.js'
import { toWire } from './wire-error.js'

/** What the host answers to `acquire`. */
interface AcquiredReply {
  readonly value?: Encoded
  readonly lease?: { readonly id: number; readonly category: string; readonly hardTimeout: number }
  readonly stale?: Stale
}
interface PageReply {
  readonly keys: readonly string[]
  readonly cursor?: string
  readonly partial?: true
}

const reading = new Set<ChannelOperation>(['get', 'getMany', 'getEntry', 'has', 'keys', 'acquire'])
/** One command with one deadline. The others may take long: a loader, a schema, a deadline per batch of many keys. */
const quick = new Set<ChannelOperation>(['delete', 'expire', 'keys', 'skip', 'fail', 'release'])

const placeOf = (op: ChannelOperation, category: string | undefined, operation: string = op): CallPlace => ({
  category,
  operation,
  writes: !reading.has(op),
  waits: !quick.has(op),
})

/** The engine's operations, done by the server process. `background` is told of calls that nobody else awaits. */
export const createChannelEngine = (channel: Channel, background: (call: Promise<unknown>) => void): CacheEngine => {
  // The server keeps its side of the contract, so a reply has the operation's type.
  const call = <T>(op: ChannelOperation, category: string | undefined, ...args: unknown[]): Promise<T> =>
    channel.call(op, args, placeOf(op, category)) as Promise<T>
  const at = <T>(op: ChannelOperation, place: Place, ...args: unknown[]): Promise<T> =>
    call(op, place.category, place, ...args)

  return {
    get: (place) => at('get', place),
    getMany: (places) => call('getMany', places.category, places),
    getEntry: (place) => at<EncodedEntry | undefined>('getEntry', place).then(unpackEntry),
    has: (place) => at('has', place),
    set: (place, value, options) => at('set', place, payload(value), packOptions(options)),
    setMany: (category, entries, options) => {
      const pairs = entries.map(([key, value]) => [key, payload(value)])
      return call('setMany', category, { category, entries: pairs }, packOptions(options))
    },
    delete: (place) => at('delete', place),
    deleteMany: (places) => call('deleteMany', places.category, places),
    expire: (place) => at('expire', place),
    touch: (place, ttl) => at('touch', place, packOptions({ ttl })),
    increment: (place, options) => at('increment', place, packOptions(options)),
    invalidateTags: (category, tags) => call('invalidateTags', category, { category, tags }),
    clear: (category) => call('clear', category, { category }),
    keys: (category, options) =>
      call<PageReply>('keys', category, { category }, packOptions(options)).then(({ keys, cursor, partial }) => ({
        keys,
        cursor,
        ...(partial && { partial }),
      })),
    acquire: async (place, options) => {
      const asked = placeOf('acquire', place.category, 'getOrSet')
      const reply = (await channel.call('acquire', [place, packOptions(options)], asked)) as AcquiredReply
      return reply.lease === undefined
        ? { outcome: 'hit', value: reply.value }
        : { outcome: 'lease', lease: createLease(channel, reply.lease, background), stale: reply.stale }
    },
  }
}

const createLease = (
  channel: Channel,
  { id, category, hardTimeout }: NonNullable<AcquiredReply['lease']>,
  background: (call: Promise<unknown>) => void,
): Lease => {
  const call = (op: ChannelOperation, ...args: unknown[]): Promise<Encoded | undefined> =>
    channel.call(op, [id, ...args], placeOf(op, category, 'getOrSet')) as Promise<Encoded | undefined>
  // If the server can't be told, it is gone, and the lease with it.
  const tell = (told: Promise<unknown>): void => background(told.catch(() => undefined))
  return {
    category,
    hardTimeout,
    fill: (value, options) => call('fill', optionalPayload(value), packOptions(options)),
    skip: (value) => call('skip', optionalPayload(value)),
    fail: (error) => tell(call('fail', toWire(error))),
    release: () => tell(call('release')),
  }
}

/** Only what is stored: `json` may be a getter, and `parsed` never leaves the process. */
const payload = ({ json, meta }: Encoded): Encoded => (meta === undefined ? { json } : { json, meta })

/** In a list of arguments JSON would turn undefined into null. */
const optionalPayload = (value: Encoded | undefined): { value?: Encoded } =>
  value === undefined ? {} : { value: payload(value) }

const unpackEntry = (entry: EncodedEntry | undefined): EncodedEntry | undefined =>
  entry && {
    ...entry,
    createdAt: unpackNumber(entry.createdAt) as number,
    expiresAt: unpackNumber(entry.expiresAt) as number,
  }

/** The host's half of `unpackEntry`. */
export const packEntry = (entry: EncodedEntry): object => ({
  ...entry,
  value: payload(entry.value),
  createdAt: packNumber(entry.createdAt),
  expiresAt: packNumber(entry.expiresAt),
})
