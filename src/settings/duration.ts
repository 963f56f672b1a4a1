import { Problem } from './problem.js'

const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const shape = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/
const longest = 365 * 86_400_000
const examples = "write milliseconds as a number, or '250ms' '30s' '10m' '6h' '7d'"

/**
 * A duration in whole ms, 1 ms to 365 days: a number of milliseconds, or '250ms' '30s' '10m' '6h' '7d'.
 * Runs on every write with a ttl, so the right inputs take the short way.
 */
export const parseDuration = (input: unknown): number | Problem => {
  if (typeof input === 'number') return inBounds(input, `${input}`)
  if (typeof input !== 'string') return new Problem(`${kindOf(input)} is not a duration: ${examples}`)
  const match = shape.exec(input)
  if (match === null) return new Problem(unreadable(input))
  const [, digits, unit] = match
  const amount = Number(digits)
  const factor = units[unit ?? ''] ?? Number.NaN
  const ms = Math.round(amount * factor)
  // 2.3 * 1000 is 2299.9999…; dividing back tells such noise from a real fraction of a millisecond.
  return inBounds(ms / factor === amount ? ms : amount * factor, printable(input) ? `'${input}'` : 'it')
}

const inBounds = (ms: number, shown: string): number | Problem => {
  if (ms >= 1 && ms <= longest && Number.isInteger(ms)) return ms
  if (!Number.isFinite(ms)) return new Problem(`${shown} is not a duration: ${examples}`)
  if (ms > longest) return new Problem(`${shown} is too long: at most '365d'`)
  if (ms < 1) return new Problem(`${shown} is too short: at least 1 (millisecond)`)
  return new Problem(`${shown} is not a whole number of milliseconds`)
}

const unreadable = (input: string): string => {
  if (!printable(input)) return `this text is not a duration: ${examples}`
  if (/^\d+$/.test(input)) return `'${input}' has no unit: write '${input}s', or the number ${input} for milliseconds`
  return `'${input}' is not a duration: ${examples}`
}

/** Only what was plainly meant as a duration is repeated; anything else may be a secret in the wrong place. */
const printable = (input: string): boolean => /^-?[\d.]{1,12} ?[a-zA-Z]{0,12}$/.test(input)

const kindOf = (input: unknown): string => {
  if (input === null) return 'null'
  if (Array.isArray(input)) return 'an array'
  return typeof input === 'boolean' || input === undefined ? `${input}` : `a value of type ${typeof input}`
}
