import type { Instance } from '../instances/instance.js'
import type { Layout } from '../instances/layout.js'
import type { Report } from '../report.js'
import type { Landscape } from './landscape.js'
import type { Outages } from './outages.js'

/** ms for which one process's fence is good for all: it ends connections of those who then come to fence, too. */
const FENCE_LIFE = 3_000

export interface FenceParts {
  readonly landscape: Landscape
  readonly outages: Pick<Outages, 'others'>
  readonly layout: Layout
  readonly processId: string
  readonly report: Report
}

/** What was sent on connections of before doesn't run any more. */
export const createFence = ({ landscape, outages, layout, processId, report }: FenceParts) => {
  let denied = false

  /** Ids of processes that hold something for some instance, so are alive. */
  const living = async (): Promise<ReadonlySet<string>> => {
    const found = await Promise.all([...landscape.instances.keys()].map((name) => outages.others(name)))
    return new Set(found.flat().map((each) => each.processId))
  }

  /**
   * Of one that was started again no old connection is left. Those of others are ended by one process only: what it ends
   * makes those who live come back here, and they would end its own.
   */
  return async (instance: Instance, othersToo: boolean): Promise<void> => {
    const by = othersToo ? await instance.read(layout.fenced) : undefined
    const all = othersToo && (by === undefined || by === processId)
    const live = all ? await living() : new Set<string>()
    const outcome = await instance.fence((id) => !all || live.has(id))
    if (outcome === 'denied' && !denied) {
      denied = true
      report.warn(
        `${instance.name}  its user may not use CLIENT LIST and CLIENT KILL: a write that timed out in an outage may still arrive after it, and replace a newer value of cached data`,
      )
    }
    if (all) await instance.write([{ key: layout.fenced, text: processId, endsAt: Date.now() + FENCE_LIFE }])
  }
}
