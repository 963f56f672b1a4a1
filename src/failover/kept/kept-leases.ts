import { isOutage } from '../../instances/instance.js'
import type { Layout } from '../../instances/layout.js'
import { grantAnswer, grantArgs, releaseArgs } from '../../instances/lease-scripts.js'
import { StoreError } from '../../instances/store.js'
import type { CategorySettings } from '../../settings/settings.js'
import { askPlace, isDenied, newToken, ownLease, type PlaceLease, unleased } from '../leases/place-lease.js'
import type { EntryName, LeaseAnswer, LeaseAsk, Shelf, ShelfWrite } from '../shelf.js'
import type { Clock, Version } from '../versions/clock.js'
import { clearMarker, keyMarker } from '../versions/markers.js'
import type { KeptEntries } from './kept-entries.js'
import { keptLeaseScripts } from './kept-lease-scripts.js'
import { awayError, callTime, type KeptPlace, type KeptPlaces } from './kept-places.js'
import type { KeptReads } from './kept-reads.js'
import type { KeptTask, KeptWriter } from './kept-writes.js'

interface Parts {
  readonly entries: KeptEntries
  readonly reads: KeptReads
  readonly writer: KeptWriter
  readonly clock: Clock
  readonly layout: Layout
}

/** Versions that meet a later one, again and again: somebody's clock runs wild. */
const MOST_TRIES = 8

/**
 * Leases of a mirrored category, at the first place that is read. There a fill is decided, by what lies at the key and
 * its markers: each write, removal and clear since the grant has left something there. The other place gets it as it
 * gets every write, except that what is later there is on its way here, too.
 */
export const createKeptLeases = (
  category: CategorySettings,
  places: KeptPlaces,
  { entries, reads, writer, clock, layout }: Parts,
  write: Shelf['write'],
): Shelf['lease'] => {
  const [home] = places
  const failClosed = category.onOutage === 'fail-closed'
  const own = category.deadline.write

  const placeLease = (place: KeptPlace, name: EntryName, limit: () => number | undefined): PlaceLease => {
    const token = newToken()
    const lying = entries.at(place, name.redisKey)
    const keys = [lying, layout.lease(lying), layout.markers]
    const fields = [keyMarker(category.name, name.key), clearMarker(category.name)]
    let granted: Version | undefined
    const ask = (
      script: (typeof keptLeaseScripts)['grant'],
      intent: 'write' | 'change',
      args: readonly (string | number)[],
    ): Promise<unknown> => {
      const timeout = limit()
      return place.instance.script({ script, keys, args }, intent, timeout === undefined ? undefined : { timeout })
    }
    return {
      grant: async (request) => {
        const reply = await ask(keptLeaseScripts.grant, 'write', [...grantArgs(token, request), ...fields])
        granted = clock.next()
        return grantAnswer(reply)
      },
      renew: async (ms) => (await ask(keptLeaseScripts.renew, 'change', [token, Math.ceil(ms), ...fields])) === 1,
      release: async (end) => {
        await ask(keptLeaseScripts.release, 'change', releaseArgs(token, end))
      },
      fill: async (filling) => {
        let version = granted
        for (let tries = 0; version !== undefined && tries < MOST_TRIES; tries++) {
          const at = { key: layout.lease(lying), token, granted: granted ?? version }
          const answer = await entries.fill(place, filling, version, at, limit())
          if (answer === 'over') return false
          if (answer === 'done') {
            await writer.write(decidedAt(place, entries.put(filling)), version)
            return true
          }
          clock.witness(answer.refused)
          version = clock.next()
        }
        return false
      },
    }
  }

  /** Neither place can keep it; the journal takes the value, in the order of the versions. */
  const journalled = (granted: Version): LeaseAnswer =>
    ownLease(async (filling: ShelfWrite) => {
      if (reads.order().length > 0) return 'overtaken'
      await writer.write(unlessLater(entries.put(filling)), granted)
      return 'stored'
    })

  /** What waits for the place in the journal is later than what it holds. */
  const askThere = async (place: KeptPlace, name: EntryName, ask: LeaseAsk, limit: () => number | undefined) => {
    const lease = placeLease(place, name, limit)
    const waits = reads.waiting.found(place, name.key)
    if (waits === undefined || ask.seen === undefined) return askPlace(lease, ask)
    const { seen, ...any } = ask
    const answer = await askPlace(lease, any)
    if (!('lease' in answer)) return answer
    const { text } = await reads.readAt(place, name, limit())
    if (text === undefined || text === seen.text) return answer
    await answer.lease.release()
    return { found: text }
  }

  return async (name, ask) => {
    const time = callTime(home.instance, 'write', own)
    const order = reads.order()
    for (const [i, place] of order.entries()) {
      const last = i === order.length - 1
      let first = true
      // Later calls of the lease have a time of their own.
      const limit = (): number | undefined => {
        const asking = first
        first = false
        return asking ? time.attempt(last) : own
      }
      try {
        return await askThere(place, name, ask, limit)
      } catch (error) {
        if (isDenied(error)) return unleased(write)
        if (!(error instanceof StoreError) || !isOutage(error) || (failClosed && last)) throw error
      }
    }
    if (failClosed) throw awayError(home)
    return journalled(clock.next())
  }
}

/** Of what was decided at one place the other hears; what is later there is on its way to the first one. */
export const decidedAt = (decided: KeptPlace, put: KeptTask<undefined>): KeptTask<undefined> => ({
  ...put,
  send: async (place, version, timeout) => {
    if (place === decided) return { done: undefined }
    const answer = await put.send(place, version, timeout)
    return 'refused' in answer ? { done: undefined } : answer
  },
})

/** Gives way to what is later. */
export const unlessLater = (put: KeptTask<undefined>): KeptTask<undefined> => ({
  ...put,
  send: async (place, version, timeout) => {
    const answer = await put.send(place, version, timeout)
    return 'refused' in answer ? { done: undefined } : answer
  },
})
