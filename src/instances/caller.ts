import type { Redis } from 'ioredis'
import type { Connection } from './connection.js'
import type { Deadlines, Intent } from './deadlines.js'
import { createExpiry, type Expiring } from './expiry.js'
import type { Health } from './health.js'
import { type Fault, faultOf, notSent } from './redis-errors.js'
import { StoreError } from './store.js'

/** Sends one round trip's worth of commands. */
export type Send<T> = (redis: Redis) => Promise<T>

/** Some commands of a pipeline worked before or beside the one that failed. */
export class PartlyDone extends Error {
  constructor(readonly reason: unknown) {
    super('partly done')
  }
}

/** Round trips to one instance at a time; further calls wait for their turn, within their deadline. */
const MAX_IN_FLIGHT = 1_000

/** Every call to an instance goes through here: it waits for the connection, has one deadline, and ends. */
export interface Caller {
  /** The form without a promise of its own, for the batch reader. Exactly one of `done` and `failed` is called, once. */
  run<T>(
    connection: Connection,
    intent: Intent,
    timeout: number | undefined,
    send: Send<T>,
    done: (value: T) => void,
    failed: (error: InstanceError) => void,
  ): void
  call<T>(connection: Connection, intent: Intent, timeout: number | undefined, send: Send<T>): Promise<T>
  /** The error for a call that isn't even sent. */
  refuse(kind: 'refused' | 'too-large', text: string): StoreError
}

/** A StoreError that remembers what it was made from, for this folder's own use. */
export class InstanceError extends StoreError {
  constructor(
    readonly fault: Fault,
    store: string,
    applied: 'no' | 'unknown',
  ) {
    super(fault.kind, store, `${store}: ${fault.text}`, applied)
  }
}

export const createCaller = (name: string, deadlines: Deadlines, health: Health): Caller => {
  const expiry = createExpiry()
  let inFlight = 0
  let starting = false
  const queue: (() => void)[] = []

  const leave = (): void => {
    inFlight--
    // A call that fails as it begins leaves at once: it must not begin the next from inside.
    if (starting || queue.length === 0) return
    starting = true
    while (inFlight < MAX_IN_FLIGHT) {
      const begin = queue.shift()
      if (begin === undefined) break
      begin()
    }
    starting = false
  }

  const errorOf = (fault: Fault, intent: Intent, partly: boolean): InstanceError =>
    new InstanceError(fault, name, intent !== 'read' && (partly || !fault.harmless) ? 'unknown' : 'no')

  const run: Caller['run'] = (connection, intent, timeout, send, done, failed) => {
    const limit = timeout ?? deadlines.limit(intent)
    let over = false
    let sentAt = 0
    let again = false
    let counted = false
    let expiring: Expiring | undefined

    const expireIn = (ms: number): void => {
      expiring = {
        endsAt: performance.now() + ms,
        expire: () => {
          if (sentAt !== 0) {
            health.timedOut()
            connection.doubt()
          }
          fail(timeoutFault(limit, sentAt !== 0), false)
        },
      }
      expiry.add(expiring)
    }
    const end = (): void => {
      over = true
      if (counted) leave()
      if (expiring !== undefined) expiry.remove(expiring)
    }
    const fail = (fault: Fault, partly: boolean): void => {
      if (over) return
      end()
      failed(errorOf(fault, intent, partly))
    }
    const start = (redis: Redis): void => {
      if (over) return
      sentAt = performance.now()
      send(redis).then(
        (value) => {
          const trip = performance.now() - sentAt
          // An answer after the deadline shows that the deadline is too short, but an outage is no round trip.
          deadlines.observe(over ? Math.min(trip, limit) : trip)
          health.worked(intent)
          if (over) return
          end()
          done(value)
        },
        (error) => {
          const partly = error instanceof PartlyDone
          const fault = faultOf(partly ? error.reason : error)
          if (fault === notSent && !partly && !again) {
            // Once more, within the same deadline, on the connection that replaces it.
            again = true
            sentAt = 0
            connection.missed()
            connection.wait(start, (reason) => fail(reason, false))
            return
          }
          // What the connection itself suffers it tells on its own; here it is the server's word that counts.
          if (fault.code !== undefined) health.failed(fault)
          fail(fault, partly)
        },
      )
    }

    const begin = (): void => {
      if (over) return
      counted = true
      inFlight++
      const redis = connection.ready()
      if (redis !== undefined) {
        if (expiring === undefined) expireIn(limit)
        start(redis)
        return
      }
      // Waiting for the very first connection has its own, longer limit, unless the caller set one for everything.
      const patient = timeout === undefined && expiring === undefined && connection.opening()
      if (!patient && expiring === undefined) expireIn(limit)
      connection.wait(
        (opened) => {
          if (patient) expireIn(limit)
          start(opened)
        },
        (fault) => fail(fault, false),
      )
    }

    if (inFlight < MAX_IN_FLIGHT) return begin()
    expireIn(limit)
    queue.push(begin)
  }

  return {
    run,
    refuse: (kind, text) => errorOf({ kind, text, about: 'call', harmless: true }, 'write', false),
    call: (connection, intent, timeout, send) =>
      new Promise((resolve, reject) => run(connection, intent, timeout, send, resolve, reject)),
  }
}

const timeoutFault = (limit: number, sent: boolean): Fault => ({
  kind: 'timeout',
  text: `no answer in ${Math.round(limit)} ms`,
  about: 'call',
  harmless: !sent,
})
