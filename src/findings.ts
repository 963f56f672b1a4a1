import type { StoreHealth } from './instances/store.js'
import { urlVariable } from './settings/names.js'
import type { Settings } from './settings/settings.js'

/** Something that isn't as it should be, and what to do about it. What is said at the start and in the panel. */
export interface Finding {
  readonly text: string
  readonly doThis: string
}

/** What only the servers tell of an instance. */
export type ServerOf = (instance: string) => Pick<StoreHealth, 'server' | 'memory'> | undefined

/** Two instances that are one server fail together, and fill up together. A fault of the configuration that only they tell. */
export const sameServers = ({ instances }: Pick<Settings, 'instances'>, serverOf: ServerOf): Finding[] => {
  const names = new Map<string, string>()
  const found: Finding[] = []
  for (const { name } of instances) {
    const runId = serverOf(name)?.server?.runId
    if (runId === undefined) continue
    const other = names.get(runId)
    if (other === undefined) names.set(runId, name)
    else
      found.push({
        text: `${other} and ${name} are the same Redis server (run_id): they fail together, so neither stands in for the other or has copies of it`,
        doThis: `give ${urlVariable(name)} another server, or leave it out`,
      })
  }
  return found
}

/** What makes the home of state lose or hoard it. */
export const unfitForState = ({ state }: Pick<Settings, 'state'>, serverOf: ServerOf): Finding[] => {
  const memory = serverOf(state.instance)?.memory
  if (memory === undefined || memory.max === 0) return []
  const found: Finding[] = []
  if (memory.policy.startsWith('allkeys-'))
    found.push({
      text: `${state.instance} may evict workflow state (maxmemory-policy ${memory.policy})`,
      doThis: 'set it to volatile-lru or noeviction',
    })
  if (state.ttl === false)
    found.push({
      text: `state never expires (state.ttl is false) and ${state.instance} has a maxmemory: it will fill up`,
      doThis: "set a state.ttl, as in '7d'",
    })
  return found
}
