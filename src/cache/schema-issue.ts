import type { StandardSchemaV1 } from '@standard-schema/spec'
import { pathText } from '../codec/value-path.js'

/**
 * Where a value doesn't match its schema, and what was expected there if the library says so in a word of our own list:
 * "at items[1].price: expected number". An issue's message is never used, because it may quote the value (valibot's do),
 * and so may any text in it that isn't from a fixed list.
 */
export const issueText = (issue: StandardSchemaV1.Issue | undefined): string => {
  const expected = issue === undefined ? undefined : expectation(issue)
  return expected === undefined ? placeName(issue?.path) : `${placeName(issue?.path)}: ${expected}`
}

const placeName = (path: StandardSchemaV1.Issue['path']): string => {
  if (path === undefined || path.length === 0) return 'at the value itself'
  const steps = path.map((segment) => (typeof segment === 'object' ? segment.key : segment))
  return `at ${pathText(steps.map((step) => (typeof step === 'symbol' ? { label: 'a symbol' } : step)))}`
}

const types: ReadonlySet<string> = new Set(
  `string number int integer bigint boolean date array tuple object record map set null undefined never nan
   function symbol file url`.split(/\s+/),
)

const words = (text: string, ...codes: string[]): [code: string, text: string][] => codes.map((code) => [code, text])

/** By zod's codes and valibot's types. */
const problems: ReadonlyMap<string, string> = new Map([
  ...words('too small, or too short', 'too_small', 'min_length', 'min_value', 'min_size', 'non_empty'),
  ...words('too large, or too long', 'too_big', 'max_length', 'max_value', 'max_size'),
  ...words(
    'not in the format it should have',
    'invalid_format',
    'regex',
    'email',
    'url',
    'uuid',
    'iso_date',
    'iso_timestamp',
  ),
  ...words('none of the allowed values', 'invalid_value', 'picklist', 'enum', 'literal'),
  ...words('none of the allowed shapes', 'invalid_union', 'union', 'variant'),
  ...words('it has a field that the schema does not know', 'unrecognized_keys'),
  ...words('not a multiple of what it should be', 'not_multiple_of', 'multiple_of'),
  ...words("refused by a check of the schema's own", 'custom', 'check'),
])

/** Fields that the libraries have besides the standard's `message` and `path`. */
const expectation = (issue: StandardSchemaV1.Issue): string | undefined => {
  try {
    const { expected, code, type } = issue as { expected?: unknown; code?: unknown; type?: unknown }
    // Arktype says 'a number', valibot 'Array'.
    const word = typeof expected === 'string' ? expected.toLowerCase().replace(/^an? /, '') : ''
    if (types.has(word)) return `expected ${word}`
    return [code, type].flatMap((name) => (typeof name === 'string' ? (problems.get(name) ?? []) : []))[0]
  } catch {
    // A getter that throws tells nothing.
    return undefined
  }
}
