import type { StoreHealth } from './instances/store.js'
import { urlVariable } from './settings/names.js'
import type { Settings } from './settings/settings.js'

/** What only the servers can tell about a configuration, once they are connected. Lines that name what to change. */
export const startWarnings = (settings: Settings, healthOf: (instance: string) => StoreHealth): string[] => [
  ...sameServers(settings, healthOf),
  ...unfitForState(settings, healthOf),
]

/** Two instances that are one server fail together, and fill up together. */
const sameServers = (settings: Settings, healthOf: (instance: string) => StoreHealth): string[] => {
  const names = new Map<string, string>()
  const lines: string[] = []
  for (const { name } of settings.instances) {
    const runId = healthOf(name).server?.runId
    if (runId === undefined) continue
    const other = names.get(runId)
    if (other === undefined) names.set(runId, name)
    else
      lines.push(
        `${other} and ${name} are the same Redis server (run_id): they will fail together; ` +
          `give ${urlVariable(name)} another server, or leave it out`,
      )
  }
  return lines
}

const unfitForState = ({ state }: Settings, healthOf: (instance: string) => StoreHealth): string[] => {
  const memory = healthOf(state.instance).memory
  if (memory === undefined || memory.max === 0) return []
  const lines: string[] = []
  if (memory.policy.startsWith('allkeys-'))
    lines.push(
      `${state.instance} may evict workflow state (maxmemory-policy ${memory.policy}): set it to volatile-lru or noeviction`,
    )
  if (state.ttl === false)
    lines.push(
      `state never expires (state.ttl is false) and ${state.instance} has a maxmemory: it will fill up; set a state.ttl, as in '7d'`,
    )
  return lines
}
