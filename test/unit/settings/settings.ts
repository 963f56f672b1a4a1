import { ConfigurationError } from '../../../src/settings/configuration-error.ts'
import { readSettings } from '../../../src/settings/read-settings.ts'
import type { Settings } from '../../../src/settings/settings.ts'

export type Env = Record<string, string | undefined>

export const two: Env = { REDIS_PRIMARY_URL: 'redis://one:6379', REDIS_SECONDARY_URL: 'redis://two:6379' }

/** Options as JavaScript hands them over: nothing is known about their shape. */
export const settingsOf = (options: unknown = {}, env: Env = two, production = false): Settings =>
  readSettings(options as Record<string, never>, { env, baseDir: '/app', production })

/** The faults, one a line, without the heading. */
export const faultsOf = (options: unknown = {}, env: Env = two, production = false): string[] => {
  try {
    settingsOf(options, env, production)
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error
    return error.message
      .split('\n')
      .slice(1)
      .map((line) => line.replace('  - ', ''))
  }
  return []
}

/** Names of the categories homed on each instance. */
export const homesOf = (settings: Settings): Record<string, string> => {
  const homes: Record<string, string> = {}
  for (const { name } of settings.instances) {
    homes[name] = [...settings.categories.values()]
      .filter((c) => c.instance === name)
      .map((c) => c.name)
      .join(' ')
  }
  return homes
}
