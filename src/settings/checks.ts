import type { Duration } from '../../types/index.js'
import { nearest } from './did-you-mean.js'
import { parseDuration } from './duration.js'
import { unknownOption } from './names.js'
import { Problem } from './problem.js'

/** Judges one value from outside: the value as we use it, or what is wrong with it. */
export type Check<T> = (value: unknown) => T | Problem
export type Checks<T> = { readonly [K in keyof T]-?: Check<T[K]> }

/** Everything wrong, a line each; the reading goes on, so that one error can name them all. */
export interface Faults {
  add(where: string, what: string): void
  readonly lines: readonly string[]
}

export const collectFaults = (): Faults => {
  const lines: string[] = []
  return { lines, add: (where, what) => void lines.push(where === '' ? what : `${where}: ${what}`) }
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * The known fields of an options object; `undefined` counts as left out. `where` is the path before a field's name,
 * `label` what the whole object is called.
 */
export const readFields = <T extends object>(
  input: unknown,
  checks: Checks<T>,
  where: string,
  faults: Faults,
  label = where,
): Partial<T> => {
  const fields: Partial<T> = {}
  if (input === undefined) return fields
  if (!isObject(input)) {
    faults.add(label, 'write an object')
    return fields
  }
  const known = Object.keys(checks)
  const inside = (name: string): string => (where === '' ? name : `${where}.${name}`)
  for (const name of Object.keys(input)) {
    if (!Object.hasOwn(checks, name)) faults.add(label, unknownOption(name, known))
  }
  for (const name of known as (keyof T & string)[]) {
    const value = Object.hasOwn(input, name) ? input[name] : undefined
    if (value === undefined) continue
    const result = checks[name](value)
    if (Problem.is(result)) faults.add(inside(name), result.problem)
    else fields[name] = result
  }
  return fields
}

export const duration: Check<number> = parseDuration

const atMost =
  (most: Duration, why = ''): Check<number> =>
  (value) => {
    const ms = parseDuration(value)
    const limit = parseDuration(most)
    return typeof ms === 'number' && typeof limit === 'number' && ms > limit
      ? new Problem(`too long: at most '${most}'${why}`)
      : ms
  }

/** What a timer has to wait for; timers overflow at 24.8 days. */
export const timeout = atMost('1d')
/** A connection on which nothing comes for 4 s is given up, and a longer deadline with it. */
export const deadline = atMost('3s', ', because an instance that is silent for longer counts as gone')

export const probeInterval = atMost('1m')

export const durationOrOff: Check<number | false> = (value) => {
  if (value === false) return false
  const ms = parseDuration(value)
  return typeof ms === 'number' ? ms : new Problem(`${ms.problem}; false turns it off`)
}

export const yesOrNo: Check<boolean> = (value) =>
  typeof value === 'boolean' ? value : new Problem('write true or false')

export const oneOf =
  <W extends string>(...words: readonly W[]): Check<W> =>
  (value) => {
    const found = words.find((word) => word === value)
    if (found !== undefined) return found
    const meant = typeof value === 'string' ? nearest(value, words) : undefined
    return new Problem(
      `write ${words.map((word) => `'${word}'`).join(' or ')}${meant === undefined ? '' : ` (did you mean '${meant}'?)`}`,
    )
  }

export const wholeNumber =
  (least: number, most: number): Check<number> =>
  (value) =>
    typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most
      ? value
      : new Problem(`write a whole number from ${least} to ${most}`)

export const orOff =
  <T>(check: Check<T>): Check<T | false> =>
  (value) => {
    if (value === false) return false
    const result = check(value)
    return Problem.is(result) ? new Problem(`${result.problem}, or false to turn it off`) : result
  }
