import type { Instance } from '../../instances/instance.js'
import type { Layout } from '../../instances/layout.js'
import { chunks } from '../../instances/pipeline.js'
import { StoreError } from '../../instances/store.js'
import type { CategorySettings } from '../../settings/settings.js'
import type { Landscape } from '../landscape.js'
import type { EntryName, Shelf } from '../shelf.js'
import { createKeptCounters } from './kept-counters.js'
import { createKeptEntries } from './kept-entries.js'
import { createKeptLeases } from './kept-leases.js'
import { askInTurn, awayError, callTime, keptPlaces, type Weakened } from './kept-places.js'
import { createKeptReads } from './kept-reads.js'
import { createKeptSwap } from './kept-swap.js'
import { clearTask, createKeptScan } from './kept-sweeping.js'
import { invalidateTask } from './kept-tags.js'
import { createKeptWriter, type Landed, unsure } from './kept-writes.js'
import type { OwnWrites } from './own-writes.js'

export interface KeptShelfParts {
  readonly landscape: Landscape
  readonly layout: Layout
  /** Epoch ms. */
  readonly now: () => number
  /** Answers where no place can be asked. */
  readonly own?: OwnWrites | undefined
  /** For tests. */
  readonly weakened?: Weakened
}

/** Writes of one call that are under way together; what is beyond has a deadline of its own. */
const AT_ONCE = 250

/**
 * The entries of a mirrored category: each write lies at home and on the mirror, with a version, and waits in the
 * journal for the one that was away. Reads move to the mirror when home can't answer; what waits there is read with it.
 */
export const createKeptShelf = (category: CategorySettings, home: Instance, parts: KeptShelfParts): Shelf => {
  const { landscape, layout, now, own, weakened } = parts
  const { clock, behind } = landscape
  const failClosed = category.onOutage === 'fail-closed'
  const places = keptPlaces(home, landscape, true)
  const entries = createKeptEntries(category, home.name, { layout, clock, now })
  const reads = createKeptReads(category, places, entries, { landscape, now, own, weakened })
  const writer = createKeptWriter(places, { landscape, deadline: category.deadline.write, failClosed, note: own?.note })
  const overlay = weakened?.overlay !== false

  /** All of them end before the first rejection is passed on: nothing of the call runs on afterwards. */
  const together = async <T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> => {
    const results: R[] = []
    for (const part of chunks(items, AT_ONCE)) {
      const ended = await Promise.allSettled(part.map(work))
      for (const each of ended) {
        if (each.status === 'rejected') throw items.length === 1 ? each.reason : unsure(each.reason)
        results.push(each.value)
      }
    }
    return results
  }

  /** The life of a counter that so far only the journal knows. */
  const begunBy = (deltas: readonly { readonly endsAt: number }[]): number | undefined => {
    const ends = deltas.map(({ endsAt }) => endsAt - now()).filter((left) => left > 0)
    return ends.length === 0 ? undefined : Math.min(...ends)
  }

  const readable = (name: EntryName): Promise<string | undefined> =>
    reads.read(name).catch((error) => {
      if (error instanceof StoreError) return undefined
      throw error
    })

  const scan = createKeptScan(category, places, entries, reads, { landscape, overlay })

  const shelf: Shelf = {
    read: reads.read,
    readMany: reads.readMany,
    locate: reads.locate,
    locateMany: reads.locateMany,

    write: (written) => {
      const only = written.length === 1 ? written[0] : undefined
      if (only !== undefined) return writer.write(entries.put(only)).then(nothing)
      return together(written, (each) => writer.write(entries.put(each))).then(nothing)
    },

    remove: (names) =>
      together(names, async (name) => {
        // Where no place takes the tombstone, or only one that lacks data, none will say what was there.
        const tells = places.map((place) => place?.instance.writable() === true && !behind(place.name))
        const before = tells.includes(true) ? undefined : await readable(name)
        const waiting = places.map((place) => place && reads.waiting.found(place, name.key)?.own)
        const { landed } = await writer.write(entries.tombstone(name))
        return wasThere(landed, tells) || before !== undefined || waiting.some((own) => own?.kind === 'value')
      }),

    swap: createKeptSwap(category, places, { entries, reads, writer, clock, look: () => landscape.journal?.look() }),

    life: (name) =>
      askInTurn(
        reads.order(),
        callTime(home, 'read', category.deadline.read),
        async (place, timeout) => {
          const own = reads.waiting.found(place, name.key)?.own
          if (own?.kind === 'value' && own.endsAt !== false) return own.endsAt - now()
          const left = await place.instance.life(
            entries.at(place, name.redisKey),
            timeout === undefined ? undefined : { timeout },
          )
          return left ?? begunBy(reads.waiting.deltas(name.key))
        },
        (error) => {
          if (failClosed) throw error ?? awayError({ name: home.name, instance: home })
          return begunBy(reads.waiting.deltas(name.key))
        },
      ),

    increment: createKeptCounters(category, places, { entries, reads, writer, landscape, now, own }).increment,
    scan: (begin, cursor, limit) => scan(category.keyPrefix + begin, cursor, limit),
    clear: async () => {
      const { landed } = await writer.write(clearTask(category, entries, layout, clock))
      return landed.every((landing) => 'done' in landing) ? mostRemoved(landed) : undefined
    },
    invalidate: async (tags, tagged) => {
      // A marker of each tag would be kept for a day.
      const isCalm = places.every((place) => place === undefined || landscape.calm(place.name))
      if (tagged?.has(category.name) === false && isCalm) return 0
      let removed = 0
      for (const tag of tags) {
        try {
          const { landed } = await writer.write(invalidateTask(category, entries, tag, layout, clock))
          removed += mostRemoved(landed)
        } catch (error) {
          throw removed > 0 ? unsure(error) : error
        }
      }
      return removed
    },
    lease: createKeptLeases(category, places, { entries, reads, writer, clock, layout }, (written) =>
      shelf.write(written),
    ),
  }
  return shelf
}

const nothing = (): void => undefined

/** The same entries lie at both places, as far as they are there. */
const mostRemoved = (landed: Landed<number>): number =>
  Math.max(0, ...landed.map((each) => ('done' in each ? each.done : 0)))

const wasThere = (landed: Landed<boolean>, tells: readonly boolean[]): boolean =>
  landed.some((each, i) => tells[i] === true && 'done' in each && each.done)
