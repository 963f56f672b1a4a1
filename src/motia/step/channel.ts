import { cacheError } from '../../errors.js'
import { CALL, type CallMessage, type ChannelOperation, REPLY, type ReplyMessage } from './protocol.js'
import { fromWire } from './wire-error.js'

/** What the channel needs of `process`. */
export interface ChannelPort {
  readonly connected: boolean
  send(message: CallMessage, done: (error: Error | null) => void): unknown
  on(event: 'message' | 'disconnect', listener: (message: unknown) => void): unknown
  off(event: 'message' | 'disconnect', listener: (message: unknown) => void): unknown
}

export interface CallPlace {
  /** As the caller named it; for errors made on this side. */
  readonly category: string | undefined
  /** The caller's method. */
  readonly operation: string
  /** Whether the call changes anything: then its outcome is unknown once it was sent. */
  readonly writes: boolean
  /** It may take long for a good reason (a loader, many keys): ends only when the server is silent. */
  readonly waits?: boolean
}

export interface Channel {
  call(op: ChannelOperation, args: readonly unknown[], place: CallPlace): Promise<unknown>
}

/**
 * The server's own deadlines end a quick call at 3 s at the latest, but its event loop may stand still for seconds: as it
 * starts, Vite makes the Workbench ready in the same process. So long without a word from it is the limit here.
 */
const SAFETY_LIMIT = 12_000
/** A server that is busy with this step's other calls gets longer (10,000 calls, many values of 1 MiB): so many limits. */
const LONGEST = 3

/** Monotonic ms. The global `performance` would load a module: 1.4 ms of a step's first call. */
const now = (): number => process.uptime() * 1_000

interface Waiting {
  readonly place: CallPlace
  readonly settle: (reply: Reply) => void
  since: number
}
type Reply = Pick<ReplyMessage, 'value' | 'error'> | { readonly lost: (place: CallPlace) => Error }

/**
 * Calls to the server process. It listens only while calls are under way, so that a step that doesn't use the cache
 * pays nothing and none is kept alive by it.
 */
export const createChannel = (port: ChannelPort, limit = SAFETY_LIMIT): Channel => {
  const waiting = new Map<number, Waiting>()
  let lastId = 0
  let lastHeard = 0
  let watch: NodeJS.Timeout | undefined

  const onMessage = (message: unknown): void => {
    if (!isReply(message)) return
    lastHeard = now()
    const call = waiting.get(message.id)
    if (call !== undefined) finish(message.id, call, message)
  }

  const onDisconnect = (): void => {
    for (const [id, call] of [...waiting]) finish(id, call, { lost: goneSince })
  }

  const finish = (id: number, call: Waiting, reply: Reply): void => {
    if (!waiting.delete(id)) return
    if (waiting.size === 0) rest()
    call.settle(reply)
  }

  const listen = (): void => {
    port.on('message', onMessage)
    port.on('disconnect', onDisconnect)
    watch = setInterval(look, limit / 10)
    watch.unref()
  }

  const rest = (): void => {
    port.off('message', onMessage)
    port.off('disconnect', onDisconnect)
    clearInterval(watch)
  }

  /** A timer that fires late because the event loop stalled is no evidence: pending I/O runs before the verdict. */
  const look = (): void => {
    setImmediate(() => {
      const time = now()
      let quiet = false
      for (const [id, call] of [...waiting]) {
        const silence = time - Math.max(lastHeard, call.since)
        const waits = call.place.waits === true
        if (silence > limit || (!waits && time - call.since > limit * LONGEST)) finish(id, call, { lost: tooLate })
        else quiet ||= waits && silence > limit / 5
      }
      if (quiet) post(++lastId, 'ping', [], () => undefined)
    })
  }

  const post = (id: number, op: ChannelOperation, args: readonly unknown[], failed: () => void): void => {
    try {
      port.send({ type: CALL, id, op, args }, (error) => {
        if (error !== null && error !== undefined) failed()
      })
    } catch {
      failed()
    }
  }

  const ask = (op: ChannelOperation, args: readonly unknown[], place: CallPlace): Promise<Reply> =>
    new Promise((settle) => {
      if (!port.connected) return settle({ lost: goneBefore })
      const id = ++lastId
      const call = { place, settle, since: now() }
      const first = waiting.size === 0
      waiting.set(id, call)
      // Sent first: what the first call of a step has to set up it sets up while the server works.
      post(id, op, args, () => finish(id, call, { lost: goneSince }))
      if (first && waiting.size > 0) listen()
    })

  return {
    call: async (op, args, place) => {
      const reply = await ask(op, args, place)
      if ('lost' in reply) throw reply.lost(place) // made here, so that its stack names the caller
      if (reply.error !== undefined) throw fromWire(reply.error)
      return reply.value
    },
  }
}

const isReply = (message: unknown): message is ReplyMessage =>
  typeof message === 'object' && message !== null && 'type' in message && message.type === REPLY

const placeOf = (place: CallPlace, sent: boolean) =>
  ({
    category: place.category ?? 'cache',
    operation: place.operation,
    applied: place.writes && sent ? 'unknown' : 'no',
  }) as const

const gone = 'the Motia server process that serves the cache is gone'
const goneBefore = (place: CallPlace): Error => cacheError('CACHE_UNAVAILABLE', gone, placeOf(place, false))
const goneSince = (place: CallPlace): Error => cacheError('CACHE_UNAVAILABLE', gone, placeOf(place, true))
const tooLate = (place: CallPlace): Error =>
  cacheError('CACHE_TIMEOUT', 'the Motia server process did not answer in time', placeOf(place, true))
