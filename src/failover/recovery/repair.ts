import type { Instance } from '../../instances/instance.js'
import type { Layout } from '../../instances/layout.js'
import type { Landscape } from '../landscape.js'
import { timeOf } from '../versions/clock.js'
import { judge } from './identity.js'
import type { Throttle } from './recovery-throttle.js'
import { createEntryRepair, type Doubtful } from './repair-entries.js'
import { createGroupRepair, type ExtraItem } from './repair-groups.js'
import { copyMarkers } from './repair-marker-copy.js'
import type { Marks } from './repair-marks.js'
import type { DataPlaces, Shared } from './repair-places.js'

export interface Repaired {
  /** Instances that were away: what they hold isn't here yet. */
  readonly missing: readonly string[]
  /** Entries and items of the others. */
  readonly compared: number
  /** How many of those were missing here, or older, and weren't just written. */
  readonly brought: number
}

/** Of one category or group. */
export type Copied = Pick<Repaired, 'compared' | 'brought'>

interface RepairParts {
  readonly landscape: Landscape
  readonly layout: Layout
  readonly places: DataPlaces
  readonly marks: Marks
  readonly now: () => number
  /** Brings everything that waits for an instance there. Whether nothing waits any more, here or elsewhere. */
  readonly settle: (instance: Instance) => Promise<boolean>
  /** ms */
  readonly wait: (ms: number) => Promise<void>
  /** Waits as long as so many entries should take. */
  readonly pace: Throttle
}

/** A write of a moment ago may have reached one place and not yet the other; as long as clocks may differ. */
const MOMENT = 60_000
/** ms after which a write that was under way then has ended at both places, or waits in a journal. */
const UNDERWAY = 1_000

/**
 * Makes the kept data of an instance that lost some equal to its other places. What is later here stays: it was written
 * since, or waits in a journal for the other place. `older`: what it holds may be of the past. Then what is only here was
 * ended or removed elsewhere since its snapshot; it goes, too, where the other place is sure to know: not where that is
 * as new itself, waits for writes, or may have evicted it. And its own counters give way to their copies.
 */
export const createRepair = (parts: RepairParts) => {
  const { landscape, layout, places, now, settle, wait, pace } = parts
  const { clock } = landscape
  const entries = createEntryRepair(landscape, places, layout, pace)
  const groups = createGroupRepair(layout, clock, pace)

  const knowsAll = async (other: Instance): Promise<boolean> =>
    other.readable() &&
    other.health().memory?.policy === 'noeviction' &&
    judge(await other.identity(), now()).kind === 'intact' &&
    (await settle(other))

  const isYoung = ({ version }: { readonly version: string }): boolean => timeOf(version) > now() - MOMENT

  const bringFrom = async (
    instance: Instance,
    other: Instance,
    { categories, groups: withGroups }: Shared,
    {
      older,
      since,
      count,
    }: { readonly older: boolean; readonly since: number; readonly count: (copied: Copied) => void },
  ): Promise<void> => {
    await copyMarkers(instance, other, categories, { ...parts, clock })
    for (const category of categories) {
      const counters = older || category.instance !== instance.name
      count(await entries.copy(instance, other, category, counters, since))
    }
    if (withGroups)
      for (const group of await groups.names(other)) count(await groups.copy(instance, other, group, since))
    if (!older || !(await knowsAll(other))) return

    const youngEntries: Doubtful[] = []
    const youngItems: ExtraItem[] = []
    for (const category of categories) {
      await entries.extra(instance, other, category, async (extra) => {
        youngEntries.push(...extra.filter(isYoung))
        await entries.drop(
          instance,
          other,
          extra.filter((each) => !isYoung(each)),
        )
      })
    }
    for (const group of withGroups ? await groups.names(instance) : []) {
      const extra = await groups.extra(instance, other, group)
      youngItems.push(...extra.filter(isYoung))
      await groups.drop(
        instance,
        other,
        extra.filter((each) => !isYoung(each)),
      )
    }
    if (youngEntries.length + youngItems.length === 0) return
    await wait(Math.max(UNDERWAY, 2 * instance.deadline('write'), 2 * other.deadline('write')))
    if (!(await settle(other))) return
    await entries.drop(instance, other, youngEntries)
    await groups.drop(instance, other, youngItems)
  }

  return async (instance: Instance, older: boolean): Promise<Repaired> => {
    const since = now()
    const missing: string[] = []
    let compared = 0
    let brought = 0
    const count = (copied: Copied): void => {
      compared += copied.compared
      brought += copied.brought
    }
    const isShared = (name: string): boolean => places.sharedBy(instance.name).some(({ other }) => other === name)
    for (const shared of places.sharedBy(instance.name)) {
      const other = landscape.instances.get(shared.other)
      if (other === undefined || !(other.readable() || other.catchingUp())) {
        missing.push(shared.other)
        continue
      }
      try {
        await bringFrom(instance, other, shared, { older, since, count })
      } catch (error) {
        // Where the two turned out to be one server meanwhile, there is nothing more to bring, whatever came of it.
        if (isShared(shared.other)) throw error
      }
    }
    return { missing, compared, brought }
  }
}
