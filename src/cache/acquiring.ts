import type { Encoded } from '../codec/payload.js'
import { cacheError } from '../errors.js'
import type { ShelfLease } from '../failover/shelf.js'
import type { Attempts } from './attempts.js'
import type { Category } from './category.js'
import type { Acquired, Lease } from './engine.js'
import { type Flights, flightOf, type Outcome, type Turn } from './flights.js'
import type { Hold } from './holding.js'
import { acquireLease } from './leases/acquire-lease.js'
import type { Acquiring } from './options.js'
import { type Found, itself, type Reader } from './reading.js'
import { fromStore } from './store-errors.js'
import { within } from './within.js'

/** What somebody wants of one key. */
export interface Wanted extends Acquiring {
  /** The entry with this end (epoch ms) is to be renewed although it is fresh, if nobody does so yet. */
  readonly renew?: number | undefined
  /** Whoever computes says itself that it failed, also where a stale value hides it. */
  readonly tellsFailures?: boolean
}

export interface Acquirer {
  /** A hit, or the right to compute; waits while somebody else computes. See CacheEngine.acquire. */
  acquire(
    category: Category,
    key: string,
    operation: string,
    wanted: Wanted,
    signal?: AbortSignal | undefined,
  ): Promise<Acquired>
}

export interface AcquirerParts {
  readonly flights: Flights<Encoded | undefined>
  readonly reader: Reader
  readonly attempts: Attempts
  readonly hold: Hold
  /** Epoch ms. */
  readonly now: () => number
  /** Monotonic ms. */
  readonly elapsed: () => number
  /** A call waited so many ms for somebody else's computation. */
  readonly waited: (category: string, ms: number) => void
}

/** One call: whose it is, what it found, how long it may take. */
interface Call {
  readonly category: Category
  readonly key: string
  readonly operation: string
  readonly wanted: Wanted
  readonly signal: AbortSignal | undefined
  /** When its time is over, by `elapsed`. */
  readonly ends: number
  readonly limit: number
  /** What may be answered instead of a value that isn't there yet. */
  readonly stale: Encoded | undefined
  /** What lay at the key. */
  readonly text: string | undefined
  /** Until when to wait for a better answer than the stale one, by `elapsed`; as long as for any, where there is none. */
  readonly patientUntil: number
}

/** The right to compute, over all servers; or somebody else has it for too long. */
type Granted = { readonly lease: ShelfLease } | { readonly late: true }

const hit = (value: Encoded | undefined): Acquired => ({ outcome: 'hit', value })
const staleHit = (value: Encoded): Acquired => ({ outcome: 'hit', value, stale: true })

