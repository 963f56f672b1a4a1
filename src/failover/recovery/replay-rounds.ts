import type { Instance, ScriptCall } from '../../instances/instance.js'
import type { Layout } from '../../instances/layout.js'
import { StoreError } from '../../instances/store.js'
import type { Report } from '../../report.js'
import type { Pending } from '../journal/journal.js'
import { type DeltaEntry, isGroup, namesOf } from '../journal/journal-entries.js'
import type { Landscape } from '../landscape.js'
import { type Version, validVersion } from '../versions/clock.js'
import { copyCounterScript } from '../versions/entry-scripts.js'
import { keyMarker } from '../versions/markers.js'
import type { Pace } from './recovery-pace.js'
import { markersAt } from './repair-marker-copy.js'
import type { Marks } from './repair-marks.js'
import { nameIn, type Places } from './repair-places.js'
import { type Replayed, replay } from './replay.js'
import { createPlans } from './replay-plan.js'

interface RoundsParts {
  readonly landscape: Landscape
  readonly layout: Layout
  readonly places: Places
  readonly marks: Marks
  readonly report: Report
  readonly now: () => number
}

const BATCH = 500

/** Goes through what waits for an instance. */
export const createRounds = (parts: RoundsParts) => {
  const { landscape, layout, places, report, now } = parts
  const { journal, clock } = landscape
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

  /** A counter bears no version, so its other place gets the total as it is at home now; as well as it can. */
  const copyCounters = async (home: Instance, done: readonly Pending[]): Promise<void> => {
    const counted = new Map<string, DeltaEntry>()
    for (const { entry } of done)
      if (entry.kind === 'delta' && entry.kept) counted.set(`${entry.scope} ${entry.key}`, entry)
    const mirror = landscape.mirrorOf(home.name)
    if (counted.size === 0 || mirror === undefined || !mirror.writable()) return
    const deltas = [...counted.values()]
    const keyAt = (instance: Instance, { scope, key }: DeltaEntry): string =>
      (places.prefixAt(instance.name, landscape.categoryOf(nameIn(scope))) ?? '') + key
    try {
      const totals = await home.readMany(deltas.map((entry) => keyAt(home, entry)))
      const calls = deltas.flatMap((entry, i): ScriptCall[] => {
        const total = totals[i]
        const life = Math.max(1, Math.ceil(entry.endsAt - now()))
        return total === undefined
          ? []
          : [{ script: copyCounterScript, keys: [keyAt(mirror, entry)], args: [total, life] }]
      })
      await mirror.scripts(calls, 'write')
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
    }
  }

  return {
    /**
     * One round: what waits at its begin. How many were replayed or set aside. Rejects where the instance can't be
     * reached, or with what `onProgress` throws; nothing is lost then.
     */
    round: async (instance: Instance, pace: Pace, onProgress?: (done: number) => void): Promise<number> => {
      if (journal === undefined || planOf === undefined) return 0
      let count = 0
      for await (const batch of journal.batches(instance.name, BATCH)) {
        const floors = await floorsOf(instance, batch)
        const planned = batch.map((pending) => ({ pending, plan: planOf(instance, pending, floors.get(pending)) }))
        const { done, aside } = await replay(instance, planned)
        await journal.remove(instance.name, done)
        await copyCounters(instance, done)
        await putAside(instance, aside)
        count += batch.length
        onProgress?.(count)
        await pace(batch.length)
      }
      return count
    },
  }
}
