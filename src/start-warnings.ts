import type { Journal } from './failover/journal/journal.js'
import { namesOf } from './failover/journal/journal-entries.js'
import type { StoreHealth } from './instances/store.js'
import { urlVariable } from './settings/names.js'
import type { Settings } from './settings/settings.js'

/** What a person should know at the start that only the servers, and the folder, can tell. */
export const startWarnings = (
  settings: Settings,
  healthOf: (instance: string) => StoreHealth,
  journal: Journal | undefined,
): string[] => [...unfitForState(settings, healthOf), ...(journal === undefined ? [] : setAside(settings, journal))]

/** Of so many it is said what they are about. */
const LOOKED_AT = 10_000

/** Writes of earlier outages that never reached their home. They stay until somebody has judged them. */
const setAside = ({ instances }: Settings, journal: Journal): string[] => {
  const all = journal.listAside(LOOKED_AT)
  return instances.flatMap(({ name }) => {
    const own = all.filter(({ instance }) => instance === name)
    if (own.length === 0) return []
    const since = new Date(Math.min(...own.map(({ at }) => at))).toISOString()
    const reasons = [...new Set(own.map(({ reason }) => reason))].join('; ')
    return [
      `${name}  ${own.length} ${own.length === 1 ? 'write' : 'writes'} that never reached it lie apart (${namesOf(own.map(({ entry }) => entry))}), the first since ${since}: ${reasons}`,
    ]
  })
}

/** Two instances that are one server fail together, and fill up together. A fault of the configuration that only they tell. */
export const sameServers = (settings: Settings, healthOf: (instance: string) => StoreHealth): string[] => {
  const names = new Map<string, string>()
  const lines: string[] = []
  for (const { name } of settings.instances) {
    const runId = healthOf(name).server?.runId
    if (runId === undefined) continue
    const other = names.get(runId)
    if (other === undefined) names.set(runId, name)
    else
      lines.push(
        `${other} and ${name} are the same Redis server (run_id): they fail together, so neither stands in for the other or has copies of it; ` +
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
