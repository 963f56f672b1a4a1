import { type ChildProcess, spawn } from 'node:child_process'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { freePort } from './free-port.ts'
import { findRedisBinary } from './redis-binary.ts'
import { watch } from './watchdog.ts'

export interface RedisOptions {
  /** Path of redis-server or valkey-server. @default the one `findRedisBinary` finds */
  readonly binary?: string
  /** A fixed port; it fails when taken. @default a free one */
  readonly port?: number
  /** Where it keeps its data. Without it nothing is written to disk. */
  readonly dir?: string
  /** Further arguments of redis-server; they win over ours. */
  readonly args?: readonly string[]
}

/** A Redis server of our own on 127.0.0.1. It ends when this process does, however that ends. */
export interface RunningRedis {
  readonly port: number
  readonly pid: number
  /** redis://127.0.0.1:<port> */
  readonly url: string
  /** Ends it and waits; data is saved where it has a dir and save points. Calling it again does nothing. */
  stop(): Promise<void>
  /** Sends a signal and doesn't wait. */
  kill(signal: NodeJS.Signals): void
  /** Resolves when the process has ended, for whatever reason. */
  readonly ended: Promise<void>
}

const START_LIMIT = 15_000
const STOP_LIMIT = 5_000
const PORT_TRIES = 5

/** Starts a server and waits until it answers (also with an error, such as LOADING or NOAUTH). */
export const startRedis = async (options: RedisOptions = {}): Promise<RunningRedis> => {
  const binary = options.binary ?? (await findRedisBinary())
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort())
    const outcome = await launch(binary, port, options)
    if (typeof outcome !== 'string') return outcome
    // Somebody else may take a free port between our look and the server's bind.
    const taken = /address already in use/i.test(outcome)
    if (!taken || options.port !== undefined || attempt === PORT_TRIES) {
      throw new Error(`redis-server did not start on port ${port}: ${outcome}`)
    }
  }
}

const launch = async (binary: string, port: number, options: RedisOptions): Promise<RunningRedis | string> => {
  const persistence = options.dir === undefined ? ['--save', '', '--appendonly', 'no'] : []
  const where = ['--bind', '127.0.0.1', '--port', String(port), '--dir', options.dir ?? tmpdir(), '--daemonize', 'no']
  const child = spawn(binary, [...where, ...persistence, ...(options.args ?? [])], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // A process group of its own: Ctrl-C in the terminal must not end it before those who use it.
    detached: true,
  })
  // From its first moment, since the script may end while the server starts.
  const watchdog = child.pid === undefined ? undefined : watch(child.pid)
  let said = ''
  const listen = (chunk: Buffer): void => {
    said = (said + chunk.toString()).slice(-2000)
  }
  child.stdout.on('data', listen)
  child.stderr.on('data', listen)

  let over = false
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      over = true
      said += error.message
      resolve()
    })
    child.once('close', () => {
      over = true
      resolve()
    })
  })

  void ended.then(() => watchdog?.kill('SIGKILL'))

  const giveUpAt = Date.now() + START_LIMIT
  // Its own word first: on a taken port somebody else's server would answer.
  while (!over && !(/server initialized/i.test(said) && (await answers(port)))) {
    if (Date.now() > giveUpAt) {
      child.kill('SIGKILL')
      await ended
      return `no answer in ${START_LIMIT} ms. ${lastLine(said)}`
    }
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  const { pid } = child
  // `over` changes in a listener, which the compiler can't see.
  if ((over as boolean) || pid === undefined) return lastLine(said)

  detach(child)
  return {
    port,
    pid,
    url: `redis://127.0.0.1:${port}`,
    ended,
    kill: (signal) => {
      if (!over) child.kill(signal)
    },
    stop: async () => {
      if (over) return
      child.kill('SIGTERM')
      child.kill('SIGCONT') // a frozen server hears nothing else
      const hard = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT)
      await ended
      clearTimeout(hard)
    },
  }
}

/** The server must not keep a script alive that is done: `watch` ends it then. */
const detach = (child: ChildProcess): void => {
  child.unref()
  for (const stream of [child.stdout, child.stderr]) {
    if (stream !== null && 'unref' in stream && typeof stream.unref === 'function') stream.unref()
  }
}

/** Whether something on the port speaks Redis: a server that loads or wants a password answers with an error. */
const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port })
    const done = (answer: boolean): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(500, () => done(false))
    socket.once('error', () => done(false))
    socket.once('close', () => done(false))
    socket.once('connect', () => socket.write('PING\r\n'))
    socket.once('data', (data) => done(/^[+-]/.test(data.toString())))
  })

const lastLine = (said: string): string => {
  const lines = said.split('\n').map((line) => line.trim())
  const telling = lines.filter((line) => /warning|error|fail|can't|could not|bind|address/i.test(line))
  return (telling.length > 0 ? telling : lines)
    .filter((line) => line !== '')
    .slice(-2)
    .join(' ')
}
