import type { Redis } from 'ioredis'
import type { Connection } from './connection.js'
import { writeTogether } from './cork.js'
import type { Deadlines, Intent } from './deadlines.js'
import type { Expiring, Expiry } from './expiry.js'
import type { Health } from './health.js'
import { type Fault, faultOf, notSent, textFor } from './redis-errors.js'
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

/** ms without any answer, while calls wait for one, that are worth a question. With its own limit: gone after 0.3 s. */
const SILENCE = 90

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
  /** `send` begins calls that were asked for already: it is called before the next call begins, so that they keep their order. */
  ahead(send: () => void): void
  /** The error of one of several commands sent together; the instance's health hears of it. */
  failure(reason: unknown, intent: Intent): StoreError
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
    super(fault.kind, store, `${store}: ${textFor(store, fault)}`, applied, fault.about !== 'call')
  }
}

/** What the calls to one instance share. */
interface Lane {
  readonly name: string
  readonly deadlines: Deadlines
  readonly health: Health
  readonly expiry: Expiry
  readonly queue: { readonly endsAt: number; begin(): void }[]
  inFlight: number
  starting: boolean
  ahead: (() => void) | undefined
  /** Set while somebody looks whether anything is answered at all. */
  watched: boolean
}

export const createCaller = (name: string, deadlines: Deadlines, health: Health, expiry: Expiry): Caller => {
  const lane: Lane = {
    name,
    deadlines,
    health,
    expiry,
    queue: [],
    inFlight: 0,
    starting: false,
    ahead: undefined,
    watched: false,
  }

  const run: Caller['run'] = (connection, intent, timeout, send, done, failed) => {
    const { ahead } = lane
    lane.ahead = undefined
    ahead?.()
    const call = new Call(lane, connection, intent, timeout, send, done, failed)
    if (lane.inFlight < MAX_IN_FLIGHT) call.begin()
    else call.queue()
  }

  return {
    run,
    ahead: (send) => {
      lane.ahead = send
    },
    failure: (reason, intent) => {
      const fault = faultOf(reason)
      if (fault.code !== undefined) health.failed(fault)
      return errorOf(name, fault, intent, false)
    },
    refuse: (kind, text) => errorOf(name, { kind, text, about: 'call', harmless: true }, 'write', false),
    call: (connection, intent, timeout, send) =>
      new Promise((resolve, reject) => run(connection, intent, timeout, send, resolve, reject)),
  }
}

/** One call, from asking to its end. A class, because the closures instead cost as much as the rest of it. */
class Call<T> implements Expiring {
  /** 0: it has no deadline yet. */
  endsAt = 0
  place = -1
  private readonly limit: number
  private over = false
  private sentAt = 0
  private again = false
  private counted = false
  /** How many calls had been answered when it began to wait for its turn. */
  private queuedAt = -1

  constructor(
    private readonly lane: Lane,
    private readonly connection: Connection,
    private readonly intent: Intent,
    private readonly timeout: number | undefined,
    private readonly send: Send<T>,
    private readonly done: (value: T) => void,
    private readonly failed: (error: InstanceError) => void,
  ) {
    this.limit = timeout ?? lane.deadlines.limit(intent)
  }

  /** Waits for its turn. */
  queue(): void {
    this.expireFrom(performance.now())
    this.queuedAt = this.lane.health.answers()
    this.lane.queue.push(this)
  }

  begin(): void {
    if (this.over) return
    const refused = this.lane.health.refusal(this.intent)
    if (refused !== undefined) {
      this.fail(refused, false)
      return
    }
    this.counted = true
    this.lane.inFlight++
    const { connection } = this
    const redis = connection.ready()
    if (redis !== undefined) {
      this.start(redis)
      return
    }
    // Waiting for the very first connection has its own, longer limit, unless the caller set one for everything.
    const patient = this.timeout === undefined && this.endsAt === 0 && connection.opening()
    if (!patient && this.endsAt === 0) this.expireFrom(performance.now())
    this.waitForConnection()
  }

  expire(): void {
    const sent = this.sentAt !== 0
    if (sent) {
      this.lane.health.timedOut(this.intent)
      this.connection.doubt()
    }
    // Where others were answered meanwhile it is us who asked too much. Another instance mustn't bear that as well.
    const busy = !this.counted && this.lane.health.answers() !== this.queuedAt
    this.fail(busy ? busyFault(this.limit) : timeoutFault(this.limit, sent), false, true)
  }

