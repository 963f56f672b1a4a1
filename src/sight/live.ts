import type { Figures, Looks } from '../instances/looks.js'
import { seldom } from './seldom.js'

/** What the servers count themselves; each is asked once a second at most, and only while somebody looks. */
export type Live = (instance: string) => Promise<Figures | undefined>

const EVERY = 1_000

/** `elapsed`: monotonic ms. */
export const createLive = (looks: ReadonlyMap<string, Looks>, elapsed: () => number): Live => {
  const asking = new Map([...looks].map(([name, { figures }]) => [name, seldom(EVERY, figures, elapsed)]))
  return async (instance) => asking.get(instance)?.()
}
