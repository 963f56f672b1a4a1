import type { ChildProcess } from 'node:child_process'
import type { CacheEngine, Lease } from '../../cache/engine.js'
import { cacheError } from '../../errors.js'
import { REPLY } from '../step/protocol.js'
import { toWire } from '../step/wire-error.js'
import { createGate } from './gate.js'
import { engineOperations, leaseId, leaseOperations, MalformedMessage, options, place, stored } from './operations.js'
import type { CountCall } from './runs/count-calls.js'

/** What the host needs of a child process. */
export type StepChild = Pick<
  ChildProcess,
  'pid' | 'connected' | 'exitCode' | 'signalCode' | 'on' | 'once' | 'off' | 'prependListener' | 'emit'
> & {
  send?(message: object, done: (error: Error | null) => void): boolean
}

/** One step's process: its calls, and the leases it holds. */
export interface Session {
  receive(message: object): void
  stats(): { readonly calls: number; readonly waiters: number; readonly leases: number }
  /** Frees what the step holds; a lease that is granted later is freed at once. */
  releaseAll(): void
  /** The process is gone. */
  end(): void
}

/**
 * So many plain calls of one step run at a time, each until its reply has left: the rest waits outside their deadline,
 * and what lies in memory for a step that doesn't read stays bounded.
 */
const RUNNING_CALLS = 256

export const createSession = (
  child: StepChild,
  engine: () => Promise<CacheEngine>,
  refused: (what: string) => void,
  counted: CountCall = (_op, _args, run) => run,
): Session => {
  const leases = new Map<number, Lease>()
  const waiting = new Set<AbortController>()
  const gate = createGate(RUNNING_CALLS)
  let lastLease = 0
  let ended = false

  const reply = (id: number, outcome: { value?: unknown; error?: unknown }): Promise<void> =>
    new Promise((sent) => {
      // A child that has just ended would make send fail, which Motia would take for a failure of the step.
      if (ended || !child.connected || child.send === undefined) return sent()
      child.send({ type: REPLY, id, ...outcome }, () => sent())
    })

  const serve = async (id: number, run: () => Promise<unknown>): Promise<void> => {
    try {
      const value = await run()
      await reply(id, value === undefined ? {} : { value })
    } catch (error) {
      if (error instanceof MalformedMessage) refused(error.message)
      await reply(id, { error: toWire(error instanceof MalformedMessage ? invalid(error.message) : error) })
    }
  }

  const acquire = async ([at, given]: readonly unknown[]): Promise<unknown> => {
    const where = place(at)
    const asked = options(given)
    const controller = new AbortController()
    waiting.add(controller)
    try {
      const acquired = await (await engine()).acquire(where, asked, controller.signal)
      if (acquired.outcome === 'hit') return { value: stored(acquired.value) }
      const { lease, stale } = acquired
      if (controller.signal.aborted) return lease.release()
      lastLease += 1
      leases.set(lastLease, lease)
      return {
        lease: { id: lastLease, category: lease.category, hardTimeout: lease.hardTimeout },
        ...(stale && { stale: { value: stored(stale.value), patience: stale.patience } }),
      }
    } finally {
      waiting.delete(controller)
    }
  }

  const endLease = async (op: string, args: readonly unknown[]): Promise<unknown> => {
    const id = leaseId(args[0])
    await engine() // after close the leases are gone: that is what the step is told then
    const lease = leases.get(id)
    if (lease === undefined) throw new MalformedMessage('an unknown lease')
    try {
      return await leaseOperations[op]?.(lease, args)
    } finally {
      leases.delete(id)
      lease.release() // does nothing where the operation ended it
    }
  }

  const receive = (message: object): void => {
    const { id, op, args } = message as { id?: unknown; op?: unknown; args?: unknown }
    if (typeof id !== 'number') refused('no id')
    else if (typeof op !== 'string' || !Array.isArray(args)) void serve(id, malformed('no operation or arguments'))
    // What waits for a computation, or ends one, must never queue behind calls that may depend on it.
    else if (op === 'acquire')
      void serve(
        id,
        counted(op, args, () => acquire(args)),
      )
    else if (Object.hasOwn(leaseOperations, op)) {
      void serve(
        id,
        counted(op, args, () => endLease(op, args)),
      )
    }
    // The sign of life that slow calls are waiting for can't wait for them.
    else if (op === 'ping') void serve(id, async () => undefined)
    else gate.run(() => serve(id, plain(op, args)))
  }

  const plain = (op: string, args: readonly unknown[]): (() => Promise<unknown>) => {
    const operation = Object.hasOwn(engineOperations, op) ? engineOperations[op] : undefined
    if (operation === undefined) return malformed('an unknown operation')
    return counted(op, args, async () => operation(await engine(), args))
  }

  const releaseAll = (): void => {
    for (const controller of waiting) controller.abort()
    for (const lease of leases.values()) lease.release()
    leases.clear()
  }

  return {
    receive,
    stats: () => ({ calls: gate.count(), waiters: waiting.size, leases: leases.size }),
    releaseAll,
    end: () => {
      ended = true
      gate.clear()
      releaseAll()
    },
  }
}

const malformed = (what: string) => async (): Promise<never> => {
  throw new MalformedMessage(what)
}

const invalid = (what: string): Error =>
  cacheError('CACHE_INVALID_OPTION', `the server could not read the message: ${what}`, {
    category: 'cache',
    operation: 'channel',
  })
