import type { TiersEvents } from '../types/index.js'
import type { Report } from './report.js'

export interface TiersEmitter {
  on<E extends keyof TiersEvents>(event: E, listener: (...payload: TiersEvents[E]) => void): () => void
  emit<E extends keyof TiersEvents>(event: E, ...payload: TiersEvents[E]): void
}

type Listeners = { [E in keyof TiersEvents]: Set<(...payload: TiersEvents[E]) => void> }

/**
 * Listeners hear of an event in the next turn of the event loop, in the order in which it was emitted: whoever emits may
 * hold a lock. One that throws is reported and never stops the others.
 */
export const createEmitter = (report: Report): TiersEmitter => {
  const listeners: Listeners = {
    'instance:state': new Set(),
    failover: new Set(),
    failback: new Set(),
    'journal:full': new Set(),
  }
  return {
    on(event, listener) {
      if (!Object.hasOwn(listeners, event))
        throw new TypeError(`there is no event '${event}'; there are ${Object.keys(listeners).join(', ')}`)
      listeners[event].add(listener)
      return () => void listeners[event].delete(listener)
    },
    emit(event, ...payload) {
      // Who listens now.
      const hearing = [...listeners[event]]
      if (hearing.length === 0) return
      setImmediate(() => {
        for (const listener of hearing) {
          try {
            listener(...payload)
          } catch (error) {
            report.error(`a listener for '${event}' threw: ${error instanceof Error ? error.message : String(error)}`)
          }
        }
      })
    },
  }
}
