import type { Instance } from '../../instances/instance.js'
import type { Layout } from '../../instances/layout.js'
import { StoreError } from '../../instances/store.js'
import type { Report } from '../../report.js'
import type { Pending } from '../journal/journal.js'
import { type DeltaEntry, isGroup, namesOf, type Scope, type ValueEntry } from '../journal/journal-entries.js'
import type { Landscape } from '../landscape.js'
import { type Version, validVersion } from '../versions/clock.js'
import { type EntryAt, type EntryState, entryCalls } from '../versions/entry-calls.js'
import { keyMarker } from '../versions/markers.js'
import type { Throttle } from './recovery-throttle.js'
import { markersAt } from './repair-marker-copy.js'
import type { Marks } from './repair-marks.js'
import { type DataPlaces, nameIn } from './repair-places.js'
import { patience, type Replayed, replay } from './replay.js'
import { createPlans } from './replay-plan.js'

interface RoundsParts {
  readonly landscape: Landscape
  readonly layout: Layout
  readonly places: DataPlaces
  readonly marks: Marks
  readonly report: Report
  readonly now: () => number
}

const BATCH = 500

/** Goes through what waits for an instance. */
export const createRounds = (parts: RoundsParts) => {
  const { landscape, layout, places, report, now } = parts
  const { journal, clock } = landscape
  const calls = entryCalls(layout, clock)
  const planOf = journal === undefined ? undefined : createPlans({ ...parts, journal })

  /**
   * What the other place knows to be gone. A value that waited here for a long time may have been replaced everywhere
   * else by one whose life has ended, of which nothing is left but a marker there.
   */
  const floorsOf = async (instance: Instance, batch: readonly Pending[]): Promise<ReadonlyMap<Pending, Version>> => {
    const floors = new Map<Pending, Version>()
    const horizon = clock.horizon()
    for (const other of landscape.instances.values()) {
      if (other === instance || !other.readable()) continue
      const asked = batch.flatMap((pending) => {
        const { entry } = pending
        if (entry.kind !== 'value' || isGroup(entry.scope) || !places.of(entry.scope).includes(other.name)) return []
        return [{ pending, field: keyMarker(nameIn(entry.scope), entry.key) }]
      })
      if (asked.length === 0) continue
      const fields = asked.map(({ field }) => field)
      // Without an answer the value counts: a loss would be worse.
      const markers = await markersAt(other, layout, fields).catch(() => [])
      asked.forEach(({ pending }, i) => {
        const marker = validVersion(markers[i], horizon)
        if (marker !== undefined) floors.set(pending, marker)
      })
    }
    return floors
  }

  const putAside = async (instance: Instance, aside: Replayed['aside']): Promise<void> => {
    if (journal === undefined) return
    for (const reason of new Set(aside.map((each) => each.reason))) {
      const all = aside.filter((each) => each.reason === reason).map(({ pending }) => pending)
      const kept = await journal.setAside(instance.name, all, reason)
      const about = namesOf(all.map(({ entry }) => entry))
      report.warn(`${instance.name}  ${all.length} journalled writes were set aside (${about}): ${reason}`)
      // What is set aside has a limit too, and what can't be replayed must not keep the instance away for ever.
      const left = all.length - kept
      const dropped = left > 0 ? await journal.remove(instance.name, all) : 0
      if (dropped > 0) report.error(`${instance.name}  ${dropped} of them were dropped: too many are set aside already`)
    }
  }

  /** Counters that got increments, as they are now, to their other place: there, or into its journal. */
  const copyCounters = async (instance: Instance, done: readonly Pending[]): Promise<void> => {
    const counted = new Map<string, DeltaEntry>()
    for (const { entry } of done)
      if (entry.kind === 'delta' && entry.kept) counted.set(`${entry.scope} ${entry.key}`, entry)
    const at = (place: Instance, { scope, key }: DeltaEntry): EntryAt => {
      const category = landscape.categoryOf(nameIn(scope))
      return { category: category.name, key, redisKey: (places.prefixAt(place.name, category) ?? '') + key }
    }
    for (const [other, deltas] of byOther(instance, counted.values())) {
      const looks = deltas.map((entry) => calls.look(at(instance, entry)))
      const found = await instance.scripts(looks, 'read', patience(instance))
      const counters = deltas.flatMap((entry, i) => {
        const reply = found[i]
        const { text, version, life } = reply instanceof StoreError ? nothing : (looks[i]?.answer(reply) ?? nothing)
        return text === undefined || version === undefined ? [] : [{ entry, text, version, life }]
      })
      const merges = counters.map(({ entry, text, version, life }) =>
        calls.merge(at(other, entry), version, { text, life: life === false ? Number.MAX_SAFE_INTEGER : life }),
      )
      const outcomes = other.writable()
        ? await other.scripts(merges, 'write', patience(other)).catch(orError)
        : merges.map(() => undefined)
      const missed = counters.flatMap(({ entry: { scope, key }, text, version, life }, i): ValueEntry[] =>
        outcomes[i] === undefined || outcomes[i] instanceof StoreError
          ? [{ kind: 'value', scope, key, version, text, endsAt: life === false ? false : now() + life }]
          : [],
      )
      if (missed.length > 0) await journal?.append(other.name, missed)
    }
  }

  const byOther = (instance: Instance, deltas: Iterable<DeltaEntry>): Map<Instance, DeltaEntry[]> => {
    const others = new Map<Instance, DeltaEntry[]>()
    for (const entry of deltas) {
      const name = places.of(entry.scope).find((each) => each !== instance.name)
      const other = name === undefined ? undefined : landscape.instances.get(name)
      if (other !== undefined) others.set(other, [...(others.get(other) ?? []), entry])
    }
    return others
  }

  return {
    /**
     * One round: what waits at its begin. How many were replayed or set aside. Rejects where the instance can't be
     * reached, or with what `onProgress` throws; nothing is lost then. `items`: only values and what was deleted, which
     * may come before it is known what the instance holds, since their versions tell what is later. Behind a clear they
     * wait with it: where no instance can be asked, a clear without them says that they are gone.
     */
    round: async (
      instance: Instance,
      pace: Throttle,
      onProgress?: (done: number) => void,
      only?: 'items',
    ): Promise<number> => {
      if (journal === undefined || planOf === undefined) return 0
      let count = 0
      const cleared = new Set<Scope>()
      for await (const all of journal.batches(instance.name, BATCH)) {
        for (const { entry } of all) if (entry.kind === 'clear') cleared.add(entry.scope)
        const batch = only === undefined ? all : all.filter((each) => isItem(each) && !cleared.has(each.entry.scope))
        if (batch.length === 0) continue
        const floors = await floorsOf(instance, batch)
        const planned = batch.map((pending) => ({ pending, plan: planOf(instance, pending, floors.get(pending)) }))
        const { done, aside, failed } = await replay(instance, planned)
        // What was added and still waited would be counted twice; what has no copy yet is known from here only.
        const copied = await copyCounters(instance, done).then(
          () => true,
          (error) => {
            if (failed === undefined) throw error
            return false
          },
        )
        const over = copied ? done : done.filter(({ entry }) => entry.kind !== 'delta' || !entry.kept)
        await journal.remove(instance.name, over)
        await putAside(instance, aside)
        if (failed !== undefined) throw failed.error
        count += batch.length
        onProgress?.(count)
        await pace(batch.length)
      }
      return count
    },
  }
}

const isItem = ({ entry }: Pending): boolean => entry.kind === 'value' || entry.kind === 'tombstone'

const nothing: EntryState = { text: undefined, version: undefined, marker: undefined, life: 0 }

/** The whole instance failed. */
const orError = (error: unknown): readonly unknown[] => {
  if (!(error instanceof StoreError)) throw error
  return []
}
