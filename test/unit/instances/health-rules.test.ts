import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Answer,
  atStart,
  type HealthEvent,
  readable,
  type Standing,
  serving,
  step,
  writable,
} from '../../../src/instances/health-rules.ts'
import type { Fault } from '../../../src/instances/redis-errors.ts'

const fault = (about: Fault['about'], kind: Fault['kind'], text: string = kind): Fault => ({
  kind,
  text,
  about,
  harmless: true,
})
const refused = fault('down', 'unavailable', 'connection refused')
const password: Fault = { ...fault('down', 'configuration', 'wrong password'), slow: true }
const oom = fault('writes', 'full')
const readOnly = fault('writes', 'read-only')
const noRight = fault('call', 'refused')

const ok: HealthEvent = { type: 'probe', ping: 'ok', write: 'ok' }
const ping: HealthEvent = { type: 'probe', ping: 'ok' }
const silent: HealthEvent = { type: 'probe', ping: 'silent', write: 'silent' }
const late: HealthEvent = { type: 'probe', ping: 'late', write: 'late' }
const noWrite: HealthEvent = { type: 'probe', ping: 'ok', write: 'silent' }
const answered: HealthEvent = { type: 'answered' }
const readTimeout: HealthEvent = { type: 'timeout', of: 'reads' }
const writeTimeout: HealthEvent = { type: 'timeout', of: 'writes' }
const silence: HealthEvent = { type: 'silence' }
const readmitted: HealthEvent = { type: 'readmitted' }
const relapsed: HealthEvent = { type: 'relapsed', reason: 'the journal is away' }
const told = (about: Fault): HealthEvent => ({ type: 'fault', fault: about })
const refusing = (about: Fault): HealthEvent => ({ type: 'probe', ping: 'ok', write: about })
const pinged = (about: Fault): HealthEvent => ({ type: 'probe', ping: about, write: about })
const room = (used: number, policy = 'noeviction'): HealthEvent => ({
  type: 'probe',
  ping: 'ok',
  write: 'ok',
  memory: { used, max: 1_000, policy },
})

/** Phase and bits, as short as a table needs: 'up rw', 'up r', 'catching-up w', 'down'. */
const shown = (standing: Standing): string =>
  [
    standing.catchingUp ? 'catching-up' : standing.phase,
    `${readable(standing) ? 'r' : ''}${writable(standing) ? 'w' : ''}`,
  ]
    .join(' ')
    .trim()

/** Events 100 ms apart, unless a number says how long to wait. */
const play = (events: readonly (HealthEvent | number)[], from: Standing = atStart, at = 0) => {
  let standing = from
  let now = at
  const seen: string[] = []
  for (const event of events) {
    if (typeof event === 'number') {
      now += event
      continue
    }
    now += 100
    standing = step(standing, event, now)
    seen.push(shown(standing))
  }
  return { standing, seen, now }
}
const ends = (...events: (HealthEvent | number)[]): string => play(events).seen.at(-1) ?? ''

describe('the first contact', () => {
  it.each([
    ['a call that works', [answered], 'up rw'],
    ['a probe', [ok], 'up rw'],
    ['a refused connection', [told(refused)], 'down'],
    ['a password', [told(password)], 'down'],
    ['silence', [silent], 'down'],
    ['a timeout says nothing yet', [readTimeout], 'starting'],
    ['a server without writes', [refusing(readOnly)], 'up r'],
  ] as const)('%s', (_, events, state) => {
    expect(play(events).seen.at(-1)).toBe(state)
  })
})

