import { createCategoriesView } from './categories.js'
import { createChange } from './change.js'
import type { Answers, Asked, Change, Changed } from './contract.js'
import { createCountView } from './count.js'
import { createEntryView } from './entry.js'
import { createGroupsView } from './groups.js'
import { createHotView } from './hot.js'
import { createItemsView } from './items.js'
import { createKeysView } from './keys.js'
import { createLive } from './live.js'
import { createLooking } from './looking.js'
import { createMemorySamples } from './memory-sample.js'
import { createOverview } from './overview.js'
import type { SightParts } from './parts.js'
import { createProcessesView } from './processes.js'
import { Forbidden, Refused } from './refused.js'
import { createTrend } from './trend.js'

/** Each view of the contract. */
export type Views = { readonly [Q in keyof Asked]: (asked: Asked[Q]) => Promise<Answers[Q]> }

/**
 * Everything there is to see of the tiers, and what may be changed from there. It does nothing before it is asked. Runs
 * of steps aren't ours to know.
 */
export interface Sight extends Omit<Views, 'workflows'> {
  change(change: Change): Promise<Changed>
}

export const createSight = (parts: SightParts): Sight => {
  const { settings, failover, looks, reads } = parts
  const elapsed = (): number => performance.now()
  const live = createLive(settings, looks, elapsed)
  const samples = createMemorySamples(settings, looks, elapsed)
  const looking = createLooking(settings, failover.shelves)
  const { landscape, groups } = failover
  const now = Date.now
  const change = createChange({ ...parts, looking, groups })
  return {
    overview: createOverview({ ...parts, live, trend: createTrend(elapsed) }),
    categories: createCategoriesView({ ...parts, live, samples }),
    keys: createKeysView({ looking }),
    entry: createEntryView({ settings, looking, instances: landscape.instances, now }),
    count: createCountView({ looking, elapsed }),
    groups: createGroupsView({ ...parts, landscape, groups }),
    items: createItemsView({ groups }),
    processes: createProcessesView(parts, elapsed),
    hot: createHotView({ settings, reads, samples, now }),
    change: async (asked) => (asked.do === 'drill' ? beginDrill(parts, asked) : change(asked)),
  }
}

/** Answers at once; what it does to the app is seen from now on. */
const beginDrill = (
  { production, looks, drill }: SightParts,
  { instance, seconds }: { readonly instance: string; readonly seconds: number },
): Changed => {
  if (production) throw new Forbidden('drills are for development: in production users would notice if something fails')
  if (!looks.has(instance))
    throw new Refused(`there is no such Redis instance; there is ${[...looks.keys()].join(', ')}`)
  drill(instance, seconds * 1_000)
  return { count: undefined }
}
