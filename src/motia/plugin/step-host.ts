import type { CacheEngine } from '../../cache/engine.js'
import { cacheError, isCacheError } from '../../errors.js'
import type { Caller } from '../../metrics/spans.js'
import type { Report } from '../../report.js'
import { CALL } from '../step/protocol.js'
import { countCalls } from './runs/count-calls.js'
import { watchRun } from './runs/watch-run.js'
import type { Run } from './runs/workflows.js'
import { createSession, type Session, type StepChild } from './session.js'
import type { Spawned } from './spawned.js'

export interface StepHost {
  /** Serves the cache calls of a step's process until that process ends. `spawned`: its run is counted, too. */
  attach(child: StepChild, spawned?: Spawned): void
  stats(): HostStats
  /** Frees every lease; from now on each call is answered with CACHE_CLOSED. */
  close(): void
}

/** What steps hold here at this moment. */
export interface HostStats {
  readonly children: readonly number[]
  /** Calls taken up or queued and not answered. */
  readonly calls: number
  /** getOrSet calls that wait for the outcome of somebody else's computation. */
  readonly waiters: number
  readonly leases: number
  /** Messages of our types that were malformed or came after their time, since the start. */
  readonly refused: number
}

export interface StepHostParts {
  /** Opened at the first call. `caller`: the run that makes it, where that is known. */
  readonly engine: (caller?: Caller) => Promise<CacheEngine>
  readonly report: Report
  /** A step begins to run. @default runs aren't counted */
  readonly begun?: (spawned: Spawned) => Run
  /** The category of a key whose call names none. @default 'cache' */
  readonly categoryOf?: (key: string) => string
}

/** The server's side of the channel to the steps. */
export const createStepHost = ({ engine, report, begun, categoryOf = () => 'cache' }: StepHostParts): StepHost => {
  const sessions = new Map<StepChild, Session>()
  let refused = 0
  let closed = false

  const ready = async (caller: Caller | undefined): Promise<CacheEngine> => {
    if (closed) throw cacheError('CACHE_CLOSED', 'the cache was closed', nowhere)
    try {
      return await engine(caller)
    } catch (error) {
      if (isCacheError(error)) throw error
      const reason = error instanceof Error ? error.message : String(error)
      throw cacheError('CACHE_UNAVAILABLE', `the cache could not be opened: ${reason}`, nowhere)
    }
  }
  const refuse = (what: string): void => {
    refused += 1
    if (refused === 1) report.warn(`a message from a step was refused (${what}); later ones are only counted`)
  }

  const attach = (child: StepChild, spawned?: Spawned): void => {
    if (sessions.has(child)) return
    const run = spawned && begun?.(spawned)
    if (run !== undefined) watchRun(child, run)
    const session = createSession(child, () => ready(run), refuse, run && countCalls(run, categoryOf))
    sessions.set(child, session)

    const onMessage = (message: unknown): void => {
      if (typeof message === 'object' && message !== null && 'type' in message && message.type === CALL) {
        session.receive(message)
      }
    }
    const onEnd = (): void => {
      child.off('removeListener', onRemoved)
      child.off('message', onMessage)
      child.off('exit', onEnd)
      child.off('disconnect', onEnd)
      sessions.delete(child)
      session.end()
    }
    // When a handler has failed Motia removes all listeners of the child and then kills it: ours has to see its end.
    const onRemoved = (_event: string | symbol, listener: unknown): void => {
      if (listener === onEnd) queueMicrotask(watch)
    }
    const watch = (): void => {
      if (!sessions.has(child)) return
      child.off('removeListener', onRemoved)
      if (child.exitCode !== null || child.signalCode !== null) {
        onEnd()
        return
      }
      child.off('disconnect', onEnd)
      child.off('exit', onEnd)
      child.on('disconnect', onEnd)
      child.on('exit', onEnd)
      child.on('removeListener', onRemoved)
    }
    child.on('message', onMessage)
    watch()
  }

  return {
    attach,
    stats: () => {
      const all = [...sessions.values()].map((session) => session.stats())
      const sum = (name: 'calls' | 'waiters' | 'leases'): number => all.reduce((total, one) => total + one[name], 0)
      return {
        children: [...sessions.keys()].flatMap(({ pid }) => pid ?? []),
        calls: sum('calls'),
        waiters: sum('waiters'),
        leases: sum('leases'),
        refused,
      }
    },
    close: () => {
      closed = true
      for (const session of sessions.values()) session.releaseAll()
    },
  }
}

const nowhere = { category: 'cache', operation: 'open' }
