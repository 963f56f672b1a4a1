import type { Intent } from './deadlines.js'
import { atStart, type HealthEvent, readable, type Standing, serving, step, writable } from './health-rules.js'
import { createPace } from './pace.js'
import { type Fault, textFor } from './redis-errors.js'
import type { ServerFacts } from './server-facts.js'
import type { StoreHealth } from './store.js'

export interface Health {
  /** Why a call can't be taken now: it must not wait, and not be sent. */
  refusal(intent: Intent): Fault | undefined
  /** A call succeeded. `at`: when its answer came. @default performance.now() */
  worked(intent: Intent, at?: number): void
  /** A call, or the connection itself, failed. */
  failed(fault: Fault): void
  /** A call had no answer by its deadline. */
  timedOut(intent: Intent): void
  connected(): void
  learned(facts: ServerFacts): void
  apply(event: HealthEvent): void
  standing(): Standing
  /** How many calls were answered so far, and how many writes of them worked. */
  answers(): number
  writes(): number
  /** When the last of them was (performance.now()); 0 before the first. */
  answeredAt(): number
  wroteAt(): number
  /** How long the prober waited for an answer, in ms. `theirs`: without the time in which this process stood still. */
  tripped(ms: number, theirs: number): void
  /** Median of those, or undefined before the first. */
  latency(): number | undefined
  /** As cheap as a field. Nothing speaks against what was never asked. */
  readable(): boolean
  writable(): boolean
  slow(): boolean
  snapshot(): StoreHealth
  /** Down, whatever happens, for `ms`. 0: no longer. */
  drill(ms: number): void
  /** Calls are refused from now on, and nothing is told any more. */
  close(): void
}

export interface HealthOptions {
  /** The instance's name. */
  readonly name: string
  /** Hears once of each change of its state, of what it can serve, and of its pace, however many calls fail. */
  onState(health: StoreHealth): void
  /** Its calls are followed by somebody who brings it what it missed: it comes back as catching-up. */
  readonly supervised?: boolean | undefined
  /** The prober has something else to ask. */
  onChange(before: Standing): void
  /** A write was answered. */
  onWrote(): void
  /** Until the prober knows it: ms. */
  latency(): number | undefined
  /** ms a call may take. */
  deadline(intent: Intent): number
}

