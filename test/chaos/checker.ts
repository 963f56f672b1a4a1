import { type Counts, createCounts, type Told } from './counts.ts'
import { type Call, type Does, type History, scopeOf } from './history.ts'
import { createWrites, type Writes } from './writes.ts'

export interface Violation {
  /** Of design.md's promises; 'errors': what may fail, and how, while instances are away. */
  readonly promise: 1 | 2 | 3 | 4 | 6 | 7 | 'errors'
  readonly text: string
  /** The calls that show it. */
  readonly calls: readonly Call[]
}

export interface CheckOptions {
  /** By scope: kept data may not be lost; cached data may always be absent, never be old. */
  readonly kept: (scope: string) => boolean
  /** By scope: what waits for a kept counter is in each of its numbers; a cached one begins anew in an outage. @default none */
  readonly keptCounter?: (scope: string) => boolean
  /** How many instances were away, or were just brought up to date, at some time of a call. @default none */
  readonly away?: (call: Call) => number
  /** From here on all instances are up and every journal is empty. @default never */
  readonly healedAt?: number
  /** ms by which clocks of two processes may differ: writes closer than this have no order. @default 2 */
  readonly skew?: number
  /** ms that a call may take beyond its deadline and the delay of its event loop. @default 50 */
  readonly slack?: number
  /** Whether a counter's home lost data meanwhile, so that nothing below is wrong. @default never */
  readonly mayShrink?: (key: string) => boolean
  /** Whether what happened around a call explains its error. @default always */
  readonly mayFail?: (call: Call) => boolean
}

/** The promises of design.md that a history can break. [] is what one wants. */
export const check = ({ calls, final }: History, options: CheckOptions): Violation[] => {
  const { kept, healedAt = Number.POSITIVE_INFINITY, skew = 2, slack = 50 } = options
  const { mayShrink = () => false, mayFail = () => true, keptCounter = () => false, away = () => 0 } = options
  const writes = createWrites(calls, skew)
  const counts = createCounts(calls)
  return [
    ...calls.flatMap((call) => overdue(call, slack)),
    ...calls.flatMap((call) => (call.code === undefined || mayFail(call) ? [] : [unexplained(call)])),
    ...calls.flatMap((call) =>
      call.does === 'read' && call.outcome === 'ok' ? judgeRead(call, writes, kept, healedAt) : [],
    ),
    ...calls.flatMap((call) =>
      call.does === 'look' && call.outcome === 'ok' ? judgeLook(call, writes, kept, healedAt) : [],
    ),
    ...calls.flatMap((call) =>
      (call.does === 'count' || call.does === 'add') && call.outcome === 'ok' && call.total !== undefined
        ? judgeTold(call, call.total, counts, { healedAt, keptCounter, mayShrink, away })
        : [],
    ),
    ...[...final].flatMap(([key, value]) =>
      typeof value === 'number'
        ? judgeCounter(key, value, calls, mayShrink(key))
        : judgeFinal(key, value, writes, kept(scopeOf(key))),
    ),
  ]
}

const unexplained = (call: Call): Violation => ({
  promise: 'errors',
  text: `${call.op} ended ${call.outcome} with ${call.code} after ${Math.round(call.ended - call.began)} ms, ${Math.round(call.late)} of them late, which nothing explains: ${call.reason ?? ''}`,
  calls: [call],
})

const overdue = (call: Call, slack: number): Violation[] => {
  // Nobody waited for the end of a call whose process was killed.
  if (call.outcome === 'unknown' && call.code === undefined) return []
  const over = call.ended - call.began - call.limit - call.late
  // A machine that starved this process starved the servers it waited for no less.
  if (over <= Math.max(slack, call.late)) return []
  return [
    {
      promise: 4,
      text: `${call.process}: ${call.op} took ${Math.round(over)} ms more than its ${Math.round(call.limit)} ms`,
      calls: [call],
    },
  ]
}

const judgeRead = (call: Does<'read'>, writes: Writes, kept: CheckOptions['kept'], healedAt: number): Violation[] => {
  const { key, began, ended, value = null } = call
  const healed = began >= healedAt
  const promise = healed ? 3 : 7
  // Before all has healed a process may rely on its own writes only.
  const known = healed ? undefined : call.process
  const newest = writes.newestAcknowledged(key, began, known)

  if (value === null) {
    if (!kept(scopeOf(key)) || newest === undefined) return []
    if (writes.removedSince(key, newest, ended)) return []
    return [{ promise, text: `${key}: absent, though ${shown(newest)} was acknowledged`, calls: [newest, call] }]
  }
  const source = writes.sourceOf(key, value)
  if (source === undefined) return [{ promise, text: `${key}: nobody ever wrote ${value}`, calls: [call] }]
  if (source.outcome === 'failed') return [neverApplied(key, source, call)]
  if (newest === undefined || !writes.replaced(source, newest)) return []
  return [
    {
      promise,
      text: `${key}: ${value}, though ${shown(newest)} was acknowledged since`,
      calls: [source, newest, call],
    },
  ]
}

