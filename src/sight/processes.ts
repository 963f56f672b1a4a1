import type { Looks } from '../instances/looks.js'
import type { ProcessesView, ProcessView } from './contract.js'
import { type Beat, type Heartbeat, livingSigns } from './process-heartbeat.js'
import { seldom } from './seldom.js'

export interface ProcessesParts {
  readonly processId: string
  readonly looks: ReadonlyMap<string, Looks>
  readonly heartbeat: Pick<Heartbeat, 'now'>
}

interface Seen {
  readonly beat: Beat
  readonly seenAt: number
}

/** ms */
const EVERY = 1_000

/** Every process that uses the package, by the signs of life that each leaves on its instances. `elapsed`: monotonic ms. */
export const createProcessesView = ({ processId, looks, heartbeat }: ProcessesParts, elapsed: () => number) => {
  /** What was left at each instance, and when, by our own clock. */
  const found = async (): Promise<[instance: string, signs: ReadonlyMap<string, Seen>][]> =>
    Promise.all(
      [...looks].map(async ([name, look]) => {
        const beats = await look.beats()
        const living = beats === undefined ? [] : [...livingSigns(beats)]
        return [name, new Map(living.map(([id, { age, beat }]) => [id, { beat, seenAt: Date.now() - age }]))]
      }),
    )
  const asked = seldom(EVERY, found, elapsed)

  return async (): Promise<ProcessesView> => {
    const all = await asked()
    const ids = new Set([processId, ...all.flatMap(([, signs]) => [...signs.keys()])])
    const view = (id: string): ProcessView => {
      const own = all.flatMap(([instance, signs]) => {
        const sign = signs.get(id)
        return sign === undefined ? [] : [{ instance, ...sign }]
      })
      const self = id === processId
      const [last] = own.toSorted((a, b) => b.seenAt - a.seenAt)
      const { beat, seenAt } = self || last === undefined ? { beat: heartbeat.now(), seenAt: Date.now() } : last
      return { ...beat, processId: id, self, seenAt, seenOn: own.map(({ instance }) => instance) }
    }
    return { now: Date.now(), processes: [...ids].map(view).sort((a, b) => a.startedAt - b.startedAt) }
  }
}
