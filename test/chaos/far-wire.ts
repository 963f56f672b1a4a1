import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { ProxyMode } from '../support/tcp-proxy.ts'

/**
 * A wire in a process of its own. One in this process stands still whenever this does, so that what it delays or drips
 * comes later than it says, and the server behind it seems silent.
 */
export interface FarWire {
  readonly url: string
  /** Resolves when it holds. */
  mode(mode: ProxyMode): Promise<void>
  /** Where new connections lead. */
  retarget(port: number): Promise<void>
  close(): Promise<void>
}

export type ToWire = { readonly mode: ProxyMode } | { readonly retarget: number }
/** The answer to its start, then to each of what it is told, in order. */
export interface FromWire {
  readonly url: string
}

const script = fileURLToPath(new URL('wire-process.ts', import.meta.url))

export const startFarWire = async (port: number): Promise<FarWire> => {
  const child: ChildProcess = spawn(process.execPath, ['--import', 'tsx', script, `${port}`], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const waiting: ((answer: FromWire) => void)[] = []
  child.on('message', (answer: FromWire) => waiting.shift()?.(answer))
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
  })
  const answer = (): Promise<FromWire> =>
    new Promise((resolve, reject) => {
      waiting.push(resolve)
      void ended.then(() => reject(new Error('the wire has ended')))
    })
  const tell = async (what: ToWire): Promise<void> => {
    const answered = answer()
    child.send(what)
    await answered
  }
  const { url } = await answer()
  return {
    url,
    mode: (mode) => tell({ mode }),
    retarget: (target) => tell({ retarget: target }),
    close: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}