describe('going down', () => {
  it.each([
    ['a hard fault: at once', [told(refused)], ['down']],
    ['a hard fault met by the prober', [pinged(refused)], ['down']],
    ['a fault of the write probe that is no refusal of writes', [refusing(refused)], ['down']],
    ['a timeout, and no PING', [readTimeout, silent], ['suspect rw', 'down']],
    ['a timeout, and PING: a slow call', [readTimeout, ping], ['suspect rw', 'up rw']],
    [
      'a timeout, and something was heard',
      [readTimeout, late, late, ping],
      ['suspect rw', 'suspect rw', 'suspect rw', 'up rw'],
    ],
    ['idle: one silence may be a pause, two are not', [silent, silent], ['suspect rw', 'down']],
    ['idle: a pause', [silent, ping], ['suspect rw', 'up rw']],
    ['idle: two pauses', [silent, ping, silent, ping], ['suspect rw', 'up rw', 'suspect rw', 'up rw']],
    ['idle: slow answers', [silent, late, silent, late], Array(4).fill('suspect rw')],
    ['calls wait, and one PING is unanswered: not yet', [silence, silent, ping], ['suspect rw', 'suspect rw', 'up rw']],
    ['calls wait, and two are', [silence, silent, silent], ['suspect rw', 'suspect rw', 'down']],
    [
      'calls wait, one PING is unanswered, then a call: PING decides',
      [silence, silent, writeTimeout, silent],
      ['suspect rw', 'suspect rw', 'suspect rw', 'down'],
    ],
    ['a call waits, its time ends, and no PING', [silence, readTimeout, silent], ['suspect rw', 'suspect rw', 'down']],
    ['a timeout long ago', [readTimeout, ping, silent], ['suspect rw', 'up rw', 'suspect rw']],
    ['a timeout, something heard, no PING', [readTimeout, late, silent], Array(3).fill('suspect rw')],
    [
      'a thousand timeouts',
      [...Array<HealthEvent>(1_000).fill(readTimeout), ok],
      [...Array(1_000).fill('suspect rw'), 'up rw'],
    ],
    ['errors of callers', [told(noRight), pinged(noRight)], ['up rw', 'up rw']],
    ['late answers', [late, late, late], ['up rw', 'up rw', 'up rw']],
  ] as const)('%s', (_, events, states) => {
    expect(play([answered, ...events]).seen.slice(1)).toEqual(states)
  })
})

describe('writes', () => {
  it.each([
    ['a write that timed out, and an answer to both: a slow call', [writeTimeout, ok], ['suspect rw', 'up rw']],
    ['a write that timed out, and a PING alone: not known yet', [writeTimeout, ping], ['suspect rw', 'suspect rw']],
    ['a write that timed out, and only PING answered', [writeTimeout, noWrite], ['suspect rw', 'up r']],
    ['reads are asked about apart', [readTimeout, writeTimeout, noWrite], ['suspect rw', 'suspect rw', 'up r']],
    ['nothing answered', [writeTimeout, silent], ['suspect rw', 'down']],
    ['idle: one unanswered write probe is not enough', [noWrite, ok], ['suspect rw', 'up rw']],
    ['idle: two are', [noWrite, noWrite], ['suspect rw', 'up r']],
    ['read-only: at once', [told(readOnly)], ['up r']],
    ['a full one: at once', [told(oom)], ['up r']],
    ['a disk that is full refuses PING too', [pinged(readOnly)], ['up r']],
    ['two good probes bring them back', [told(readOnly), ok, ok], ['up r', 'up r', 'up rw']],
    ['in a row', [told(readOnly), ok, noWrite, ok], ['up r', 'up r', 'up r', 'up r']],
    ['calls do not', [told(readOnly), answered, answered, answered], ['up r', 'up r', 'up r', 'up r']],
    ['nor PING', [told(readOnly), ping, ping, ping], ['up r', 'up r', 'up r', 'up r']],
    ['a timeout of a write says nothing new', [told(readOnly), writeTimeout], ['up r', 'up r']],
    ['reads can still go', [told(readOnly), readTimeout, silent], ['up r', 'suspect r', 'down']],
    ['refused while it was away', [told(refused), refusing(readOnly), refusing(readOnly)], ['down', 'probing', 'up r']],
    ['unanswered while it was away', [told(refused), noWrite, noWrite], ['down', 'probing', 'up r']],
    [
      'still refused after it was away',
      [told(readOnly), told(refused), ok, ok],
      ['up r', 'down', 'probing', 'probing'],
    ],
  ] as const)('%s', (_, events, states) => {
    expect(play([answered, ...events]).seen.slice(1)).toEqual(states)
  })

  it('a user without a right to the key of the probe: time must tell', () => {
    const blind = refusing(noRight)
    expect(ends(answered, told(readOnly), blind, blind, blind)).toBe('up r')
    expect(ends(answered, told(readOnly), blind, 5_000, blind)).toBe('up rw')
  })
})

