import { setImmediate } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import type { Connection } from './connection.js'
import type { Expiry } from './expiry.js'
import type { Health } from './health.js'
import { type HealthEvent, type Standing, serving, silence, writable } from './health-rules.js'
import { type LastLearned, type ProbePlan, planProbe } from './probe-plan.js'
import { ask, lostOf, type Question } from './question.js'
import { type Fault, notSent } from './redis-errors.js'

export interface ProberOptions {
  readonly health: Health
  /** Its own. */
  readonly connection: Connection
  /** The one that calls travel on: an instance is up when they can reach it, whatever the prober reaches. */
  readonly data: Connection
  /** Nobody's key: nothing is ever stored there. */
  readonly key: string
  readonly expiry: Expiry
  /** ms between questions to an idle instance. */
  readonly every: number
  /** ms an answer may take. */
  limit(): number
  /** The calls on their way will hardly be answered: their connections must be begun anew. */
  abandon(): void
  /** ms until the last of them has ended by its own deadline. */
  patience(): number
  /** Hears how long it waited for an answer, ms. `theirs`: without the time in which this process stood still. */
  tripped(ms: number, theirs: number): void
  /** Hears that a write of its own was answered, and went well. */
  wrote(): void
}

/** Asks one instance how it is, for as long as it is used. Its timers keep no process alive. */
export interface Prober {
  /** Again does nothing. */
  start(): void
  /** A connection has come back: ask at once, unless all is well. */
  ask(): void
  /** The standing has changed: what was planned may not fit any more. */
  wake(before: Standing): void
  stop(): void
}

type ProbeEvent = HealthEvent & { readonly type: 'probe' }

/** ms after which an answer isn't waited for any longer. */
const GIVE_UP = 2_000
/** A connection that is lost under a question is found again, or isn't: either is known by then. */
const ATTEMPTS = 3

