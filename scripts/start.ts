import { existsSync, mkdirSync } from 'node:fs'
import { constants } from 'node:os'
import { join, relative } from 'node:path'
import { buildIfStale } from './build-if-stale.ts'
import { type RunningRedis, startRedis } from './local-redis.ts'
import { type RunningMotia, startMotia } from './motia.ts'
import { findRedisBinary } from './redis-binary.ts'
import { findRunning, forgetRunning, recordRunning } from './running.ts'
import { broughtLine, hiddenHints, portOf, redisPlan } from './start-options.ts'

/**
 * `npm start`: the app in the current folder under `motia dev`, with the Redis servers that neither the environment
 * nor .env names. What it starts ends with it, however it ends.
 */

const app = process.cwd()
const servers: RunningRedis[] = []
let motia: RunningMotia | undefined
let recorded = false
let ending = false

const end = async (code: number): Promise<void> => {
  if (ending) return
  ending = true
  // Motia first: it gives up its connections before their Redis goes.
  await motia?.stop()
  await Promise.all(servers.map((server) => server.stop()))
  if (recorded) forgetRunning(app)
  process.exit(code)
}

const fail = (error: unknown): void => {
  console.error(error instanceof Error ? (error.stack ?? error.message) : error)
  if (ending) process.exit(1)
  void end(1).catch(() => process.exit(1)) // the watchdogs end what is left
}

const bringRedis = async (binary: string, name: string, args: readonly string[]): Promise<RunningRedis> => {
  const dir = join(app, '.motia', `redis-${name}`)
  mkdirSync(dir, { recursive: true })
  const server = await startRedis({ binary, dir, args })
  servers.push(server)
  void server.ended.then(() => {
    if (ending) return
    // Who ended it to see what the app does then shall see it come back, too.
    const again = [binary, '--port', server.port, '--bind', '127.0.0.1', '--dir', relative(app, dir), ...args]
    console.warn(`redis-server for ${name} (port ${server.port}) has ended. To start it again: ${shown(again)}`)
  })
  return server
}

const shown = (command: readonly (string | number)[]): string =>
  command.map((word) => (/^[\w./-]+$/.test(`${word}`) ? word : `'${word}'`)).join(' ')

/** The environment for Motia: what is given stays, what is missing is started. */
const withRedis = async (): Promise<NodeJS.ProcessEnv> => {
  const env: NodeJS.ProcessEnv = { MOTIA_ANALYTICS_DISABLED: 'true', ...process.env }
  const plan = redisPlan(env)
  if (!plan.motia) env.MOTIA_DISABLE_MEMORY_SERVER ||= 'true' // else it fetches a Redis even for a given port
  if (!plan.instances && !plan.motia) return env

  const binary = await findRedisBinary()
  // As a free managed Redis is set up; saved every minute, as a restart should find the data.
  const small = ['--maxmemory', '30mb', '--maxmemory-policy', 'volatile-lru', '--save', '60 1']
  const start = async (name: string, wanted: boolean, args: readonly string[]): Promise<RunningRedis | undefined> =>
    wanted ? bringRedis(binary, name, args) : undefined
  const [primary, secondary, own] = await Promise.all([
    start('primary', plan.instances, small),
    start('secondary', plan.instances, small),
    start('motia', plan.motia, ['--appendonly', 'yes', '--save', '']),
  ])
  const brought = Object.entries({ primary, secondary, motia: own })
  console.log(broughtLine(brought.flatMap(([name, server]) => (server === undefined ? [] : { name, ...server }))))
  const urls: NodeJS.ProcessEnv = {}
  if (primary !== undefined) urls.REDIS_PRIMARY_URL = primary.url
  if (secondary !== undefined) urls.REDIS_SECONDARY_URL = secondary.url
  for (const hint of hiddenHints(env, urls)) console.warn(hint)
  Object.assign(env, urls)
  if (own !== undefined) {
    env.MOTIA_DISABLE_MEMORY_SERVER = 'true'
    env.MOTIA_REDIS_HOST = '127.0.0.1'
    env.MOTIA_REDIS_PORT = String(own.port)
  }
  return env
}

const usefulLines = (port: number): string => {
  const url = `http://127.0.0.1:${port}`
  const base = (process.env.MOTIA_WORKBENCH_BASE ?? '').replace(/^\/*/, '/')
  return `
  App        ${url}
  Workbench  ${url}${base}

  curl ${url}/menu     the menu: from the kitchen the first time,
  curl ${url}/menu     from Redis the second

  Ctrl-C ends the app and the Redis servers it brought.
`
}

const main = async (): Promise<void> => {
  const envFile = join(app, '.env')
  if (existsSync(envFile)) process.loadEnvFile(envFile) // what is set already wins, as in Motia
  const port = portOf(process.argv.slice(2), process.env)
  const other = findRunning(app)
  if (other !== undefined) {
    const where = other.port === undefined ? '' : `, http://127.0.0.1:${other.port}`
    throw new Error(`npm start runs in this folder already (process ${other.pid}${where})`)
  }
  recordRunning(app, { pid: process.pid })
  recorded = true
  buildIfStale()
  const env = await withRedis()
  if (ending) return
  motia = startMotia(port, env)
  void motia.ended.then((code) => {
    if (ending) return
    console.error(`Motia has ended (exit code ${code})`)
    return end(code)
  }, fail)
  const reported = await motia.port
  if (reported === undefined) return
  recordRunning(app, { pid: process.pid, port: reported })
  console.log(usefulLines(reported))
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (ending) process.exit(1) // asked twice: the watchdogs end what is left
    void end(128 + constants.signals[signal]).catch(fail)
  })
}
// `npm` hands a SIGTERM to its shell only, and the shell doesn't pass it on: losing that parent means the same.
const parent = process.ppid
if (process.env.npm_lifecycle_event !== undefined) {
  const look = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(look)
    void end(128 + constants.signals.SIGTERM).catch(fail)
  }, 500)
}
process.on('uncaughtException', fail)
process.on('unhandledRejection', fail)

await main().catch((error: unknown) => {
  // A usage error needs no stack.
  console.error(error instanceof Error ? error.message : error)
  return end(1)
})
