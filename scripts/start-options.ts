import { parseArgs } from 'node:util'
import { didYouMean } from '../src/settings/did-you-mean.ts'
import { environment } from '../src/settings/environment.ts'
import { namesAnInstance } from '../src/settings/instances.ts'
import { likelySlips, motiasOwn } from '../src/settings/likely-slips.ts'
import { isProduction } from '../src/settings/production.ts'

type Env = Readonly<Record<string, string | undefined>>

const DEFAULT_PORT = 3000
/** Motia's Workbench opens a second port, this far above the first. */
const SECOND_PORT = 21_678
const HIGHEST_PORT = 65_535 - SECOND_PORT

/** `--port N`, else PORT, else 3000. A bad value or an unknown argument is one clear error. */
export const portOf = (args: readonly string[], env: Env): number => {
  const given = portArgument(args)
  const source = given === undefined ? 'PORT' : '--port'
  const text = given ?? (env.PORT || String(DEFAULT_PORT))
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (port < 1 || port > HIGHEST_PORT) {
    throw new Error(
      `${source} must be a number from 1 to ${HIGHEST_PORT}, not ${JSON.stringify(text)} ` +
        `(Motia also opens port + ${SECOND_PORT})`,
    )
  }
  return port
}

const OPTIONS = ['--port', '-p']
const KNOWN = 'known: --port N (or -p N), as in npm start -- --port 3001'

const portArgument = (args: readonly string[]): string | undefined => {
  const port = { type: 'string', short: 'p' } as const
  let found: string | undefined
  for (const token of parseArgs({ args: [...args], options: { port }, strict: false, tokens: true }).tokens) {
    if (token.kind === 'option-terminator') continue
    // npm takes the name of an option that comes without the -- before it for its own, and leaves us the value.
    if (token.kind === 'positional') throw new Error(`unexpected argument ${JSON.stringify(token.value)}; ${KNOWN}`)
    if (token.name !== 'port')
      throw new Error(`unknown option ${JSON.stringify(token.rawName)}${didYouMean(token.rawName, OPTIONS)}; ${KNOWN}`)
    if (token.value === undefined) throw new Error(`--port needs a number; ${KNOWN}`)
    found = token.value
  }
  return found
}

/** Which Redis servers `npm start` has to bring along. */
export interface RedisPlan {
  /** primary and secondary */
  readonly instances: boolean
  /** Motia's own */
  readonly motia: boolean
}

/**
 * What the environment (with .env) names already is left to it. In production an instance that isn't named is an error
 * of the configuration, and says so; Motia would bring a Redis of its own anyway.
 */
export const redisPlan = (env: Env): RedisPlan => {
  const variables = environment(env)
  const wanted = variables.text('MOTIA_REDIS_EMBEDDED') !== 'on' && !isProduction(env, [])
  return {
    instances: wanted && !namesAnInstance(variables),
    motia: !motiasOwn.some((name) => env[name]) && env.MOTIA_DISABLE_MEMORY_SERVER !== 'true',
  }
}

/** Hints that nobody would see any more once the URLs of local instances stand where the right ones should. */
export const hiddenHints = (env: Env, brought: Env): string[] => {
  const still = new Set(likelySlips(environment({ ...env, ...brought })))
  return likelySlips(environment(env)).filter((hint) => !still.has(hint))
}

interface Brought {
  readonly name: string
  readonly port: number
  readonly pid: number
}

/** One line that says which servers were brought; the process is for who ends one without a redis-cli. */
export const broughtLine = (servers: readonly Brought[]): string => {
  const instances = servers.filter(({ name }) => name !== 'motia')
  const shown = instances.map(({ name, port, pid }) => `${name} on port ${port}, pid ${pid}`).join('; ')
  const own = servers.find(({ name }) => name === 'motia')
  const parts = [
    ...(instances.length === 0 ? [] : [`${instances.length} local Redis instances (${shown})`]),
    ...(own === undefined ? [] : [`a local Redis for Motia itself (port ${own.port})`]),
  ]
  return `brought ${parts.join(' and ')}`
}
