import { createCategoriesView } from './categories.js'
import type { Answers, Asked, Change, Changed } from './contract.js'
import { createEntryView } from './entry.js'
import { createKeysView } from './keys.js'
import { createLive } from './live.js'
import { createLooking } from './looking.js'
import { createMemorySamples } from './memory-sample.js'
import { createOverview } from './overview.js'
import type { SightParts } from './parts.js'
import { Forbidden, Refused } from './refused.js'

/** Each view of the contract. */
export type Views = { readonly [Q in keyof Asked]: (asked: Asked[Q]) => Promise<Answers[Q]> }

/**
 * Everything there is to see of the tiers, and what may be changed from there. It does nothing before it is asked. Runs
 * of steps aren't ours to know.
 */
export interface Sight extends Partial<Omit<Views, 'workflows'>> {
  change(change: Change): Promise<Changed>
}

export const createSight = (parts: SightParts): Sight => {
  const { settings, failover, looks } = parts
  const elapsed = (): number => performance.now()
  const live = createLive(looks, elapsed)
  const samples = createMemorySamples(settings, looks, elapsed)
  const looking = createLooking(settings, failover.shelves)
  const { instances } = failover.landscape
  return {
    overview: createOverview({ ...parts, live, advise: () => [] }),
    categories: createCategoriesView({ ...parts, live, samples }),
    keys: createKeysView({ looking }),
    entry: createEntryView({ looking, instances, now: Date.now }),
    change: async (change) => {
      if (change.do === 'drill') return beginDrill(parts, change)
      throw new Refused('not yet')
    },
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
