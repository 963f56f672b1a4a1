import type { Looks } from '../instances/looks.js'
import type { ProcessesView, ProcessView } from './contract.js'
import { type Beat, type Heartbeat, sweepBeats } from './process-heartbeat.js'
import { seldom } from './seldom.js'

export interface ProcessesParts {
  readonly processId: string
  readonly looks: ReadonlyMap<string, Looks>
  readonly heartbeat: Pick<Heartbeat, 'now'>
}

/** ms */
const EVERY = 1_000

/** Every process that uses the package, by the signs of life that each leaves on its instances. `elapsed`: monotonic ms. */
export const createProcessesView = ({ processId, looks, heartbeat }: ProcessesParts, elapsed: () => number) => {
  const found = async (): Promise<[instance: string, beats: ReadonlyMap<string, Beat>][]> =>
    Promise.all([...looks].map(async ([name, look]) => [name, await sweepBeats(look, await look.beats(), Date.now())]))
  const asked = seldom(EVERY, found, elapsed)

  return async (): Promise<ProcessesView> => {
    const signs = await asked()
    const ids = new Set([processId, ...signs.flatMap(([, beats]) => [...beats.keys()])])
    const view = (id: string): ProcessView => {
      const own = signs.flatMap(([instance, beats]) => {
        const beat = beats.get(id)
        return beat === undefined ? [] : [{ instance, beat }]
      })
      const self = id === processId
      const [last] = own.map(({ beat }) => beat).sort((a, b) => b.at - a.at)
      const { at, ...rest } = self || last === undefined ? heartbeat.now() : last
      return { ...rest, processId: id, self, seenAt: at, seenOn: own.map(({ instance }) => instance) }
    }
    return { now: Date.now(), processes: [...ids].map(view).sort((a, b) => a.startedAt - b.startedAt) }
  }
}