/** What is known about one instance. The rules decide; here it is kept, told and made cheap to ask for. */
export const createHealth = (options: HealthOptions): Health => {
  const { name, onState, onChange, onWrote, latency, deadline, supervised = false } = options
  const pace = createPace()
  let standing: Standing = { ...atStart, supervised }
  let usable = { readable: true, writable: true }
  let drilling: NodeJS.Timeout | undefined
  let since = Date.now()
  let checkedAt = since
  let facts: ServerFacts = {}
  let answers = 0
  let writes = 0
  let answeredAt = 0
  let wroteAt = 0
  let refused: Fault | undefined
  let refusedWrites: Fault | undefined
  let closed = false
  let told = 'starting'

  const snapshot = (): StoreHealth => {
    const reason = reasonOf(name, standing, slowness())
    const typical = pace.median() ?? latency()
    return {
      state: stateOf(standing),
      since,
      checkedAt,
      readable: readable(standing),
      writable: writable(standing),
      ...(standing.phase === 'starting' ? { untried: true } : {}),
      ...(pace.slow() === undefined ? {} : { slow: true }),
      ...(reason === undefined ? {} : { reason }),
      ...(typical === undefined ? {} : { latency: typical }),
      deadline: { read: Math.round(deadline('read')), write: Math.round(deadline('write')) },
      ...facts,
    }
  }
  const slowness = (): string | undefined => {
    const slow = pace.slow()
    return slow && `it answers in ${Math.round(slow.now)} ms, usually in ${Math.max(1, Math.round(slow.usual))} ms`
  }

  const tell = (): void => {
    const news =
      standing.phase === 'starting'
        ? 'starting'
        : [stateOf(standing), usable.readable, usable.writable, usable.readable && pace.slow() !== undefined].join()
    if (news === told) return
    told = news
    onState(snapshot())
  }

  const apply = (event: HealthEvent): void => {
    if (closed || drilling !== undefined) return
    const before = standing
    standing = step(before, event, performance.now())
    checkedAt = Date.now()
    if (event.type === 'probe' && event.memory !== undefined) facts = { ...facts, memory: event.memory }
    if (standing === before) return
    const untried = standing.phase === 'starting'
    usable = { readable: untried || readable(standing), writable: untried || writable(standing) }
    refused = unsent(standing.phase === 'down' || standing.phase === 'probing' ? standing.fault : undefined)
    refusedWrites = unsent(standing.unwritable)
    if (stateOf(standing) !== stateOf(before)) since = checkedAt
    tell()
    if (standing.phase !== before.phase || standing.unwritable !== before.unwritable) onChange(before)
  }

  return {
    refusal: (intent) => {
      if (refused !== undefined || refusedWrites === undefined || intent === 'read') return refused
      // One that is full still deletes.
      return intent === 'change' && refusedWrites.kind === 'full' ? undefined : refusedWrites
    },
    worked: (intent, at = performance.now()) => {
      answers++
      answeredAt = at
      if (intent === 'write') {
        writes++
        wroteAt = at
        onWrote()
      }
      if (standing.phase === 'starting') apply({ type: 'answered' })
    },
    failed: (fault) => {
      if (fault.code !== undefined) {
        answers++
        answeredAt = performance.now()
      }
      if (fault.about !== 'call') apply({ type: 'fault', fault })
    },
    timedOut: (intent) => apply({ type: 'timeout', of: intent === 'read' ? 'reads' : 'writes' }),
    connected: () => apply({ type: 'answered' }),
    learned: (next) => {
      const runId = facts.server?.runId
      facts = { ...facts, ...next }
      checkedAt = Date.now()
      // So fast that nobody noticed: what it came back with has to be looked at all the same.
      const restarted = runId !== undefined && next.server !== undefined && next.server.runId !== runId
      if (restarted && supervised && serving(standing) && !standing.catchingUp) {
        apply({ type: 'fault', fault: restartedFault })
      }
    },
    apply,
    standing: () => standing,
    answers: () => answers,
    writes: () => writes,
    answeredAt: () => answeredAt,
    wroteAt: () => wroteAt,
    tripped: (ms, theirs) => {
      pace.observe(ms, theirs)
      tell()
    },
    latency: () => pace.median() ?? latency(),
    readable: () => usable.readable,
    writable: () => usable.writable,
    slow: () => pace.slow() !== undefined,
    snapshot,
    drill: (ms) => {
      clearTimeout(drilling)
      drilling = undefined
      if (ms <= 0) return
      apply({ type: 'fault', fault: drillFault(Date.now() + ms) })
      drilling = setTimeout(() => {
        drilling = undefined
      }, ms).unref()
    },
    close: () => {
      closed = true
      clearTimeout(drilling)
      refused = closedFault
    },
  }
}

const closedFault: Fault = { kind: 'closed', text: 'closed', about: 'call', harmless: true }

const restartedFault: Fault = { kind: 'unavailable', text: 'it was restarted', about: 'down', harmless: true }

const drillFault = (until: number): Fault => ({
  kind: 'unavailable',
  text: `drill: treated as gone until ${new Date(until).toISOString()}`,
  about: 'down',
  harmless: true,
})

const stateOf = ({ phase, catchingUp }: Standing): StoreHealth['state'] => {
  if (phase === 'starting') return 'probing'
  return catchingUp ? 'catching-up' : phase
}

const unsent = (fault: Fault | undefined): Fault | undefined => fault && { ...fault, harmless: true }

const reasonOf = (
  name: string,
  { phase, fault, unwritable, catchingUp }: Standing,
  slowness: string | undefined,
): string | undefined => {
  const text = (of: Fault | undefined): string | undefined => of && textFor(name, of)
  switch (phase) {
    case 'starting':
      return 'not connected yet'
    case 'down':
    case 'probing':
      return text(fault)
    case 'suspect':
      return text(unwritable) ?? slowness ?? 'slow to answer'
    case 'up':
      return text(unwritable) ?? (catchingUp ? 'it gets what it missed' : slowness)
  }
}