describe('a full instance', () => {
  const full = [answered, told(oom)] as const

  it('takes writes again below 85 % of its memory, not as soon as one goes in', () => {
    expect(ends(...full, room(999), room(900), room(850), room(850))).toBe('up r')
    expect(ends(...full, room(999), room(840))).toBe('up rw')
    expect(ends(...full, room(840))).toBe('up r')
  })

  it('or when its limit is gone', () => {
    const unlimited: HealthEvent = { type: 'probe', ping: 'ok', write: 'ok', memory: { used: 9, max: 0, policy: 'x' } }
    expect(ends(...full, unlimited, unlimited)).toBe('up rw')
  })

  it('where memory tells nothing, it takes half a minute', () => {
    for (const event of [ok, room(999, 'volatile-lru')]) {
      expect(ends(...full, event, 29_000, event)).toBe('up r')
      expect(ends(...full, event, 30_000, event)).toBe('up rw')
      expect(ends(...full, event, 29_000, refusing(oom), 1_000, event)).toBe('up r')
    }
    expect(ends(...full, room(999), 90_000, room(999))).toBe('up r')
  })
})

describe('coming back', () => {
  it.each([
    ['two good probes in a row', [ok, ok], ['probing', 'up rw']],
    ['not one', [ok], ['probing']],
    ['not calls', [answered, answered, answered], ['down', 'down', 'down']],
    ['not in a row', [ok, silent, ok], ['probing', 'down', 'probing']],
    ['not if they come late', [ok, late, ok], ['probing', 'down', 'probing']],
    ['a fault in between', [ok, told(refused), ok], ['probing', 'down', 'probing']],
    ['timeouts of calls sent before', [readTimeout, ok, writeTimeout, ok], ['down', 'probing', 'probing', 'up rw']],
    ['after a wrong password too', [told(password), ok, ok], ['down', 'probing', 'up rw']],
  ] as const)('%s', (_, events, states) => {
    expect(play([answered, told(refused), ...events]).seen.slice(2)).toEqual(states)
  })

  it('says what it met last', () => {
    expect(play([answered, told(refused), told(password)]).standing.fault).toBe(password)
    expect(play([answered, told(refused), ok, ok]).standing.fault).toBeUndefined()
  })

  it('each fall within a minute lengthens the wait, and the fourth is the last', () => {
    const back = (standing: Standing, at: number): number => {
      let now = at
      for (let next = standing; ; now += 50) {
        next = step(next, ok, now)
        if (readable(next)) return now - at
      }
    }
    let { standing, now } = play([answered])
    const waits: number[] = []
    for (let i = 0; i < 5; i++) {
      standing = step(standing, told(refused), now)
      const wait = back(standing, now)
      waits.push(wait)
      standing = { ...play([ok], standing, now + wait).standing, phase: 'up' }
      now += wait + 100
    }
    expect(waits.slice(0, 3)).toEqual([50, 500, 1_500])
    expect(waits[3]).toBeGreaterThan(50_000)
    expect(waits[3]).toBeLessThanOrEqual(60_000)
  })

  it('an hour later it is trusted as at first', () => {
    const { standing } = play([answered, told(refused), ok, ok, 100, told(refused), ok, 1_000, ok, ok])
    expect(shown(standing)).toBe('up rw')
    expect(play([told(refused), ok, ok], standing, 3_600_000).seen).toEqual(['down', 'probing', 'up rw'])
  })
})

