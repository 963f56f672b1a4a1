import { type Check, deadline, type Faults, oneOf, probeInterval } from './checks.js'
import { Problem } from './problem.js'

/** Environment variables by name; an empty or blank one counts as unset. */
export interface Environment {
  /** Names of all that are set. */
  readonly names: readonly string[]
  text(name: string): string | undefined
  /** A word, a duration …: checked, its problem noted under the variable's name. */
  read<T>(name: string, check: Check<T>, faults: Faults): T | undefined
}

export const environment = (variables: Record<string, string | undefined>): Environment => {
  const text = (name: string): string | undefined => {
    const value = Object.hasOwn(variables, name) ? variables[name] : undefined
    const trimmed = typeof value === 'string' ? value.trim() : ''
    return trimmed === '' ? undefined : trimmed
  }
  return {
    names: Object.keys(variables).filter((name) => text(name) !== undefined),
    text,
    read(name, check, faults) {
      const value = text(name)
      if (value === undefined) return undefined
      const result = check(value)
      if (!Problem.is(result)) return result
      faults.add(name, result.problem)
      return undefined
    },
  }
}

/** '150' is 150 ms here: a variable has no way to be a number. */
const spelledOut = (value: unknown): unknown =>
  typeof value === 'string' && /^\d{1,12}$/.test(value) ? Number(value) : value

export const deadlineText: Check<number> = (value) => deadline(spelledOut(value))

/** How often an idle instance is asked how it is. More often than this would be load for nothing. */
export const probeText: Check<number> = (value) => {
  const ms = probeInterval(spelledOut(value))
  return typeof ms === 'number' && ms < 100 ? new Problem("too short: at least '100ms'") : ms
}

export const onOrOff: Check<boolean> = (value) => {
  const word = oneOf('on', 'off')(value)
  return Problem.is(word) ? new Problem('write on or off') : word === 'on'
}
