import type { Landscape } from '../landscape.js'
import { forgetHome } from './last-resort.js'
import type { Outages } from './outages.js'

/**
 * Home serves again and nothing of this process waits for it: leaves the outage, and removes the copies, those on
 * stand-ins if no other process needs them. What can't be reached stays for the next time; nobody reads it any more.
 */
export const createRemoveCopies =
  ({ landscape, outages }: { landscape: Landscape; outages: Outages }) =>
  async (home: string): Promise<void> => {
    await outages.leave(home)
    await outages.sweep(home)
    if (landscape.lastResort !== undefined) await forgetHome(landscape.lastResort, landscape.idOf(home))
  }
