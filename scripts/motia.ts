import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { watch } from './watchdog.ts'

export interface RunningMotia {
  /** The port it reports, which is another than asked for when that one is taken. Undefined: it ended before. */
  readonly port: Promise<number | undefined>
  /** Its exit code, 128 + n after signal n. */
  readonly ended: Promise<number>
  /** Ends it and its steps, and waits. Calling it again does nothing. */
  stop(): Promise<void>
}

const STOP_LIMIT = 5_000
/** Somebody outside the group may hold its output open. */
const LAST_WORDS_LIMIT = 1_000
const cli = fileURLToPath(import.meta.resolve('motia/cli'))

/** `motia dev` for the app in the current folder, on 127.0.0.1. Its output goes where ours goes. */
export const startMotia = (port: number, env: NodeJS.ProcessEnv): RunningMotia => {
  const child = spawn(process.execPath, [cli, 'dev', '--host', '127.0.0.1', '--port', String(port)], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    // A process group of its own: Ctrl-C reaches us alone, so that Motia ends before its Redis; and its steps can be
    // ended with it.
    detached: true,
  })
  child.stdout.pipe(process.stdout, { end: false })
  child.stderr.pipe(process.stderr, { end: false })

  const { pid } = child
  const watchdog = pid === undefined ? undefined : watch(-pid)
  const endGroup = (): void => {
    watchdog?.kill('SIGKILL')
    if (pid === undefined) return
    try {
      process.kill(-pid, 'SIGKILL')
    } catch (error) {
      // ESRCH: nothing of the group is left, which is what we want.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      endGroup()
      const done = (): void => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]))
      child.once('close', done) // its last words have been passed on
      setTimeout(done, LAST_WORDS_LIMIT)
    })
  })
  const reported = new Promise<number>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      // Its last line at start, so that what we print comes after it.
      const found = /Open http:\/\/\S+?:(\d+)\S* to open workbench/.exec(stripVTControlCharacters(line))?.[1]
      if (found !== undefined) resolve(Number(found))
    })
  })

  return {
    port: Promise.race([reported, ended.then(() => undefined)]),
    ended,
    stop: async () => {
      const hard = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT)
      child.kill('SIGTERM')
      await ended
      clearTimeout(hard)
    },
  }
}
