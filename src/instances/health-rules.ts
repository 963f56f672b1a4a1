import { type Streak, settled } from './hysteresis.js'
import type { Fault } from './redis-errors.js'
import type { StoreHealth } from './store.js'

export type Memory = NonNullable<StoreHealth['memory']>

/**
 * What became of one question of the prober. late: not in time, but the server did say something meanwhile.
 * silent: nothing was heard from it. A Fault: its refusal, or why it can't be reached.
 */
export type Answer = 'ok' | 'late' | 'silent' | Fault

export type HealthEvent =
  /** A call worked, or the first connection stands. */
  | { readonly type: 'answered' }
  /** A call had no answer by its deadline. */
  | { readonly type: 'timeout'; readonly of: 'reads' | 'writes' }
  /** Calls wait, and nothing was answered for a while. */
  | { readonly type: 'silence' }
  /** What a call was told, or what the connection met. */
  | { readonly type: 'fault'; readonly fault: Fault }
  /** One round of the prober; `write` where it asked that too, `memory` where it learned it. */
  | {
      readonly type: 'probe'
      readonly ping: Answer
      readonly write?: Answer | undefined
      readonly memory?: Memory | undefined
    }
  /** What it missed was brought to it. */
  | { readonly type: 'readmitted' }
  /** That failed, for reasons that need not be the server's. */
  | { readonly type: 'relapsed'; readonly reason: string }

/** Where an instance stands. A plain value: `step` makes the next one. Times are ms of one monotonic clock. */
export interface Standing {
  /** starting: nothing is known yet, and nothing speaks against it. probing: it answers again, and isn't trusted yet. */
  readonly phase: 'starting' | 'up' | 'suspect' | 'down' | 'probing'
  /** Whether somebody brings it what it missed while it was down. */
  readonly supervised: boolean
  /** It is up or suspect, and that isn't done yet. */
  readonly catchingUp: boolean
  /** How often that failed since it last went well, and until when it isn't tried again. */
  readonly relapses: { readonly count: number; readonly until: number }
  /** Why it went down. */
  readonly fault: Fault | undefined
  /** Why it takes no writes; also known while it is down. */
  readonly unwritable: Fault | undefined
  /** What went unanswered and is being asked about. */
  readonly suspected: { readonly reads: boolean; readonly writes: boolean }
  /** Since the prober last heard from it: a call ended unanswered; a question of the prober did. */
  readonly unanswered: { readonly call: boolean; readonly ping: boolean }
  /** Good answers in a row since it was last in trouble. */
  readonly pings: Streak
  readonly writes: Streak
  /** When `readable` or `writable` was lost, within the last minute. */
  readonly falls: readonly number[]
}

/** The share of maxmemory below which an instance that was full takes writes again. */
const LOW_WATER = 0.85
/** ms of unbroken good writes that must do where the memory can't tell: hidden, or evicted at the limit anyway. */
const UNTOLD_ROOM = 30_000
/** The same where our user may not write the probe's key, so that its answer says little. */
const UNTOLD_WRITES = 5_000

const nothing: Streak = { count: 0, from: 0 }
const trusted = { reads: false, writes: false }
const heard = { call: false, ping: false }

export const silence: Fault = { kind: 'unavailable', text: 'it does not answer', about: 'down', harmless: true }
const writesUnanswered: Fault = {
  kind: 'unavailable',
  text: 'it answers, but takes no writes',
  about: 'writes',
  harmless: true,
}

export const atStart: Standing = {
  phase: 'starting',
  supervised: false,
  catchingUp: false,
  relapses: { count: 0, until: 0 },
  fault: undefined,
  unwritable: undefined,
  suspected: trusted,
  unanswered: heard,
  pings: nothing,
  writes: nothing,
  falls: [],
}

/** Calls are sent to it. */
export const serving = ({ phase }: Standing): boolean => phase === 'up' || phase === 'suspect'
export const readable = (standing: Standing): boolean => serving(standing) && !standing.catchingUp
export const writable = (standing: Standing): boolean => serving(standing) && standing.unwritable === undefined

/**
 * What follows from an event. Only probes bring back what was lost, and for the reads of a supervised instance its
 * supervisor; nothing but the events and `now` matters.
 */
export const step = (standing: Standing, event: HealthEvent, now: number): Standing => {
  const next = judge(standing, event, now)
  // To catch up in vain is no fall of the server's, which would be left alone for a minute after the fourth. Nor is it if
  // it turns out to be full by what is brought to it.
  if (event.type === 'relapsed' || (standing.catchingUp && serving(next))) return next
  const fell = (readable(standing) && !readable(next)) || (writable(standing) && !writable(next))
  return fell ? { ...next, falls: [...standing.falls.filter((at) => now - at <= 60_000), now] } : next
}

const judge = (standing: Standing, event: HealthEvent, now: number): Standing => {
  switch (event.type) {
    case 'answered':
      return standing.phase === 'starting' ? admit(standing) : standing
    case 'timeout':
      return unanswered(standing, event.of)
    case 'silence':
      return suspect(standing, 'reads')
    case 'fault':
      if (event.fault.about === 'down') return down(standing, event.fault)
      return event.fault.about === 'writes' ? refusesWrites(standing, event.fault) : standing
    case 'probe':
      return probed(standing, event, now)
    case 'readmitted':
      return standing.catchingUp ? { ...standing, catchingUp: false, relapses: atStart.relapses } : standing
    case 'relapsed':
      return standing.catchingUp ? relapsed(standing, event.reason, now) : standing
  }
}

