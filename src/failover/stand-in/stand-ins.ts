import type { Intent } from '../../instances/deadlines.js'
import type { Instance, ScriptCall } from '../../instances/instance.js'
import { StoreError } from '../../instances/store.js'
import type { Landscape } from '../landscape.js'
import { bounded, steadyNow, type TimeLeft } from '../time-left.js'
import { type CopyTarget, notChanged } from './copy-scripts.js'
import type { CopySite } from './copy-sites.js'
import { removeBearing } from './copy-tags.js'
import type { Outages } from './outages.js'

export interface StandInSite {
  readonly standIn: Instance
  readonly site: CopySite
}

/** A change that shows at a place. */
export interface Changed<T> {
  readonly value: T
  readonly id: string
}

/** The instances that hold copies of one home's entries, as one category uses them. Nothing rejects because one of them failed. */
export interface StandIns {
  /** Those that take new copies, best first: where there are some already, so that not every place has to be told of each change. */
  candidates(): readonly Instance[]
  /** Those that hold copies on which this process relies, and can answer. */
  joined(): readonly Instance[]
  /** Where to read. */
  sites(time: TimeLeft): Promise<StandInSite[]>
  /**
   * Changes there, in one round trip, sent again where others began a new outage meanwhile; leaves time for the next
   * place. Undefined: it failed, and what lies there isn't read any more. Rejects with an error of the caller's own.
   */
  change(
    standIn: Instance,
    time: TimeLeft,
    intent: Intent,
    calls: (target: CopyTarget) => readonly ScriptCall[],
  ): Promise<Changed<readonly unknown[]> | undefined>
  /** All copies that begin with this, in batches, each with the instance's own deadline. */
  clear(standIn: Instance, time: TimeLeft, prefix: string): Promise<Changed<number> | undefined>
  /** The same, of those that bear any of the tags. */
  removeTagged(
    standIn: Instance,
    time: TimeLeft,
    prefix: string,
    tags: readonly string[],
  ): Promise<Changed<number> | undefined>
}

const ATTEMPTS = 3

export const createStandIns = (home: string, landscape: Landscape, outages: Outages): StandIns => {
  const late = (standIn: Instance) => () =>
    new StoreError('timeout', standIn.name, `${standIn.name}: no answer in time`, 'unknown')

  const joined = (): Instance[] =>
    [...outages.known(home).keys()].flatMap((name) => {
      const standIn = landscape.instances.get(name)
      return standIn?.readable() === true ? [standIn] : []
    })

  /** `change` answers undefined where the place doesn't count any more. */
  const again = async <T>(
    standIn: Instance,
    time: TimeLeft,
    change: (site: CopySite) => Promise<T | undefined>,
  ): Promise<Changed<T> | undefined> => {
    try {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const joining = outages.join(home, standIn)
        const site = joining instanceof Promise ? await bounded(time.share(), joining, late(standIn)) : joining
        const value = await change(site)
        if (value !== undefined) return { value, id: site.id }
      }
    } catch (error) {
      // Its own health says what is wrong with it; here only the next place counts.
      if (!(error instanceof StoreError) || isOwn(error)) throw error
    }
    outages.drop(home, standIn.name)
    return undefined
  }

  return {
    joined,

    candidates: () => {
      const able = landscape.standInsOf(home)
      const known = outages.known(home)
      return able.length < 2 ? able : able.toSorted((a, b) => Number(known.has(b.name)) - Number(known.has(a.name)))
    },

    sites: async (time) => {
      const able = joined()
      const asked = able.length > 0 ? able : landscape.standInsOf(home).slice(0, 1)
      const sites = await Promise.all(
        asked.map(async (standIn) => {
          const seen = outages.peek(home, standIn)
          try {
            const site = seen instanceof Promise ? await bounded(time.share(), seen, late(standIn)) : seen
            return site === undefined ? [] : [{ standIn, site }]
          } catch (error) {
            if (!(error instanceof StoreError)) throw error
            return [] // A miss is right.
          }
        }),
      )
      return sites.flat()
    },

    change: (standIn, time, intent, calls) =>
      again(standIn, time, async (site) => {
        const timeout = time.share()
        const target = outages.target(home, standIn, site, steadyNow() + timeout)
        const replies = await standIn.scripts(calls(target), intent, { timeout })
        for (const reply of replies) {
          if (reply instanceof StoreError) throw reply
          const problem = notChanged(reply)
          if (problem === undefined) continue
          // Sent again, where it was our idea of the server's clock that was late.
          if (problem.why === 'late' && !outages.heard(home, standIn, problem.now)) throw late(standIn)()
          if (problem.why === 'moved') outages.moved(home, standIn, site)
          return undefined
        }
        return replies
      }),

    clear: (standIn, time, prefix) =>
      again(standIn, time, async (site) => {
        const removed = await standIn.clear(site.prefix + prefix)
        return (await outages.stands(home, standIn, site)) ? removed : undefined
      }),

    removeTagged: (standIn, time, prefix, tags) =>
      again(standIn, time, async (site) => {
        const removed = await removeBearing(standIn, site.prefix + prefix, tags)
        return (await outages.stands(home, standIn, site)) ? removed : undefined
      }),
  }
}

/** About the caller's own value, not about the place. */
export const isOwn = ({ kind }: StoreError): boolean => kind === 'not-a-number' || kind === 'out-of-range'
