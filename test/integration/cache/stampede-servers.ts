import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { until } from '../../support/until.ts'
import type { Order, Told, Wait } from './stampede-child.ts'

export const SERVERS = 4
export const CALLERS = 250

interface Server {
  readonly child: ChildProcess
  /** Epoch ms of each computation: its begin, and its end if it had one. */
  readonly computed: Map<number, number | undefined>
  ready: boolean
  done: readonly string[] | undefined
}

export interface Servers {
  /** Starts those that are missing, and waits until all of them find their instances so. */
  find(health?: Wait['until']): Promise<void>
  /** All callers of all servers want the same. */
  ask(order?: Partial<Order>): Promise<void>
  /** How often each answer was given, or each error by its code. */
  answered(): Promise<Record<string, number>>
  /** kill -9 of the one that computes. */
  killHolder(): Promise<void>
  computing(): Promise<void>
  /** What was computed since `ask`, also by those that were killed, in the order of their begins. */
  computations(): { readonly began: number; readonly ended: number | undefined }[]
  close(): void
}

const file = fileURLToPath(new URL('./stampede-child.ts', import.meta.url))

/** Servers of one app: processes with the same environment. */
export const createServers = (env: Record<string, string>): Servers => {
  const servers: Server[] = []
  const killed: Server[] = []
  let count = 0

  const open = (): Server => {
    const child = spawn(process.execPath, ['--import', 'tsx', file, JSON.stringify(env)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    const server: Server = { child, computed: new Map(), ready: false, done: undefined }
    child.on('message', (told: Told) => {
      if ('ready' in told) server.ready = true
      else if ('done' in told) server.done = told.done
      else server.computed.set(told.computing.began, told.computing.ended)
    })
    return server
  }
  const allReady = () => until('all servers are ready', () => servers.every(({ ready }) => ready), 40_000)
  const holder = (): Promise<Server> =>
    until('somebody computes', () => servers.find(({ computed }) => computed.size > 0))

  return {
    find: async (health = 'ok') => {
      while (servers.length < SERVERS) servers.push(open())
      await allReady()
      for (const server of servers) {
        server.ready = false
        server.child.send({ until: health })
      }
      await allReady()
    },
    ask: async (order = {}) => {
      killed.length = 0
      const whole: Order = { key: `k${++count}`, category: 'menu', callers: CALLERS, how: 'answer', ms: 300, ...order }
      for (const server of servers) {
        server.done = undefined
        server.computed.clear()
        server.child.send(whole)
      }
    },
    answered: async () => {
      await until('all callers are answered', () => servers.every(({ done }) => done !== undefined), 30_000)
      const counts: Record<string, number> = {}
      for (const answer of servers.flatMap(({ done = [] }) => done)) counts[answer] = (counts[answer] ?? 0) + 1
      return counts
    },
    killHolder: async () => {
      const server = await holder()
      server.child.kill('SIGKILL')
      killed.push(...servers.splice(servers.indexOf(server), 1))
    },
    computing: async () => void (await holder()),
    computations: () =>
      [...servers, ...killed]
        .flatMap(({ computed }) => [...computed].map(([began, ended]) => ({ began, ended })))
        .sort((a, b) => a.began - b.began),
    close: () => {
      for (const { child } of servers) child.kill('SIGKILL')
    },
  }
}
