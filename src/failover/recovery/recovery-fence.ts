import type { Instance } from '../../instances/instance.js'
import type { Layout } from '../../instances/layout.js'
import { StoreError } from '../../instances/store.js'
import type { Report } from '../../report.js'
import type { Landscape } from '../landscape.js'
import { listCall } from '../stand-in/outage-scripts.js'

/** ms for which one process's fence is good for all: it ends connections of those who then come to fence, too. */
const FENCE_LIFE = 3_000
/** ms in which a process that lives renews its registration. */
const SIGN = 700

export interface FenceParts {
  readonly landscape: Landscape
  readonly layout: Layout
  readonly processId: string
  readonly report: Report
}

/** What was sent on connections of before doesn't run any more. */
export const createFence = (
  { landscape, layout, processId, report }: FenceParts,
  wait: (ms: number) => Promise<void>,
) => {
  const { instances } = landscape
  let denied = false

  /** The registrations of other processes for any instance, by the place where they stand, as far as it answers. */
  const signs = async (): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>> => {
    const found = new Map<string, Map<string, string>>()
    const homes = [...instances.keys()]
    const calls = homes.map((home) => listCall(layout.outage(home)))
    for (const instance of instances.values()) {
      if (!instance.readable() && !instance.catchingUp()) continue
      const replies = await instance.scripts(calls, 'read').catch((error) => {
        if (error instanceof StoreError) return [] // It tells nothing now.
        throw error
      })
      for (const [at, reply] of replies.entries()) {
        if (reply instanceof StoreError) continue
        const [fields] = reply as [string[]]
        const there = new Map<string, string>()
        for (let i = 0; i < fields.length; i += 2) {
          const [, id] = /^p:(.+)$/.exec(fields[i] ?? '') ?? []
          if (id !== undefined && id !== processId) there.set(id, fields[i + 1] ?? '')
        }
        found.set(`${instance.name} ${homes[at]}`, there)
      }
    }
    return found
  }

  /**
   * A process that was killed stays registered for a while, and what it sent must not run all the same: another text is
   * a sign of life, where both looks were answered.
   */
  const living = async (): Promise<ReadonlySet<string>> => {
    const before = await signs()
    if ([...before.values()].every(({ size }) => size === 0)) return new Set()
    await wait(SIGN)
    const live = new Set<string>()
    for (const [place, now] of await signs()) {
      const was = before.get(place)
      if (was === undefined) continue
      for (const [id, sign] of now) if (was.get(id) !== sign) live.add(id)
    }
    return live
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
    if (!all) return
    try {
      await instance.write([{ key: layout.fenced, text: processId, endsAt: Date.now() + FENCE_LIFE }])
    } catch (error) {
      // One that takes no writes now keeps no note, and others fence once more.
      if (!(error instanceof StoreError)) throw error
    }
  }
}
