import { EventEmitter } from 'node:events'
import type { StepChild } from '../../../../src/motia/plugin/session.ts'
import { CALL } from '../../../../src/motia/step/protocol.ts'

/** A step's process as the server sees it, and what Motia's own listener is told by it. */
export const fakeChild = () => {
  const heard: { method?: string; args?: unknown }[] = []
  const replies = new Map<number, (reply: object) => void>()
  const child = Object.assign(new EventEmitter(), {
    ...{ pid: 1, connected: true, exitCode: null as number | null, signalCode: null as string | null },
    send: (message: { id: number }, done: (error: Error | null) => void): boolean => {
      replies.get(message.id)?.(message)
      queueMicrotask(() => done(null))
      return true
    },
  })
  let id = 0
  child.on('message', (message) => {
    if (typeof message === 'object' && message !== null && 'method' in message) heard.push(message)
  })
  return {
    step: child as unknown as StepChild,
    heard,
    say: (message: unknown) => child.emit('message', message),
    ask: (op: string, ...args: unknown[]): Promise<object> =>
      new Promise((resolve) => {
        id += 1
        replies.set(id, resolve)
        child.emit('message', { type: CALL, id, op, args })
      }),
    exit: (code: number | null, signal: string | null = null) => {
      Object.assign(child, { exitCode: code, signalCode: signal })
      child.emit('exit', code, signal)
    },
    disconnect: () => {
      child.connected = false
      child.emit('disconnect')
    },
    listeners: () => child.eventNames().reduce((total, name) => total + child.listenerCount(name), 0),
  }
}
