import type { StandardSchemaV1 } from '@standard-schema/spec'
import {
  type Check,
  type Checks,
  collectFaults,
  deadline,
  duration,
  durationOrOff,
  type Faults,
  oneOf,
  orOff,
  readFields,
  timeout,
  wholeNumber,
  yesOrNo,
} from './checks.js'
import { Problem } from './problem.js'
import type { CategorySettings } from './settings.js'

/** A category's policy as the app wrote it, checked; what it left out is filled in from the defaults. */
export interface Policy extends Omit<CategorySettings, 'name' | 'keyPrefix' | 'enumerable' | 'standInTtl'> {
  readonly standInTtl: number
  readonly key: string
}

/** The largest value of an entry, and the default of `maxBytes`. */
export const largestValue = 1024 * 1024

const jitter: Check<number> = (value) =>
  typeof value === 'number' && value >= 0 && value <= 0.5
    ? value
    : new Problem('write a share of the ttl from 0 to 0.5 (0.1 is 10 %)')

const schema: Check<StandardSchemaV1> = (value) =>
  isStandardSchema(value) ? value : new Problem('write a Standard Schema (zod 3.24 or later, valibot, arktype)')

const isStandardSchema = (value: unknown): value is StandardSchemaV1 => {
  // arktype's schemas are functions
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false
  const standard = (value as Partial<StandardSchemaV1>)['~standard']
  return standard?.version === 1 && typeof standard.validate === 'function'
}

const deadlineChecks: Checks<{ read: number; write: number }> = { read: deadline, write: deadline }

const deadlines: Check<CategorySettings['deadline']> = (value) => {
  const faults = collectFaults()
  const fields = readFields(value, deadlineChecks, '', faults)
  return faults.lines.length === 0 ? Object.freeze(fields) : new Problem(faults.lines.join('; '))
}

const text: Check<string> = (value) => (typeof value === 'string' ? value : new Problem('write a text'))

const checks: Checks<Policy> = {
  instance: text,
  ttl: duration,
  jitter,
  grace: durationOrOff,
  negativeTtl: durationOrOff,
  mirror: yesOrNo,
  onOutage: oneOf('failover', 'fail-closed', 'drop'),
  standInTtl: duration,
  l1: durationOrOff,
  softTimeout: timeout,
  hardTimeout: timeout,
  deadline: deadlines,
  maxBytes: wholeNumber(1, largestValue),
  compressAbove: orOff(wholeNumber(1, largestValue)),
  codec: oneOf('keyv', 'json'),
  key: text,
  sensitive: yesOrNo,
  events: yesOrNo,
  schema,
}

/** One entry of `categories`, field by field. What two fields say together is judged by `contradictions`. */
export const readPolicy = (input: unknown, where: string, faults: Faults): Partial<Policy> =>
  readFields(input, checks, where, faults)

/** Fields that contradict each other, with the defaults applied; `written`: those that the app set itself. */
export const contradictions = (category: CategorySettings, written: Partial<Policy>): string[] => {
  const found: string[] = []
  for (const field of ['grace', 'negativeTtl'] as const) {
    if (category.codec === 'json' && typeof written[field] === 'number') {
      found.push(`codec 'json' has no place for what ${field} needs; write ${field}: false, or leave codec out`)
    }
  }
  if (category.mirror && category.codec === 'json') {
    found.push(
      "codec 'json' can't be mirrored, because it has no place for a version; write mirror: false, or leave codec out",
    )
  }
  if (category.compressAbove !== false && category.codec === 'json') {
    found.push("codec 'json' is for others to read, so it is never compressed; leave compressAbove or codec out")
  }
  if (category.mirror && category.onOutage === 'drop') {
    found.push(
      "mirror keeps every write and onOutage 'drop' lets them go; choose one (mirror: false, or onOutage: 'failover')",
    )
  }
  if (category.softTimeout > category.hardTimeout) {
    found.push(`softTimeout is longer than hardTimeout (${category.hardTimeout} ms); write a shorter one`)
  }
  return found
}

/** A bare number below a second is nearly always meant as seconds. */
export const ttlDoubt = (name: string, written: unknown): string[] =>
  typeof written === 'number' && written < 1000
    ? [`categories.${name}.ttl: ${written} is ${written} milliseconds; for seconds write '${written}s'`]
    : []
