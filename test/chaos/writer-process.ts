import { type ChildProcess, spawn } from 'node:child_process'
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Call, now } from './history.ts'
import type { Answer, Line, Question, WriterOptions } from './writer.ts'

/** A process that works on both instances until it is told to stop, or is killed. */
export interface WriterProcess {
  readonly name: string
  readonly dir: string
  running(): boolean
  kill(): Promise<void>
  /** No further calls; resolves when the last has ended. */
  stop(): Promise<void>
  /** Instances that aren't well as it sees them, and all of them in words. */
  well(): Promise<{ unwell: readonly string[]; health: string }>
  /** Writes a key into every category that nobody wrote before; their names. */
  refresh(): Promise<readonly string[]>
  /** Reads every key named in a file. */
  read(file: string): Promise<void>
  /** What it did. What was under way when it was killed has an unknown outcome. */
  history(): Promise<Call[]>
  /** Its end that nobody asked for, and what it leaked. */
  faults(): string[]
}

const script = fileURLToPath(new URL('writer.ts', import.meta.url))

export const startWriter = (
  options: WriterOptions,
  { log, onState }: { log: string; onState: (instance: string, state: string, at: number) => void },
): WriterProcess => {
  const child: ChildProcess = spawn(process.execPath, ['--import', 'tsx', script, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  let killedAt: number | undefined
  let said = ''
  const faults: string[] = []
  const waiting: ((answer: Answer) => boolean)[] = []
  const listen = (chunk: Buffer): void => {
    said = (said + chunk.toString()).slice(-20_000)
    appendFileSync(log, chunk.toString().replace(/^/gm, `${options.name}  `))
    for (const [line] of chunk.toString().matchAll(/LEAKED.*/g)) faults.push(`${options.name}: ${line}`)
  }
  child.stdout?.on('data', listen)
  child.stderr?.on('data', listen)
  const ended = new Promise<void>((resolve) => {
    child.once('close', (code, signal) => {
      if (killedAt === undefined) faults.push(`${options.name} ended with ${code ?? signal}: ${said.slice(-500)}`)
      resolve()
    })
  })
  // What is sent before it listens is lost.
  let listens = (): void => undefined
  const ready = new Promise<void>((resolve) => {
    listens = resolve
  })
  child.on('message', (answer: Answer) => {
    if ('ready' in answer) return listens()
    if ('state' in answer) return onState(answer.instance, answer.state, answer.at)
    const index = waiting.findIndex((takes) => takes(answer))
    if (index >= 0) waiting.splice(index, 1)
  })
  const running = (): boolean => child.exitCode === null && child.signalCode === null
  const ask = <T>(question: Question, take: (answer: Answer) => T | undefined): Promise<T> =>
    new Promise((resolve, reject) => {
      if (!running()) return reject(new Error(`${options.name} has ended: ${said.slice(-500)}`))
      void ended.then(() => reject(new Error(`${options.name} has ended: ${said.slice(-500)}`)))
      waiting.push((answer) => {
        const taken = take(answer)
        if (taken !== undefined) resolve(taken)
        return taken !== undefined
      })
      void ready.then(() => child.send(question, () => undefined))
    })

  return {
    name: options.name,
    dir: options.dir,
    running,
    kill: async () => {
      if (killedAt !== undefined) return ended
      killedAt = now()
      child.kill('SIGKILL')
      await ended
      killedAt = now()
    },
    stop: async () => {
      const { hung } = await ask('stop', (answer) => ('hung' in answer ? answer : undefined))
      faults.push(...hung.map((call) => `${options.name}: ${call}, and never ends`))
    },
    well: () => ask('well', (answer) => ('unwell' in answer ? answer : undefined)),
    refresh: () => ask('refresh', (answer) => ('fresh' in answer ? answer.fresh : undefined)),
    read: (read) => ask({ read }, (answer) => ('read' in answer ? answer : undefined)).then(() => undefined),
    history: () => callsOf(options.history, killedAt),
    faults: () => faults,
  }
}

/** Lines parsed in one go: what runs here besides, such as the wires to the servers, must not stand still. */
const AT_ONCE = 500

const callsOf = async (file: string, killedAt: number | undefined): Promise<Call[]> => {
  if (!existsSync(file)) return []
  const calls: Call[] = []
  const begun = new Map<number, Call>()
  // The last line of a killed process may be cut off.
  for (const [i, text] of readFileSync(file, 'utf8').split('\n').slice(0, -1).entries()) {
    if (i % AT_ONCE === 0) await new Promise(setImmediate)
    const { id, over, call } = JSON.parse(text) as Line
    if (!over) begun.set(id, call)
    else {
      begun.delete(id)
      calls.push(call)
    }
  }
  for (const call of begun.values()) calls.push({ ...call, ended: killedAt ?? now() })
  return calls
}
