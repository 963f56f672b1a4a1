import type { Intent } from './deadlines.js'
import type { Fault } from './redis-errors.js'
import type { ServerFacts } from './server-facts.js'
import type { StoreHealth } from './store.js'

export interface Health {
  /** A call succeeded. */
  worked(intent: Intent): void
  /** A call, or the connection itself, failed. */
  failed(fault: Fault): void
  timedOut(): void
  connected(): void
  learned(facts: ServerFacts): void
  snapshot(latency: number | undefined): StoreHealth
}

/**
 * What is known about one instance; it asks nothing itself. `onState` hears of each change between up and down, and
 * of writability, once, however many calls fail.
 */
export const createHealth = (onState: (health: StoreHealth) => void): Health => {
  let state: 'probing' | 'up' | 'suspect' | 'down' = 'probing'
  let since = Date.now()
  let checkedAt = since
  let reason: string | undefined = 'not connected yet'
  let writable = true
  let facts: ServerFacts = {}

  const snapshot = (latency?: number): StoreHealth => ({
    state,
    since,
    checkedAt,
    readable: state === 'up' || state === 'suspect',
    writable: writable && (state === 'up' || state === 'suspect'),
    ...(reason === undefined ? {} : { reason }),
    ...(latency === undefined ? {} : { latency }),
    ...facts,
  })

  const enter = (next: 'up' | 'suspect' | 'down', why: string | undefined): void => {
    checkedAt = Date.now()
    if (state === next) {
      // More may have been learned about the same trouble.
      if (next === 'down') reason = why
      return
    }
    const silent = state === 'suspect' ? next === 'up' : next === 'suspect'
    state = next
    reason = why
    since = checkedAt
    if (!silent) onState(snapshot())
  }

  const setWritable = (next: boolean, why: string | undefined): void => {
    if (writable === next) return
    writable = next
    if (state === 'down') return
    reason = why
    onState(snapshot())
  }

  return {
    worked: (intent) => {
      if (state !== 'up') enter('up', writable ? undefined : reason)
      if (intent === 'write' && !writable) setWritable(true, undefined)
    },
    failed: (fault) => {
      if (fault.about === 'down') enter('down', fault.text)
      else if (fault.about === 'writes') setWritable(false, fault.text)
    },
    timedOut: () => {
      if (state === 'up') enter('suspect', 'slow to answer')
    },
    connected: () => {
      writable = true
      enter('up', undefined)
    },
    learned: (next) => {
      facts = next
      checkedAt = Date.now()
    },
    snapshot,
  }
}
