import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { freePort } from '../../scripts/free-port.ts'
import { startRedis } from '../../scripts/local-redis.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
/** For `node --import`: a Motia without Workbench. */
export const workbenchHook = new URL('workbench-hook.js', import.meta.url).href
const cli = join(root, 'node_modules', 'motia', 'dist', 'cli.mjs')

export interface MotiaApp {
  readonly port: number
  /** http://127.0.0.1:<port> */
  readonly url: string
  readonly pid: number
  /** Everything the server and its steps printed so far. */
  output(): string
  /** Waits until the output matches; rejects with the output after `timeout` ms. @default 20000 */
  printed(pattern: RegExp, timeout?: number): Promise<string>
  fetch(path: string, init?: RequestInit): Promise<Response>
  /** GET (or POST with a body) that must answer JSON. */
  json<T = unknown>(path: string, body?: unknown): Promise<T>
  /** Ends the server, its steps and its own Redis. */
  stop(): Promise<void>
}

export interface MotiaOptions {
  /** The app's folder. */
  readonly dir: string
  /** @default 'dev' */
  readonly mode?: 'dev' | 'start'
  /** On top of a cleaned environment; undefined removes a name. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly port?: number
  /**
   * Whether it has Motia's Workbench, which is made ready for browsers anew at every start: more work than all the rest
   * of it. @default false
   */
  readonly workbench?: boolean
  /** Motia's command, where the app has a Motia of its own. @default the one of this checkout */
  readonly cli?: string
  /** ms until it must listen. @default 90000 */
  readonly timeout?: number
}

/** A real `motia dev` or `motia start` with a real Redis for Motia itself, on free loopback ports. */
export const startMotia = async (options: MotiaOptions): Promise<MotiaApp> => {
  const redis = await startRedis()
  // The Workbench's hot-reload socket listens on 21678 + port: there is such a port for each of these.
  const port = options.port ?? (await freePort())
  const workbench = options.workbench === true ? copyWorkbench() : undefined
  const hook = workbench === undefined ? workbenchHook : `${workbenchHook}?of=${encodeURIComponent(workbench.url)}`
  const args = ['--import', hook, options.cli ?? cli, options.mode ?? 'dev', '--port', `${port}`, '--host', '127.0.0.1']
  const child = spawn(process.execPath, args, {
    cwd: options.dir,
    env: { ...cleanEnv(), MOTIA_REDIS_PORT: `${redis.port}`, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // its own process group, so that steps still running end with it
  })
  const console = capture(child)
  const stop = async (): Promise<void> => {
    await endGroup(child)
    workbench?.remove()
    await redis.stop()
  }
  try {
    const ready = await console.printed(/listening on port (\d+)/, options.timeout ?? 90_000)
    const actual = Number(/listening on port (\d+)/.exec(ready)?.[1])
    const url = `http://127.0.0.1:${actual}`
    return {
      port: actual,
      url,
      pid: pidOf(child),
      ...console,
      fetch: (path, init) => fetch(`${url}${path}`, { signal: AbortSignal.timeout(60_000), ...init }),
      json: async <T>(path: string, body?: unknown) => {
        const headers = { 'content-type': 'application/json' }
        const init = body === undefined ? {} : { method: 'POST', headers, body: JSON.stringify(body) }
        const response = await fetch(`${url}${path}`, { signal: AbortSignal.timeout(60_000), ...init })
        const text = await response.text()
        if (!response.ok)
          throw new Error(`${path} answered ${response.status} ${text}\n${console.output().slice(-4000)}`)
        return JSON.parse(text) as T
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/**
 * A Workbench of its own. Each app writes what it made ready for browsers beside the Workbench's files: with one for all,
 * an app that starts would take away what the page of another one loads.
 */
const copyWorkbench = (): { url: string; remove: () => void } => {
  const installed = join(root, 'node_modules', '@motiadev', 'workbench')
  const caches = join(root, 'node_modules', '.cache') // below node_modules, where it finds what it imports
  mkdirSync(caches, { recursive: true })
  const dir = mkdtempSync(join(caches, 'workbench-'))
  for (const name of ['dist', 'package.json']) cpSync(join(installed, name), join(dir, name), { recursive: true })
  const own = join(installed, 'node_modules')
  mkdirSync(join(dir, 'node_modules'))
  for (const name of existsSync(own) ? readdirSync(own) : [])
    if (!name.startsWith('.')) symlinkSync(join(own, name), join(dir, 'node_modules', name))
  return {
    url: pathToFileURL(join(dir, 'dist', 'middleware.js')).href,
    // What makes files ready for the browser is a process of its own, which may write for a moment longer.
    remove: () => rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }),
  }
}

/** Copies an app to a fresh folder (whose name has a space) and gives it this checkout's packages and `motia-redis`. */
export const copyApp = (source: string): { dir: string; remove: () => void } => {
  const parent = mkdtempSync(join(tmpdir(), 'motia redis '))
  const dir = join(parent, 'an app')
  cpSync(source, dir, { recursive: true })
  const modules = join(dir, 'node_modules')
  mkdirSync(modules, { recursive: true })
  for (const name of readdirSync(join(root, 'node_modules'))) {
    symlinkSync(join(root, 'node_modules', name), join(modules, name))
  }
  symlinkSync(root, join(modules, 'motia-redis'))
  return { dir, remove: () => rmSync(parent, { recursive: true, force: true }) }
}

/** The test runner's own variables, and those of ours in the developer's shell, would change how Motia and its steps behave. */
const cleanEnv = (): NodeJS.ProcessEnv => {
  const foreign = /^(VITEST|REDIS_|MOTIA_|npm_|NODE_ENV$|NODE_OPTIONS$|TEST$|DEV$|PROD$|MODE$)/
  return {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name))),
    MOTIA_ANALYTICS_DISABLED: 'true',
    MOTIA_DISABLE_MEMORY_SERVER: 'true',
    MOTIA_REDIS_HOST: '127.0.0.1',
  }
}