export const createAcquirer = ({ flights, reader, attempts, hold, now, elapsed, waited }: AcquirerParts): Acquirer => {
  const find = (category: Category, key: string, operation: string, limit: number): Promise<Found | undefined> => {
    const found = reader.find(category, key, operation, itself)
    if (category.settings.schema === undefined) return found
    const text = `hardTimeout: the stored value was not checked within ${limit} ms`
    return within(limit, found, () => cacheError('CACHE_TIMEOUT', text, category.place(operation)))
  }

  /** Nothing that could be answered as it is. */
  const isDue = ({ stale, entry }: Found, { renew }: Wanted): boolean =>
    stale || (renew !== undefined && entry.expires === renew)

  /** What the caller takes in an emergency; how long after its end is for the writer to say, and for the caller. */
  const usable = ({ entry, value }: Found, { grace }: Wanted): Encoded | undefined => {
    if (grace === false) return undefined
    return grace === undefined || now() < (entry.expires ?? 0) + grace ? value : undefined
  }

  /** Somebody else still computes, and this call waits no longer. */
  const late = ({ category, operation, signal, stale, limit }: Call): Acquired => {
    if (stale !== undefined) return staleHit(stale)
    const place = category.place(operation)
    throw signal?.aborted
      ? cacheError('CACHE_CLOSED', 'the caller went away', place)
      : cacheError('CACHE_TIMEOUT', `hardTimeout: nobody computed the value within ${limit} ms`, place)
  }

  /** The caller has the turn among those of this server; now it needs the one among the servers. */
  const lead = async (call: Call, turn: Turn<Encoded | undefined>): Promise<Acquired> => {
    const { category, key, operation, wanted, stale, ends } = call
    const leased = await leaseFor(call).catch((error) => {
      turn.pass()
      if (stale !== undefined) return { late: true } as const
      throw fromStore(error, category.place(operation))
    })
    if ('late' in leased) {
      turn.pass()
      return late(call)
    }
    if ('lease' in leased) {
      const renews = stale !== undefined
      const lease = hold({
        ...{ category, key, operation, turn, shelfLease: leased.lease, ends, renews },
        replaces: renews || wanted.fresh,
        hidesFailures: renews && wanted.tellsFailures !== true,
      })
      return leading(call, lease, leased.lease.noted)
    }
    turn.claim()
    turn.end(leased)
    if ('error' in leased) throw leased.error
    return hit(leased.value)
  }

  const leading = (call: Call, lease: Lease, noted: boolean): Acquired => {
    const { category, key, stale } = call
    if (stale === undefined) return { outcome: 'lease', lease }
    const awaited = noted || attempts.hasDied(flightOf(category.settings.name, key, category.unchecked))
    return { outcome: 'lease', lease, stale: { value: stale, patience: awaited ? lease.hardTimeout : patience(call) } }
  }

  const patience = ({ patientUntil }: Call): number => Math.max(0, patientUntil - elapsed())

  const leaseFor = async (call: Call): Promise<Outcome<Encoded | undefined> | Granted> => {
    const { category, key, operation, wanted, signal, stale } = call
    const { shelf } = category
    const name = category.name(key)
    let seen: { readonly text: string | undefined } | undefined = wanted.fresh ? undefined : { text: call.text }
    for (;;) {
      const wish = {
        ...{ patience: patience(call), signal, despiteFailure: stale === undefined, ...(seen && { seen }) },
        waited: (ms: number) => waited(category.settings.name, ms),
      }
      const leased = await acquireLease(shelf, name, wish)
      if ('failed' in leased) {
        if (stale === undefined) return { error: failedElsewhere(category, operation) }
        // Others of this server, who have nothing else to answer, may try all the same.
        attempts.failedElsewhere(flightOf(category.settings.name, key, category.unchecked), leased.failed)
        return { late: true }
      }
      if (!('found' in leased)) return leased
      const found = await reader.open(category, name, leased.found, operation)
      if (found !== undefined && !found.stale) return { value: shareable(found.value) }
      // Something that is none of ours lies there, or it has ended meanwhile. What is no text isn't the same twice.
      seen = seen?.text === leased.found ? undefined : { text: leased.found }
    }
  }

  const timed = async <T>(waiting: Promise<T>, category: string): Promise<T> => {
    const begun = elapsed()
    const ended = await waiting
    waited(category, elapsed() - begun)
    return ended
  }

  return {
    acquire: async (category, key, operation, wanted, signal) => {
      const { settings } = category
      const limit = wanted.hardTimeout ?? settings.hardTimeout
      // Waiting for others counts: getOrSet as a whole is bounded by hardTimeout.
      const ends = elapsed() + limit
      const id = flightOf(settings.name, key, category.unchecked)
      const visit = flights.enter(id)
      try {
        // Reading comes before joining, so that a caller sees what was written before it asked.
        const found = wanted.fresh ? undefined : await find(category, key, operation, limit)
        if (found !== undefined && !isDue(found, wanted)) {
          attempts.worked(id)
          return hit(found.value)
        }
        const stale = found && usable(found, wanted)
        if (stale !== undefined && attempts.rests(id)) return staleHit(stale)
        const soft = wanted.renew === undefined ? (wanted.softTimeout ?? settings.softTimeout) : 0
        const patientUntil = stale === undefined ? ends : soft === 0 ? 0 : elapsed() + soft
        const text = found?.shelf === category.shelf ? found.text : undefined
        const call = { category, key, operation, wanted, signal, ends, limit, stale, text, patientUntil }
        const turn = visit.join({ fresh: wanted.fresh, patience: patience(call), signal })
        const joined = turn instanceof Promise ? await timed(turn, settings.name) : turn
        if ('late' in joined) return late(call)
        if ('turn' in joined) return await lead(call, joined.turn)
        const { outcome } = joined
        if (!('error' in outcome)) return hit(outcome.value)
        if (stale !== undefined) return staleHit(stale)
        throw outcome.error
      } finally {
        visit.leave()
      }
    },
  }
}

/** What was parsed belongs to one reader; this is for all who wait. */
const shareable = (value: Encoded | undefined): Encoded | undefined =>
  value && (value.meta === undefined ? { json: value.json } : { json: value.json, meta: value.meta })

const failedElsewhere = (category: Category, operation: string) =>
  cacheError(
    'CACHE_LOAD_FAILED',
    'another server was computing the value, and failed; its log may say why',
    category.place(operation),
  )
