import type { Figures, Looks } from '../instances/looks.js'
import type { Settings } from '../settings/settings.js'
import { seldom } from './seldom.js'

/** What the servers count themselves. */
export type Live = (instance: string) => Promise<Figures | undefined>

/** ms between two questions, where the servers aren't asked more seldom than usual. */
const EVERY = 1_000

/** Asks at most every so often, and only while somebody looks. `elapsed`: monotonic ms. */
export const createLive = (
  { probeEvery = EVERY }: Pick<Settings, 'probeEvery'>,
  looks: ReadonlyMap<string, Pick<Looks, 'figures'>>,
  elapsed: () => number,
): Live => {
  const every = Math.max(EVERY, probeEvery)
  const asking = new Map([...looks].map(([name, { figures }]) => [name, seldom(every, figures, elapsed)]))
  return async (instance) => asking.get(instance)?.()
}
