import { Problem } from './problem.js'

const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const shape = /^\d+(?:\.\d+)?(?:ms|[smhd])$/
const longest = 365 * 86_400_000
const examples = "write milliseconds as a number, or '250ms' '30s' '10m' '6h' '7d'"

/**
 * A duration in whole ms, 1 ms to 365 days: a number of milliseconds, or '250ms' '30s' '10m' '6h' '7d'.
 * Runs on every write with a ttl, so the right inputs take the short way.
 */
export const parseDuration = (input: unknown): number | Problem => {
  if (typeof input === 'number') return isDuration(input) ? input : outOfBounds(input, `${input}`)
  if (typeof input !== 'string') return new Problem(`${kindOf(input)} is not a duration: ${examples}`)
  if (!shape.test(input)) return new Problem(unreadable(input))
  const amount = Number.parseFloat(input)
  const factor = factorOf(input)
  // 2.3 * 1000 is 2299.9999…; dividing back tells such noise from a real fraction of a millisecond.
  const rounded = Math.round(amount * factor)
  const ms = rounded / factor === amount ? rounded : amount * factor
  return isDuration(ms) ? ms : outOfBounds(ms, printable(input) ? `'${input}'` : 'it')
}

const factorOf = (text: string): number => {
  const unit = text.slice(text.endsWith('ms') ? -2 : -1)
  return units[unit] ?? Number.NaN
}

const isDuration = (ms: number): boolean => ms >= 1 && ms <= longest && Number.isInteger(ms)

const outOfBounds = (ms: number, shown: string): Problem => {
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
