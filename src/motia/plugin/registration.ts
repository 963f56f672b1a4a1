import type { Report } from '../../report.js'

/** Says half a registration once, with the line to add. */
export interface Registration {
  /** The plugin was built; `ownState`: Motia's state adapter is ours. */
  pluginBuilt(ownState: boolean): void
  /** The state adapter was used. Motia may use it before it builds the plugins, hence the patience. */
  adapterUsed(): void
  /** Nothing is said any more. */
  close(): void
}

export const createRegistration = (report: Report, patience = 30_000): Registration => {
  let built = false
  let used = false
  let looking: NodeJS.Timeout | undefined
  return {
    pluginBuilt: (ownState) => {
      if (!built && !ownState) {
        report.warn(
          'context.state is not ours yet: add `adapters: { state: tiers.state }` to the config in motia.config.ts',
        )
      }
      built = true
    },
    adapterUsed: () => {
      if (used) return
      used = true
      const look = (): void => {
        if (!built)
          report.warn('context.cache is not there yet: add `plugins: [tiers.plugin]` to the config in motia.config.ts')
      }
      looking = setTimeout(look, patience).unref()
    },
    close: () => {
      used = true
      clearTimeout(looking)
    },
  }
}
