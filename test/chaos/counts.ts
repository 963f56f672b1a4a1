import type { Call, Does } from './history.ts'

/** A number that somebody was told: by a read, or by an increment. */
export type Told = Does<'count'> | Does<'add'>

/** The increments of a history, so that each number that was told can be judged by them. */
export interface Counts {
  /** What may have been added to the counter by the time the call ended: each increment once. */
  most(call: Told): number
  /** What was acknowledged before it began: to anybody, or to its own process only. */
  least(call: Told, whose: 'anybody' | 'own'): number
}

export const createCounts = (calls: readonly Call[]): Counts => {
  const begun = new Map<string, Does<'add'>[]>()
  const acknowledged = new Map<string, Does<'add'>[]>()
  const put = (into: Map<string, Does<'add'>[]>, name: string, add: Does<'add'>): void => {
    const list = into.get(name)
    if (list === undefined) into.set(name, [add])
    else list.push(add)
  }
  for (const call of calls) {
    if (call.does !== 'add' || call.outcome === 'failed') continue
    put(begun, call.key, call)
    if (call.outcome !== 'ok') continue
    put(acknowledged, call.key, call)
    put(acknowledged, `${call.process} ${call.key}`, call)
  }
  const sums = (of: Map<string, Does<'add'>[]>, at: (add: Call) => number) =>
    new Map([...of].map(([name, list]) => [name, sumBy(list, at)]))
  const started = sums(begun, ({ began }) => began)
  const ended = sums(acknowledged, (add) => add.ended)

  return {
    most: ({ key, ended: at }) => started.get(key)?.(at) ?? 0,
    least: ({ key, process, began, ...call }, whose) => {
      const before = ended.get(whose === 'own' ? `${process} ${key}` : key)?.(began) ?? 0
      return call.does === 'add' ? before + call.by : before
    },
  }
}

/** Answers for a time: what those until then add up to. */
const sumBy = (list: readonly Does<'add'>[], at: (add: Call) => number): ((time: number) => number) => {
  let sum = 0
  const steps = list
    .toSorted((a, b) => at(a) - at(b))
    .map((add) => {
      sum += add.by
      return { at: at(add), sum }
    })
  return (time) => {
    let low = 0
    let high = steps.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((steps[middle]?.at ?? time) <= time) low = middle + 1
      else high = middle
    }
    return steps[low - 1]?.sum ?? 0
  }
}