describe('a supervised instance', () => {
  const supervised: Standing = { ...atStart, supervised: true }
  const after = (...events: (HealthEvent | number)[]): string[] => play(events, supervised).seen
  const back = [answered, told(refused), ok, ok] as const

  it.each([
    ['is up at the first contact', [answered], 'up rw'],
    ['by a probe too', [ok], 'up rw'],
    ['catches up when it was down', [...back], 'catching-up w'],
    ['also if it was so from the start', [told(refused), ok, ok], 'catching-up w'],
    ['until it is readmitted', [...back, readmitted], 'up rw'],
    ['probes and calls do not do that', [...back, ok, answered, ok, ok], 'catching-up w'],
    ['after a relapse it is down', [...back, relapsed], 'down'],
    ['a fault takes it down', [...back, told(refused)], 'down'],
    ['refused writes are noticed', [...back, refusing(readOnly)], 'catching-up'],
    ['and their return', [...back, told(readOnly), ok, 500, ok, ok], 'catching-up w'],
    ['one unanswered PING does not', [...back, silent], 'catching-up w'],
    ['two do', [...back, silent, silent], 'down'],
    ['a call that timed out and one do', [...back, writeTimeout, silent], 'down'],
    ['a call that timed out does not', [...back, writeTimeout, ok], 'catching-up w'],
    ['it has to catch up anew', [...back, told(refused), 500, ok, 500, ok, ok], 'catching-up w'],
    ['who readmits too late is not heard', [...back, told(refused), readmitted], 'down'],
    ['nor who relapses too late', [...back, readmitted, relapsed], 'up rw'],
    ['refused writes alone are nothing to catch up with', [answered, told(readOnly), ok, ok], 'up rw'],
  ] as const)('%s', (_, events, state) => {
    expect(after(...events).at(-1)).toBe(state)
  })

  it('one that is not supervised has nothing to be readmitted to', () => {
    expect(ends(...back, relapsed, readmitted)).toBe('up rw')
  })

  it('says why catching up failed', () => {
    expect(play([...back, relapsed], supervised).standing.fault).toMatchObject({ text: 'the journal is away' })
  })

  it('that turns out to be full by what is brought to it is not left alone for that', () => {
    let { standing, now } = play(back, supervised)
    for (let i = 0; i < 6; i++) {
      standing = step(standing, told(oom), now)
      expect(writable(standing)).toBe(false)
      for (let asked = 0; asked < 3; asked++) {
        now += 1_000
        standing = step(standing, room(10), now)
      }
      expect(shown(standing)).toBe('catching-up w')
    }
  })

  it('is tried again half a second after a relapse, later less often, and after any number of them', () => {
    let { standing, now } = play(back, supervised)
    const waits: number[] = []
    for (let i = 0; i < 10; i++) {
      const from = now
      standing = step(standing, relapsed, now)
      do {
        now += 50
        standing = step(standing, ok, now)
      } while (!standing.catchingUp)
      waits.push(now - from)
    }
    expect(waits).toEqual([500, 500, 500, 500, 1_000, 2_000, 2_000, 2_000, 2_000, 2_000])
    standing = step(standing, readmitted, now)
    standing = play([told(refused)], standing, now + 60_000).standing
    expect(play([ok, ok, relapsed, 300, ok, ok], standing, now + 60_000).seen.at(-1)).toBe('catching-up w')
  })
})

