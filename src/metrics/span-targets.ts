import type { CategorySettings, Settings } from '../settings/settings.js'
import { countedName, everywhere, type Named } from './meters.js'
import type { Target } from './spans.js'

/** Where calls go. `servedBy`: who answers for a category now. */
export const createTargets = (
  settings: Settings,
  servedBy: (category: CategorySettings) => string | undefined,
): ((category: Named, key: string) => Target) => {
  const servers = new Map(
    settings.instances.map(({ name, url }) => [
      name,
      url && { address: url.host, port: url.port, database: String(url.db) },
    ]),
  )
  return (category, key) => {
    const name = countedName(settings, category, key)
    const known = category === everywhere ? undefined : settings.categories.get(name)
    const served = known && servedBy(known)
    return { category: name, servedBy: served, server: served === undefined ? undefined : servers.get(served) }
  }
}
