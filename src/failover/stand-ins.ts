import type { Instance } from '../instances/instance.js'
import { type CallOptions, StoreError } from '../instances/store.js'
import type { Landscape } from './landscape.js'
import type { Outages } from './outages.js'
import type { Place } from './places.js'
import { bounded, type TimeLeft } from './time-left.js'

export interface StandInPlace {
  readonly standIn: Instance
  readonly place: Place
}

/** The instances that hold copies of one home's entries, as one category uses them. Nothing rejects because one of them failed. */
export interface StandIns {
  /** Those that take new copies, best first: where there are some already, so that not every place has to be told of each change. */
  candidates(): readonly Instance[]
  /** Those that hold copies of which this process relies on, and can answer. */
  joined(): readonly Instance[]
  /** Where to read. */
  places(time: TimeLeft): Promise<StandInPlace[]>
  /**
   * A change there, made again where others began a new outage meanwhile; leaves time for the next place. Undefined: it
   * failed, and what lies there isn't read any more. `id`: of the place that it shows in.
   */
  change<T>(
    standIn: Instance,
    time: TimeLeft,
    change: (prefix: string, options: CallOptions) => Promise<T>,
  ): Promise<{ readonly value: T; readonly id: string } | undefined>
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

  const changeAgain = async <T>(
    standIn: Instance,
    time: TimeLeft,
    change: (prefix: string, options: CallOptions) => Promise<T>,
  ): Promise<{ value: T; id: string }> => {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const joining = outages.join(home, standIn)
      const place = joining instanceof Promise ? await bounded(time.share(), joining, late(standIn)) : joining
      const value = await change(place.prefix, { timeout: time.share() })
      const stands = outages.stands(home, standIn, place)
      if (await bounded(time.share(), stands, late(standIn))) return { value, id: place.id }
    }
    throw new StoreError('unavailable', standIn.name, `${standIn.name}: its outage changes all the time`, 'unknown')
  }

  return {
    joined,

    candidates: () => {
      const able = landscape.standInsOf(home)
      const known = outages.known(home)
      return able.length < 2 ? able : able.toSorted((a, b) => Number(known.has(b.name)) - Number(known.has(a.name)))
    },

    places: async (time) => {
      const able = joined()
      const asked = able.length > 0 ? able : landscape.standInsOf(home).slice(0, 1)
      const places = await Promise.all(
        asked.map(async (standIn) => {
          const seen = outages.peek(home, standIn)
          try {
            const place = seen instanceof Promise ? await bounded(time.share(), seen, late(standIn)) : seen
            return place === undefined ? [] : [{ standIn, place }]
          } catch (error) {
            if (!(error instanceof StoreError)) throw error
            return [] // A miss is right.
          }
        }),
      )
      return places.flat()
    },

    change: async (standIn, time, change) => {
      try {
        return await changeAgain(standIn, time, change)
      } catch (error) {
        // Its own health says what is wrong with it; here only the next place counts.
        if (!(error instanceof StoreError) || isOwn(error)) throw error
        outages.drop(home, standIn.name)
        return undefined
      }
    },
  }
}

/** About the caller's own value, not about the place. */
export const isOwn = ({ kind }: StoreError): boolean => kind === 'not-a-number' || kind === 'out-of-range'