export const createProber = (options: ProberOptions): Prober => {
  const { health, connection, data, key, expiry, every } = options
  let state: 'new' | 'waiting' | 'asking' | 'stopped' = 'new'
  let timer: NodeJS.Timeout | undefined
  let givingUp: NodeJS.Timeout | undefined
  let late: Question | undefined
  let last: LastLearned = { answer: 0, write: 0, memory: 0 }

  const plan = (): ProbePlan => planProbe(health.standing(), last, performance.now(), every, Math.random)
  const wait = (): void => {
    clearTimeout(timer)
    if (state === 'stopped') return
    state = 'waiting'
    const next = plan()
    timer = setTimeout(() => begin(next), next.wait).unref()
  }

  /** Calls that were answered since have proved as much as a question would. */
  const heedCalls = (): void => {
    const [answer, write] = [health.answeredAt(), health.wroteAt()]
    if (answer > last.answer) {
      // From then, and not from now: one that froze right after it would be asked a second later.
      last = { ...last, answer }
      health.apply({ type: 'answered' })
    }
    if (write > last.write) last = { ...last, write }
  }

  const begin = (planned: ProbePlan): void => {
    heedCalls()
    if (writable(health.standing()) && health.standing().phase === 'up') {
      planned = plan()
      if (planned.wait > 1) {
        wait()
        return
      }
    }
    clearTimeout(timer)
    state = 'asking'
    void round(planned)
  }

  const askAgain = (): void => {
    if (state === 'waiting' && health.standing().phase !== 'up') begin(plan())
  }

  /** Never rejects: all that can fail is an answer. */
  const round = async (planned: ProbePlan): Promise<void> => {
    const event = await inquire(planned)
    if (state === 'stopped') return
    const before = health.standing()
    health.apply(event)
    if (event.write === 'ok') options.wrote()
    const after = health.standing()
    const now = performance.now()
    last = {
      answer: now,
      write: event.write === undefined ? last.write : now,
      memory: planned.memory ? now : last.memory,
    }
    const writesHang = event.write === 'silent' && writable(before) && !writable(after)
    // A write that hangs holds up the reads behind it.
    if (writesHang) {
      clearTimeout(givingUp)
      options.abandon()
    }
    wait()
  }

  const giveUpLater = (): void => {
    clearTimeout(givingUp)
    givingUp = setTimeout(() => {
      if (!serving(health.standing())) options.abandon()
    }, options.patience()).unref()
  }

  const inquire = async (planned: ProbePlan): Promise<ProbeEvent> => {
    if (late !== undefined) {
      // PING alone may come late. A write that hangs holds up whatever is behind it: only another connection can tell.
      const hung: Question = late
      const patient = hung.ping === undefined && performance.now() - hung.askedAt < GIVE_UP
      const event = patient ? await hear(hung, false) : undefined
      if (event !== undefined && lostOf(hung) === undefined) return event
      if (!patient) hung.line.renew()
      late = undefined
    }
    for (let attempt = 1; ; attempt++) {
      const reached = await reach()
      if ('fault' in reached) return { type: 'probe', ping: reached.fault }
      const limit = options.limit()
      // An outage is no round trip: one late answer must not make us patient.
      const question = ask(reached.redis, reached.line, planned, key, (ms, theirs) =>
        options.tripped(Math.min(ms, limit), Math.min(theirs, limit)),
      )
      const event = await hear(question, true)
      const lost = lostOf(question)
      if (lost === undefined || attempt === ATTEMPTS) return event
      if (lost === notSent) reached.line.missed()
      await setImmediate()
    }
  }

  /**
   * Its own connection. That of the calls only where there is none: the first is still being opened, or the instance has
   * no room for one more, but serves those it has. A write that hangs there would hold up the reads behind it.
   */
  const reach = (): Promise<{ redis: Redis; line: Connection } | { fault: Fault }> =>
    new Promise((resolve) => {
      const others = connection.opening() ? data.ready() : undefined
      if (others !== undefined) {
        resolve({ redis: others, line: data })
        return
      }
      connection.wait(
        (redis) => resolve({ redis, line: connection }),
        (fault) => {
          const redis = data.ready()
          resolve(redis === undefined ? { fault } : { redis, line: data })
        },
      )
    })

  /** What is known of a question when it is answered, or when that has lasted too long. */
  const hear = async (question: Question, first: boolean): Promise<ProbeEvent> => {
    const [answersBefore, writesBefore] = [health.answers(), health.writes()]
    // Two evidences are there then, and a third is only waited for because answers may have become slow.
    const share = !first && health.standing().unanswered.call ? 1 / 2 : 1
    const inTime = await within(question.done, options.limit() * share)
    late = inTime ? undefined : question
    if (!inTime && first) void question.done.then(() => answeredLate(question))
    const { ping, write, memory, asksWrite } = question
    const noPing = health.answers() === answersBefore ? 'silent' : 'late'
    const noWrite = health.writes() === writesBefore ? 'silent' : 'late'
    const unreachable = !serving(health.standing()) && data.ready() === undefined
    return {
      type: 'probe',
      ping: ping === undefined ? noPing : ping === 'ok' && (!first || unreachable) ? 'late' : ping,
      write: asksWrite ? (write ?? noWrite) : undefined,
      memory,
    }
  }

  /** A server that thaws says so itself. */
  const answeredLate = (question: Question): void => {
    if (late !== question || state !== 'waiting') return
    late = undefined
    askAgain()
  }

  /** By the guarded timer: an answer that this process was too busy to read isn't missing. */
  const within = (done: Promise<unknown>, ms: number): Promise<boolean> =>
    new Promise((resolve) => {
      const expiring = { endsAt: performance.now() + ms, expire: () => resolve(false) }
      expiry.add(expiring)
      void done.then(() => {
        expiry.remove(expiring)
        resolve(true)
      })
    })

  return {
    start: () => {
      if (state !== 'new') return
      // Opened now: an instance that freezes later answers no new connections.
      connection.wait(
        () => undefined,
        () => undefined,
      )
      const now = performance.now()
      last = { answer: now, write: now, memory: now }
      wait()
    },
    ask: askAgain,
    wake: (before) => {
      const { fault } = health.standing()
      // Where nothing is answered, nothing is lost by waiting.
      if (serving(before) && fault === silence) giveUpLater()
      if (state !== 'waiting') return
      if (health.standing().phase === 'suspect') begin(plan())
      else wait()
    },
    stop: () => {
      state = 'stopped'
      clearTimeout(timer)
      clearTimeout(givingUp)
    },
  }
}