const capture = (child: ChildProcess): Pick<MotiaApp, 'output' | 'printed'> => {
  let text = ''
  const changed = new Set<() => void>()
  const add = (chunk: Buffer): void => {
    text += chunk.toString()
    for (const listener of [...changed]) listener()
  }
  child.stdout?.on('data', add)
  child.stderr?.on('data', add)
  child.on('error', (error) => add(Buffer.from(`${error}`)))
  child.on('close', () => add(Buffer.from('')))
  return {
    output: () => text,
    printed: (pattern, timeout = 20_000) =>
      new Promise((resolve, reject) => {
        const finish = (error?: string): void => {
          changed.delete(look)
          clearTimeout(timer)
          if (error === undefined) resolve(text)
          else reject(new Error(`${error} ${pattern}. Output:\n${text.slice(-8000)}`))
        }
        const look = (): void => {
          if (pattern.test(text)) finish()
          else if (child.exitCode !== null || child.signalCode !== null) finish('The process ended before it printed')
        }
        const timer = setTimeout(() => finish(`Nothing in ${timeout} ms matched`), timeout)
        changed.add(look)
        look()
      }),
  }
}

const pidOf = (child: ChildProcess): number => {
  if (child.pid === undefined) throw new Error('not running')
  return child.pid
}

const ended = (child: ChildProcess, signal: NodeJS.Signals): Promise<void> =>
  new Promise((resolve) => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return resolve()
    child.once('exit', () => resolve())
    child.kill(signal)
  })

/** First politely, so that Motia's own handlers run; then whatever of its process group is left. */
const endGroup = async (child: ChildProcess): Promise<void> => {
  if (child.pid === undefined) return
  const hard = setTimeout(() => child.kill('SIGKILL'), 3_000)
  await ended(child, 'SIGTERM')
  clearTimeout(hard)
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // nothing of the group is left
  }
}
