import { describe, expect, it } from 'vitest'
import { createFlights, type Flights, type Joined, type JoinOptions, type Turn } from '../../../src/cache/flights.ts'

const patient = (options: Partial<JoinOptions> = {}): JoinOptions => ({
  fresh: false,
  patience: 10_000,
  ...options,
})

const turnOf = (joined: Joined<string>): Turn<string> => {
  if ('turn' in joined) return joined.turn
  throw new Error('expected the turn')
}

/** One caller that enters, joins and leaves. */
const ask = async (flights: Flights<string>, options: Partial<JoinOptions> = {}): Promise<Joined<string>> => {
  const visit = flights.enter('key')
  try {
    return await visit.join(patient(options))
  } finally {
    visit.leave()
  }
}

describe('flights', () => {
  it('gives the turn to the first and the outcome to all others', async () => {
    const flights = createFlights<string>()
    const turn = turnOf(await ask(flights))
    const others = [ask(flights), ask(flights), ask(flights)]
    expect(turn.claim()).toBe(true)
    turn.end({ value: 'made' })
    expect(await Promise.all(others)).toEqual(Array.from({ length: 3 }, () => ({ outcome: { value: 'made' } })))
    expect(flights.size).toBe(0)
  })

  it('shares a failure as the same object', async () => {
    const flights = createFlights<string>()
    const turn = turnOf(await ask(flights))
    const other = ask(flights)
    const error = new Error('own')
    turn.claim()
    turn.end({ error })
    const joined = await other
    expect('outcome' in joined && 'error' in joined.outcome && joined.outcome.error).toBe(error)
    expect(flights.size).toBe(0)
  })

  it('shares an outcome that landed while a caller was still reading', async () => {
    const flights = createFlights<string>()
    const reading = flights.enter('key')
    const turn = turnOf(await ask(flights))
    turn.claim()
    turn.end({ value: 'made' })
    expect(await reading.join(patient())).toEqual({ outcome: { value: 'made' } })
    reading.leave()
    expect(flights.size).toBe(0)
  })

  it('does not share an outcome from before a caller asked', async () => {
    const flights = createFlights<string>()
    const lingering = flights.enter('key')
    const first = turnOf(await ask(flights))
    first.claim()
    first.end({ value: 'old' })
    const second = turnOf(await ask(flights))
    second.pass()
    lingering.leave()
    expect(flights.size).toBe(0)
  })

  it('hands a passed turn to the next, and to nobody twice', async () => {
    const flights = createFlights<string>()
    const turn = turnOf(await ask(flights))
    const [second, third] = [ask(flights), ask(flights)]
    turn.pass()
    turn.pass()
    expect(turn.claim()).toBe(false)
    turn.end({ value: 'too late' }) // the turn is over: without effect
    const next = turnOf(await second)
    next.claim()
    next.end({ value: 'made' })
    expect(await third).toEqual({ outcome: { value: 'made' } })
    expect(flights.size).toBe(0)
  })

  it('ends a claimed turn once, and cannot pass it', async () => {
    const flights = createFlights<string>()
    const turn = turnOf(await ask(flights))
    const other = ask(flights)
    expect(turn.claim()).toBe(true)
    expect(turn.claim()).toBe(false)
    turn.pass()
    turn.end({ value: 'first' })
    turn.end({ value: 'second' })
    expect(await other).toEqual({ outcome: { value: 'first' } })
    expect(flights.size).toBe(0)
  })

  it('fresh: a running computation is waited for, and one of the waiting computes again for all', async () => {
    const flights = createFlights<string>()
    const turn = turnOf(await ask(flights))
    const plain = ask(flights)
    const fresh = [ask(flights, { fresh: true }), ask(flights, { fresh: true })] as const
    turn.claim()
    turn.end({ value: 'old' })
    expect(await plain).toEqual({ outcome: { value: 'old' } })
    const again = turnOf(await fresh[0])
    again.claim()
    again.end({ value: 'new' })
    expect(await fresh[1]).toEqual({ outcome: { value: 'new' } })
    expect(flights.size).toBe(0)
  })

  it('stops waiting when patience ends, and when the caller is gone', async () => {
    const flights = createFlights<string>()
    const turn = turnOf(await ask(flights))
    expect(await ask(flights, { patience: 5 })).toEqual({ late: true })
    expect(await ask(flights, { patience: 0 })).toEqual({ late: true })
    const gone = new AbortController()
    const waiting = ask(flights, { signal: gone.signal })
    gone.abort()
    expect(await waiting).toEqual({ late: true })
    expect(await ask(flights, { signal: gone.signal })).toEqual({ late: true })
    turn.pass()
    expect(flights.size).toBe(0)
  })

  it('waits long where patience is longer than a timer of Node can be', async () => {
    const flights = createFlights<string>()
    const turn = turnOf(await ask(flights))
    const waiting = ask(flights, { patience: 365 * 86_400_000 })
    await new Promise((resolve) => setTimeout(resolve, 10))
    turn.claim()
    turn.end({ value: 'made' })
    expect(await waiting).toEqual({ outcome: { value: 'made' } })
  })

  it('keeps keys apart', async () => {
    const flights = createFlights<string>()
    const visits = ['a', 'b'].map((id) => flights.enter(id))
    const joined = await Promise.all(visits.map((visit) => visit.join(patient())))
    for (const visit of visits) visit.leave()
    expect(joined.every((one) => 'turn' in one)).toBe(true)
    expect(flights.size).toBe(2)
    for (const one of joined) turnOf(one).pass()
    expect(flights.size).toBe(0)
  })

  it('overtaken: who asked before shares the outcome, who asks after the change gets a later one', async () => {
    const flights = createFlights<string>()
    const turn = turnOf(await ask(flights))
    expect(turn.overtaken()).toBe(false)
    const before = ask(flights)
    flights.overtake('key')
    flights.overtake('another')
    const after = [ask(flights), ask(flights)] as const
    flights.overtake('key')
    expect(turn.overtaken()).toBe(true)
    turn.claim()
    turn.end({ value: 'old' })
    expect(await before).toEqual({ outcome: { value: 'old' } })
    const again = turnOf(await after[0])
    expect(again.overtaken()).toBe(false)
    again.claim()
    again.end({ value: 'new' })
    expect(await after[1]).toEqual({ outcome: { value: 'new' } })
    expect(flights.size).toBe(0)
  })

  it('overtaken: an outcome that lands while a later caller reads is not for it', async () => {
    const flights = createFlights<string>()
    const turn = turnOf(await ask(flights))
    const early = flights.enter('key')
    flights.overtakeAll('ke')
    const late = flights.enter('key')
    turn.claim()
    turn.end({ value: 'old' })
    expect(await early.join(patient())).toEqual({ outcome: { value: 'old' } })
    turnOf(await late.join(patient())).pass()
    early.leave()
    late.leave()
    expect(flights.size).toBe(0)
  })
})
