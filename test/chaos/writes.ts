import { type Call, type Does, scopeOf } from './history.ts'

export type Write = Does<'put'> | Does<'remove'> | Does<'clear'> | Does<'invalidate'>

/** The writes of a history, so that a hundred thousand reads can be judged by them. */
export interface Writes {
  /** The write that a value came from. */
  sourceOf(key: string, value: string): Write | undefined
  /** Of those acknowledged before `at` (to one process, where it is named) the one that began last. */
  newestAcknowledged(key: string, at: number, process: string | undefined): Write | undefined
  /** `later` came certainly after `earlier`: it had not begun when that one was over. */
  replaced(earlier: Write, later: Write): boolean
  /** Whether a delete, clear or invalidation may have been the last that happened until `until`, given that `newest` did happen. */
  removedSince(key: string, newest: Write, until: number): boolean
  /** Whether a put may have been the last that happened until `until`, given that `newest`, if there is one, did happen. */
  putSince(key: string, newest: Write | undefined, until: number): boolean
}

export const createWrites = (calls: readonly Call[], skew: number): Writes => {
  const byValue = new Map<string, Write>()
  const acknowledged = new Map<string, Write[]>()
  const removals = new Map<string, Write[]>()
  const puts = new Map<string, Write[]>()
  /** By scope, and by scope and tag. */
  const keysOf = new Map<string, Set<string>>()

  for (const call of calls) {
    if (call.does === 'clear' || call.does === 'invalidate') continue
    const scope = scopeOf(call.key)
    const names = call.does === 'put' && call.tag !== undefined ? [scope, `${scope} ${call.tag}`] : [scope]
    for (const name of names) keysOf.set(name, (keysOf.get(name) ?? new Set()).add(call.key))
  }
  const touchedBy = (call: Write): Iterable<string> => {
    if (call.does === 'clear') return keysOf.get(call.scope) ?? []
    return call.does === 'invalidate' ? (keysOf.get(`${call.scope} ${call.tag}`) ?? []) : [call.key]
  }
  const put = (into: Map<string, Write[]>, name: string, write: Write): void => {
    const list = into.get(name)
    if (list === undefined) into.set(name, [write])
    else list.push(write)
  }
  for (const call of calls) {
    if (call.does === 'read' || call.does === 'count' || call.does === 'look' || call.does === 'add') continue
    if (call.does === 'put') byValue.set(`${call.key} ${call.value}`, call)
    for (const key of touchedBy(call)) {
      if (call.outcome !== 'failed') put(call.does === 'put' ? puts : removals, key, call)
      if (call.outcome !== 'ok') continue
      put(acknowledged, key, call)
      put(acknowledged, `${call.process} ${key}`, call)
    }
  }
  const newest = new Map([...acknowledged].map(([name, list]) => [name, newestBy(list)]))
  const removed = new Map([...removals].map(([key, list]) => [key, lastOver(list)]))
  const written = new Map([...puts].map(([key, list]) => [key, lastOver(list)]))

  return {
    sourceOf: (key, value) => byValue.get(`${key} ${value}`),
    newestAcknowledged: (key, at, process) => newest.get(process === undefined ? key : `${process} ${key}`)?.(at),
    replaced: (earlier, later) => later.began > earlier.ended + skew,
    removedSince: (key, { began }, until) => (removed.get(key)?.(until) ?? Number.NEGATIVE_INFINITY) + skew >= began,
    putSince: (key, newest, until) => {
      const over = written.get(key)?.(until)
      return over !== undefined && (newest === undefined || over + skew >= newest.began)
    },
  }
}

/** Answers for a time: of the writes that had ended by then, the one that began last. */
const newestBy = (list: readonly Write[]): ((at: number) => Write | undefined) => {
  let best: Write | undefined
  const steps = [...list]
    .sort((a, b) => a.ended - b.ended)
    .map((write) => {
      if (best === undefined || write.began >= best.began) best = write
      return { at: write.ended, best }
    })
  return (at) => lastBefore(steps, at)?.best
}

/** Answers for a time: of the writes that had begun by then, when the one that ended last did. */
const lastOver = (list: readonly Write[]): ((at: number) => number | undefined) => {
  let over = Number.NEGATIVE_INFINITY
  const steps = [...list]
    .sort((a, b) => a.began - b.began)
    .map((write) => {
      over = Math.max(over, write.ended)
      return { at: write.began, over }
    })
  return (at) => lastBefore(steps, at)?.over
}

const lastBefore = <T extends { readonly at: number }>(steps: readonly T[], at: number): T | undefined => {
  let low = 0
  let high = steps.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((steps[middle]?.at ?? at) <= at) low = middle + 1
    else high = middle
  }
  return steps[low - 1]
}