/** It was told whether something is there. */
const judgeLook = (call: Does<'look'>, writes: Writes, kept: CheckOptions['kept'], healedAt: number): Violation[] => {
  const { key, op, began, ended, found = false } = call
  const healed = began >= healedAt
  const promise = healed ? 3 : 7
  const newest = writes.newestAcknowledged(key, began, healed ? undefined : call.process)
  if (found) {
    if (newest?.does === 'put' || writes.putSince(key, newest, ended)) return []
    const why = newest === undefined ? 'nobody ever wrote it' : `${shown(newest)} was acknowledged since`
    return [{ promise, text: `${key}: ${op} found it, though ${why}`, calls: newest ? [newest, call] : [call] }]
  }
  if (!kept(scopeOf(key)) || newest?.does !== 'put' || writes.removedSince(key, newest, ended)) return []
  return [
    { promise, text: `${key}: ${op} found nothing, though ${shown(newest)} was acknowledged`, calls: [newest, call] },
  ]
}

const judgeFinal = (key: string, value: string | null, writes: Writes, kept: boolean): Violation[] => {
  const newest = writes.newestAcknowledged(key, Number.POSITIVE_INFINITY, undefined)
  if (value === null) {
    if (!kept || newest === undefined || writes.removedSince(key, newest, Number.POSITIVE_INFINITY)) return []
    return [{ promise: 1, text: `${key}: lost, though ${shown(newest)} was acknowledged`, calls: [newest] }]
  }
  const source = writes.sourceOf(key, value)
  if (source === undefined) return [{ promise: 2, text: `${key}: ends as ${value}, which nobody wrote`, calls: [] }]
  if (source.outcome === 'failed') return [neverApplied(key, source)]
  if (newest === undefined || !writes.replaced(source, newest)) return []
  const what = newest.does === 'put' ? 'ends as' : 'came back as'
  return [
    {
      promise: 2,
      text: `${key}: ${what} ${value}, though ${shown(newest)} was acknowledged since`,
      calls: [source, newest],
    },
  ]
}

const neverApplied = (key: string, source: Call, ...calls: Call[]): Violation => ({
  promise: 2,
  text: `${key}: ${shown(source)} is seen, which failed as not applied`,
  calls: [source, ...calls],
})

const judgeCounter = (key: string, value: number, calls: readonly Call[], mayShrink: boolean): Violation[] => {
  const adds = calls.filter((call): call is Does<'add'> => call.does === 'add' && call.key === key)
  const sum = (outcome: Call['outcome']): number =>
    adds.reduce((total, call) => (call.outcome === outcome ? total + call.by : total), 0)
  const acknowledged = sum('ok')
  const most = acknowledged + sum('unknown')
  const unknown = `${acknowledged} acknowledged and ${most - acknowledged} unknown`
  if (value > most) return [{ promise: 6, text: `${key}: counts ${value} with ${unknown}`, calls: [] }]
  if (value < acknowledged && !mayShrink)
    return [{ promise: 1, text: `${key}: counts ${value} with ${unknown}`, calls: [] }]
  return []
}

/** What was told of a counter while calls went on. */
const judgeTold = (
  call: Told,
  total: number,
  counts: Counts,
  {
    healedAt,
    keptCounter,
    mayShrink,
    away,
  }: Required<Pick<CheckOptions, 'healedAt' | 'keptCounter' | 'mayShrink' | 'away'>>,
): Violation[] => {
  const { key, op } = call
  const gone = away(call)
  // Of increments that were being added when their home went away nobody knows which are in, until they are replayed.
  const most = counts.most(call) * (gone > 0 ? 2 : 1)
  // Where what waits is just being replayed a call waits for that, half of its time at most: docs/outages.md says so.
  const waited = call.ended - call.began >= call.limit / 4
  if (total > most && !waited) {
    return [{ promise: 6, text: `${key}: ${op} told ${total}, though only ${most} were ever added`, calls: [call] }]
  }
  const healed = call.began >= healedAt
  if (mayShrink(key) || !(healed || keptCounter(scopeOf(key)))) return []
  // What only an instance that is away holds can't be in it.
  if (gone > 1) return []
  const least = counts.least(call, healed ? 'anybody' : 'own')
  if (total >= least) return []
  const text = `${key}: ${op} told ${total}, though ${least} were acknowledged before`
  return [{ promise: healed ? 3 : 7, text, calls: [call] }]
}

const shown = (call: Call): string => {
  if (call.does === 'put') return call.value
  if (call.does === 'invalidate') return `an invalidation of ${call.tag} by ${call.process}`
  return call.does === 'clear' ? `a clear by ${call.process}` : `a delete by ${call.process}`
}
