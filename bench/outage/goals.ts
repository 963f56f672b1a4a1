import type { Harm, Outcome } from './scenario.ts'
import type { Subject } from './subjects.ts'

/** What an outcome of ours missed. What is cached may be gone afterwards, since a miss is right; what is kept may not. */
export const missedIn = (outcome: Outcome, harm: Harm, kind: NonNullable<Subject['ours']>): string[] => {
  const never = Number.POSITIVE_INFINITY
  const most: readonly (readonly [what: string, figure: number, goal: number])[] = [
    ['errors', outcome.errors, 0],
    ['hung', outcome.hung, 0],
    ['stale', outcome.stale, 0],
    ['gone', kind === 'kept' ? outcome.gone : 0, 0],
    ['first call without an answer', Number(!outcome.first.startsWith('answer')), 0],
    ['known ms', outcome.detected ?? never, harm === 'killed' ? 50 : 300],
    ['longest ms', harm === 'frozen' ? outcome.longest : 0, 300],
    ['times slower', outcome.slower ?? never, 2],
    ['up ms', outcome.back ?? never, 2_000],
  ]
  return most.flatMap(([what, figure, goal]) =>
    figure <= goal ? [] : [`${what}: ${figure.toFixed(1)} (goal: ${goal})`],
  )
}
