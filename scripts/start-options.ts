import { parseArgs } from 'node:util'
import { motiasOwn } from '../src/settings/environment.ts'

type Env = Readonly<Record<string, string | undefined>>

const DEFAULT_PORT = 3000
/** Motia's Workbench opens a second port, at 21678 + this one. */
const HIGHEST_PORT = 65_535 - 21_678

/** `--port N`, else PORT, else 3000. A bad value or an unknown argument is one clear error. */
export const portOf = (args: readonly string[], env: Env): number => {
  const { values } = parseArgs({ args: [...args], options: { port: { type: 'string', short: 'p' } }, strict: true })
  const source = values.port === undefined ? 'PORT' : '--port'
  const text = values.port ?? (env.PORT || String(DEFAULT_PORT))
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (port < 1 || port > HIGHEST_PORT) {
    throw new Error(`${source} must be a number from 1 to ${HIGHEST_PORT}, not ${JSON.stringify(text)}`)
  }
  return port
}

/** Which Redis servers `npm start` has to bring along. */
export interface RedisPlan {
  /** primary and secondary */
  readonly instances: boolean
  /** Motia's own */
  readonly motia: boolean
}

/** What the environment (with .env) names already is left to it. */
export const redisPlan = (env: Env): RedisPlan => {
  // A further instance counts only with its list of categories: else its URL is somebody else's.
  const named = Object.keys(env).some((name) => {
    const instance = /^REDIS_(.+)_URL$/.exec(name)?.[1]
    if (instance === undefined || !env[name]) return false
    return instance === 'PRIMARY' || instance === 'SECONDARY' || Boolean(env[`REDIS_${instance}_TYPES`])
  })
  return {
    instances: !named && env.MOTIA_REDIS_EMBEDDED !== 'on',
    motia: !motiasOwn.some((name) => env[name]) && env.MOTIA_DISABLE_MEMORY_SERVER !== 'true',
  }
}