  private expireFrom(now: number): void {
    this.endsAt = now + this.limit
    this.lane.expiry.add(this)
  }

  private waitForConnection(): void {
    this.connection.wait(
      (redis) => {
        const refused = this.lane.health.refusal(this.intent)
        if (refused === undefined) this.start(redis)
        else this.fail(refused, false)
      },
      // What the connection suffered may have hit other calls in flight; this one was never sent.
      (reason) => this.fail({ ...reason, harmless: true }, false),
    )
  }

  private start(redis: Redis): void {
    if (this.over) return
    const now = performance.now()
    if (this.endsAt === 0) this.expireFrom(now)
    this.sentAt = now
    if (!this.lane.watched) watch(this.lane, now)
    this.lane.deadlines.sent(this)
    if (this.lane.inFlight > 1) writeTogether(redis)
    this.send(redis).then(
      (value) => this.answered(value),
      (error) => this.broke(error),
    )
  }

  private answered(value: T): void {
    const { lane, limit, over } = this
    const now = performance.now()
    const trip = now - this.sentAt
    // An answer after the deadline shows that the deadline is too short, but an outage is no round trip.
    lane.deadlines.ended(this, over ? Math.min(trip, limit) : trip)
    lane.health.worked(this.intent, now)
    if (over) return
    this.end()
    this.done(value)
  }

  private broke(error: unknown): void {
    this.lane.deadlines.ended(this)
    const partly = error instanceof PartlyDone
    const fault = faultOf(partly ? error.reason : error)
    if (fault === notSent && !partly && !this.again) {
      // Once more, within the same deadline, on the connection that replaces it.
      this.again = true
      this.sentAt = 0
      this.connection.missed()
      this.waitForConnection()
      return
    }
    // What the connection itself suffers it tells on its own; here it is the server's word that counts.
    if (fault.code !== undefined) this.lane.health.failed(fault)
    this.fail(fault, partly)
  }

  private fail(fault: Fault, partly: boolean, expired = false): void {
    if (this.over) return
    this.end(expired)
    this.failed(errorOf(this.lane.name, fault, this.intent, partly))
  }

  private end(expired = false): void {
    this.over = true
    if (this.counted) leave(this.lane, expired)
    if (this.endsAt !== 0) this.lane.expiry.remove(this)
  }
}

/** While calls are on their way: a server that says nothing is asked about long before they give up. */
const watch = (lane: Lane, now: number): void => {
  const { expiry, health } = lane
  const heard = health.answers()
  lane.watched = true
  expiry.add({
    endsAt: now + Math.max(SILENCE, (health.latency() ?? 0) * 3),
    expire: () => {
      lane.watched = false
      if (lane.inFlight === 0) return
      if (health.answers() === heard) health.apply({ type: 'silence' })
      watch(lane, performance.now())
    },
  })
}

const leave = (lane: Lane, expired: boolean): void => {
  lane.inFlight--
  // A call that fails as it begins leaves at once: it must not begin the next from inside.
  if (lane.starting || lane.queue.length === 0) return
  lane.starting = true
  while (lane.inFlight < MAX_IN_FLIGHT) {
    const next = lane.queue.shift()
    if (next === undefined) break
    // Of many whose time is over together the first must not have the others sent: they expire where they are.
    if (!expired || next.endsAt > performance.now()) next.begin()
  }
  lane.starting = false
}

const errorOf = (name: string, fault: Fault, intent: Intent, partly: boolean): InstanceError =>
  new InstanceError(fault, name, intent !== 'read' && (partly || !fault.harmless) ? 'unknown' : 'no')

const busyFault = (limit: number): Fault => ({
  kind: 'busy',
  text: `it waited ${Math.round(limit)} ms for its turn behind ${MAX_IN_FLIGHT.toLocaleString('en-US')} calls in flight; send fewer at once, or many keys in one call`,
  about: 'call',
  harmless: true,
})

const timeoutFault = (limit: number, sent: boolean): Fault => ({
  kind: 'timeout',
  text: `no answer in ${Math.round(limit)} ms`,
  about: 'call',
  harmless: !sent,
})
