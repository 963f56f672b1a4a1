import { spawn } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { fileURLToPath } from 'node:url'

/** Everything `findRedisBinary` looks at or does, so that every system can be tried in a test. */
export interface FinderIo {
  readonly platform: NodeJS.Platform
  /** Which installer this Linux has. */
  readonly packages: 'apt-get' | 'dnf' | undefined
  readonly root: boolean
  /** Somebody sits at a terminal who can answer a question. */
  readonly interactive: boolean
  /** The path of a program on PATH. */
  onPath(program: string): string | undefined
  /** The path of a binary that redis-memory-server fetched earlier. */
  downloaded(): string | undefined
  /** Lets redis-memory-server fetch and build one. */
  download(): Promise<string>
  /** Rejects unless the program ends with 0. */
  run(program: string, args: readonly string[]): Promise<void>
  ask(question: string): Promise<boolean>
  say(line: string): void
}

const PROGRAMS = ['redis-server', 'valkey-server']

/**
 * The path of a Redis server: from PATH, else installed in the way that suits the system. At a terminal nothing is
 * installed without a yes. Rejects with one sentence that names the command to run.
 */
export const findRedisBinary = async (io: FinderIo = systemIo): Promise<string> => {
  const found = installed(io) ?? io.downloaded()
  if (found !== undefined) return found

  const apt = io.packages === 'apt-get' && io.root
  if (io.interactive) {
    const how = apt ? 'Install it with apt-get' : 'Download and build one for this project (about a minute)'
    if (!(await io.ask(`No redis-server or valkey-server on PATH. ${how}? [y/N] `))) throw new Error(adviceFor(io))
  }
  const reasons: string[] = []
  if (apt) {
    try {
      io.say('No redis-server on PATH: installing it with apt-get')
      await io.run('apt-get', ['update', '-qq'])
      await io.run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'redis-server'])
      const path = installed(io)
      if (path !== undefined) return path
      reasons.push('apt-get installed no redis-server')
    } catch (error) {
      reasons.push(messageOf(error))
    }
  }
  try {
    io.say('No redis-server on PATH: letting redis-memory-server fetch one')
    return await io.download()
  } catch (error) {
    reasons.push(messageOf(error))
  }
  throw new Error(`${adviceFor(io)} (${reasons.join('; ')})`)
}

const installed = (io: FinderIo): string | undefined => {
  for (const program of PROGRAMS) {
    const path = io.onPath(program)
    if (path !== undefined) return path
  }
  return undefined
}

const adviceFor = (io: FinderIo): string => {
  if (io.platform === 'win32')
    return 'No Redis found: start it inside WSL, or install Memurai, and put its URL in .env.'
  return `No Redis found: install it with \`${commandFor(io)}\` and start again.`
}

const commandFor = (io: FinderIo): string => {
  if (io.platform === 'darwin') return 'brew install redis'
  const sudo = io.root ? '' : 'sudo '
  if (io.packages === 'dnf') return `${sudo}dnf install redis`
  if (io.packages === 'apt-get') return `${sudo}apt-get install redis-server`
  return 'your package manager (redis or valkey)'
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const CACHE = fileURLToPath(new URL('../node_modules/.cache/redis-memory-server', import.meta.url))

const onPath = (program: string): string | undefined => {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    if (folder === '') continue
    const path = join(folder, program)
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {
      // Not in this folder: look in the next.
    }
  }
  return undefined
}

const systemIo: FinderIo = {
  platform: process.platform,
  packages: existsSync('/etc/debian_version') ? 'apt-get' : onPath('dnf') === undefined ? undefined : 'dnf',
  root: process.getuid?.() === 0,
  interactive: process.stdin.isTTY === true && process.stdout.isTTY === true && !process.env.CI,
  onPath,
  downloaded: () => {
    const path = join(CACHE, 'stable', 'redis-server')
    return existsSync(path) ? path : undefined
  },
  download: async () => {
    // Without this its download doesn't check the certificate of the server it gets the source from.
    process.env.npm_config_strict_ssl ??= 'true'
    const { RedisBinary } = await import('redis-memory-server')
    return RedisBinary.getPath({ downloadDir: CACHE, version: 'stable' })
  },
  run: (program, args) =>
    new Promise((resolve, reject) => {
      const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
      const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'], env })
      child.once('error', reject)
      child.once('close', (code) => {
        if (code === 0) resolve()
        else reject(new Error(`${program} ${args[0] ?? ''} ended with ${code ?? 'a signal'}`))
      })
    }),
  ask: async (question) => {
    const terminal = createInterface({ input: process.stdin, output: process.stdout })
    try {
      return /^y(es)?$/i.test((await terminal.question(question)).trim())
    } finally {
      terminal.close()
    }
  },
  say: (line) => console.log(line),
}
