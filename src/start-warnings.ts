import type { Journal } from './failover/journal/journal.js'
import { namesOf } from './failover/journal/journal-entries.js'
import { unfitForState } from './findings.js'
import type { StoreHealth } from './instances/store.js'
import type { Settings } from './settings/settings.js'

/** What a person should know at the start that only the servers, and the folder, can tell. */
export const startWarnings = (
  settings: Settings,
  healthOf: (instance: string) => StoreHealth,
  journal: Journal | undefined,
): string[] => [
  ...unfitForState(settings, healthOf).map(({ text, doThis }) => `${text}: ${doThis}`),
  ...(journal === undefined ? [] : setAside(settings, journal)),
]

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
