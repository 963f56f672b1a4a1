import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** What `npm start` leaves in the app's folder while it runs. */
export interface Running {
  readonly pid: number
  /** Undefined until Motia reports it. */
  readonly port?: number
}

const file = (app: string): string => join(app, '.motia', 'start.json')

export const recordRunning = (app: string, running: Running): void => {
  mkdirSync(dirname(file(app)), { recursive: true })
  writeFileSync(file(app), JSON.stringify(running))
}

export const forgetRunning = (app: string): void => rmSync(file(app), { force: true })

/** The `npm start` that runs in this folder now; a record that a killed one left doesn't count. */
export const findRunning = (app: string): Running | undefined => {
  let text: string
  try {
    text = readFileSync(file(app), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const running = parse(text)
  return running !== undefined && isOurs(running.pid) ? running : undefined
}

/** A record that was cut short by a crash is none. */
const parse = (text: string): Running | undefined => {
  try {
    const { pid, port } = JSON.parse(text) as Partial<Running>
    if (typeof pid !== 'number') return undefined
    return typeof port === 'number' ? { pid, port } : { pid }
  } catch {
    return undefined
  }
}

/** Not the pid alone: another program may have it by now. */
const isOurs = (pid: number): boolean => /scripts.start\.ts/.test(commandOf(pid))

/** The command line of a process, '' where there is none. */
export const commandOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    // No such process, or a system without /proc: ask ps.
  }
  const { stdout } = spawnSync('ps', ['-p', String(pid), '-o', 'args='], { encoding: 'utf8' })
  return stdout ?? ''
}