/** The one way in. What it missed is brought here before it is read, unless it never was away. */
const admit = (standing: Standing): Standing => ({
  ...standing,
  phase: 'up',
  catchingUp: standing.supervised && standing.phase !== 'starting',
  fault: undefined,
  suspected: trusted,
  unanswered: heard,
})

const down = (standing: Standing, fault: Fault): Standing => ({
  ...standing,
  phase: 'down',
  catchingUp: false,
  fault,
  suspected: trusted,
  unanswered: heard,
  pings: nothing,
  writes: nothing,
})

/** ms until it is tried again: twice a second at first, then less often. */
const pauseAfter = (relapses: number): number => Math.min(2_000, 500 * 2 ** Math.max(0, relapses - 4))

const relapsed = (standing: Standing, reason: string, now: number): Standing => {
  const count = standing.relapses.count + 1
  return {
    ...down(standing, { kind: 'unavailable', text: reason, about: 'down', harmless: true }),
    relapses: { count, until: now + pauseAfter(count) },
  }
}

const refusesWrites = (standing: Standing, fault: Fault): Standing => ({
  ...relieved(standing, 'writes'),
  unwritable: fault,
  writes: nothing,
})

/** A timeout alone moves nothing: the prober decides. */
const unanswered = (standing: Standing, of: 'reads' | 'writes'): Standing => {
  const next = suspect(standing, of)
  if (next.phase !== 'suspect' || !next.suspected[of] || next.unanswered.call) return next
  return { ...next, unanswered: { ...next.unanswered, call: true } }
}

const suspect = (standing: Standing, of: 'reads' | 'writes'): Standing => {
  if (!serving(standing) || standing.suspected[of] || (of === 'writes' && standing.unwritable)) return standing
  return { ...standing, phase: 'suspect', suspected: { ...standing.suspected, [of]: true } }
}

const relieved = (standing: Standing, of: 'reads' | 'writes'): Standing => {
  if (standing.phase !== 'suspect') return standing
  const suspected = { ...standing.suspected, [of]: false }
  return { ...standing, suspected, phase: suspected.reads || suspected.writes ? 'suspect' : 'up' }
}

const isFault = (answer: Answer | undefined): answer is Fault => typeof answer === 'object'

const probed = (standing: Standing, event: HealthEvent & { type: 'probe' }, now: number): Standing => {
  const { ping, memory } = event
  // A server that can't save refuses even PING, as it refuses writes.
  const write = isFault(ping) && ping.about === 'writes' ? ping : event.write
  for (const answer of [ping, write]) if (isFault(answer) && answer.about === 'down') return down(standing, answer)
  if (ping === 'silent') return silent(standing)
  // It is slow, or we are: no reason to trust it, none to drop it.
  if (ping === 'late') return distrusted(standing)
  // Any other refusal is an answer too.
  const pinged: Standing = { ...relieved(standing, 'reads'), unanswered: heard, pings: longer(standing.pings, now) }
  const judged = write === undefined ? pinged : writeProbed(pinged, write, memory, now)
  if (serving(judged)) return judged
  if (judged.phase === 'starting') return admit(judged)
  const mayEnter = settled(judged.pings, judged.falls, now) && now >= judged.relapses.until
  return mayEnter ? admit(judged) : { ...judged, phase: 'probing' }
}

/**
 * One question unanswered may be the other end of a short pause, or a host with too much to do; two in a row, or one
 * after a call that timed out, are not.
 */
const silent = (standing: Standing): Standing => {
  if (standing.phase === 'starting') return down(standing, silence)
  if (!serving(standing)) return distrusted(standing)
  const { call, ping } = standing.unanswered
  if (call || ping) return down(standing, silence)
  return { ...suspect(distrusted(standing), 'reads'), unanswered: { call: false, ping: true } }
}

const distrusted = (standing: Standing): Standing => ({
  ...standing,
  phase: standing.phase === 'probing' ? 'down' : standing.phase,
  unanswered: heard,
  pings: nothing,
  writes: nothing,
})

const writeProbed = (standing: Standing, write: Answer, memory: Memory | undefined, now: number): Standing => {
  if (isFault(write) && write.about === 'writes') return refusesWrites(standing, write)
  if (write === 'late') return { ...standing, writes: nothing }
  if (write === 'silent') {
    if (standing.unwritable !== undefined) return { ...standing, writes: nothing }
    return standing.phase === 'up' ? suspect(standing, 'writes') : refusesWrites(standing, writesUnanswered)
  }
  const writes = longer(standing.writes, now)
  const next: Standing = { ...relieved(standing, 'writes'), writes }
  return takesWrites(next, memory, isFault(write), now) ? { ...next, unwritable: undefined } : next
}

const takesWrites = (standing: Standing, memory: Memory | undefined, untold: boolean, now: number): boolean => {
  const { writes, falls, unwritable } = standing
  if (!settled(writes, falls, now)) return false
  if (untold && now - writes.from < UNTOLD_WRITES) return false
  if (unwritable?.kind !== 'full') return true
  if (memory !== undefined && (memory.max === 0 || memory.used < memory.max * LOW_WATER)) return true
  return memory?.policy !== 'noeviction' && now - writes.from >= UNTOLD_ROOM
}

const longer = (streak: Streak, now: number): Streak =>
  streak.count === 0 ? { count: 1, from: now } : { count: streak.count + 1, from: streak.from }