describe('whatever happens', () => {
  const event: fc.Arbitrary<HealthEvent> = fc.oneof(
    { weight: 4, arbitrary: fc.constant(ok) },
    fc.constantFrom(ping, silent, late, noWrite, answered, readTimeout, writeTimeout, silence, room(10), room(990)),
    fc.constantFrom(readmitted, relapsed),
    fc.constantFrom(refused, password, oom, readOnly, noRight).map(told),
    fc.constantFrom(refused, password, oom, readOnly, noRight).map(refusing),
    fc.constantFrom(refused, password, oom, readOnly, noRight).map(pinged),
  )
  const history = fc.array(fc.tuple(fc.oneof(fc.nat(300), fc.nat(3_000), fc.nat(70_000)), event), { maxLength: 400 })
  /** Every step of a history: what was, what happened, what is, and when. */
  const steps = (events: readonly [number, HealthEvent][], supervised = false) => {
    let now = 0
    let before: Standing = { ...atStart, supervised }
    return events.map(([wait, happened]) => {
      now += wait
      const was = before
      before = step(was, happened, now)
      return { was, happened, is: before, at: now }
    })
  }

  it('only probes bring back what was lost, at least two in a row', () => {
    const answer = (given: Answer | undefined, spoilt: Fault['about']): boolean =>
      given === 'ok' || (typeof given === 'object' && given.about !== 'down' && given.about !== spoilt)
    fc.assert(
      fc.property(history, (events) => {
        let pings = 0
        let writes = 0
        for (const { was, happened, is } of steps(events)) {
          if (happened.type === 'probe') {
            pings = answer(happened.ping, 'down') ? pings + 1 : 0
            if (happened.write !== undefined) {
              writes = answer(happened.write, 'writes') && answer(happened.ping, 'writes') ? writes + 1 : 0
            }
          } else if (happened.type === 'fault') {
            if (happened.fault.about === 'down') pings = 0
            if (happened.fault.about !== 'call') writes = 0
          }
          if (was.phase !== 'starting' && !readable(was) && readable(is)) {
            expect(happened.type).toBe('probe')
            expect(pings).toBeGreaterThanOrEqual(2)
          }
          if (was.unwritable && !is.unwritable) {
            expect(happened.type).toBe('probe')
            expect(writes).toBeGreaterThanOrEqual(2)
          }
        }
      }),
    )
  })

  it('is lost four times a minute at most, for reads and for writes', () => {
    fc.assert(
      fc.property(history, fc.boolean(), (events, supervised) => {
        for (const bit of [readable, writable]) {
          const falls = steps(events, supervised).filter(
            ({ was, is, happened }) =>
              bit(was) && !bit(is) && happened.type !== 'relapsed' && !(was.catchingUp && serving(is)),
          )
          falls.forEach(({ at }, i) => {
            const fourthLast = falls[i - 4]
            if (fourthLast !== undefined) expect(at - fourthLast.at).toBeGreaterThan(60_000)
          })
        }
      }),
    )
  })

  it('a supervised one that was down is read after it was readmitted, not before', () => {
    fc.assert(
      fc.property(history, (events) => {
        let wasDown = false
        for (const { happened, is } of steps(events, true)) {
          if (is.phase === 'down') wasDown = true
          if (happened.type === 'readmitted' && readable(is)) wasDown = false
          if (wasDown) expect(readable(is)).toBe(false)
          if (is.catchingUp) expect(writable(is)).toBe(is.unwritable === undefined)
        }
      }),
    )
  })

  it('a hard fault is heeded at once, a refusal of writes too, errors of callers never', () => {
    fc.assert(
      fc.property(history, (events) => {
        const { is } = steps(events).at(-1) ?? { is: atStart }
        expect(step(is, told(refused), 1e9).phase).toBe('down')
        expect(writable(step(is, told(oom), 1e9))).toBe(false)
        expect(step(is, told(noRight), 1e9)).toBe(is)
      }),
    )
  })

  it('good probes always bring it back in the end', () => {
    fc.assert(
      fc.property(history, (events) => {
        let standing = steps(events).at(-1)?.is ?? atStart
        for (let at = 1e9; at < 1e9 + 80_000; at += 250) standing = step(standing, room(10), at)
        expect(shown(standing)).toBe('up rw')
      }),
    )
  })

  it('a server that comes and goes every 300 ms is given up, not followed', () => {
    let standing = play([answered]).standing
    let falls = 0
    for (let at = 1_000; at < 61_000; at += 50) {
      const was = standing
      standing = step(standing, Math.floor(at / 300) % 2 === 0 ? silent : ok, at)
      if (readable(was) && !readable(standing)) falls++
    }
    expect(falls).toBeGreaterThanOrEqual(1)
    expect(falls).toBeLessThanOrEqual(4)
  })
})
