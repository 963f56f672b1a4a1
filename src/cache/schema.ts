import { isDeepStrictEqual } from 'node:util'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { decodeValue } from '../codec/decode.js'
import { encodeValue } from '../codec/encode.js'
import type { Encoded } from '../codec/payload.js'
import { cacheError, type ErrorPlace } from '../errors.js'
import { issueText } from './schema-issue.js'
import { within } from './within.js'

/**
 * What is to be stored of a value: the schema's output, if a later reader gets an equal value from it. A schema that
 * changes its own output (a transform that can't be applied twice) would answer one thing on a miss and another on
 * the next hit, so it is refused. Rejects with CACHE_SCHEMA, naming the first offending place, never the value.
 */
export const admit = async (
  schema: StandardSchemaV1,
  encoded: Encoded,
  place: ErrorPlace,
  ms: number,
): Promise<Encoded> => {
  const limit = limitOf(place, ms)
  const refuse = (why: string) => cacheError('CACHE_SCHEMA', `the value doesn't match the schema: ${why}`, place)
  const value = await given(encoded, place)
  const checked = await validate(schema, value, limit)
  if ('at' in checked) throw refuse(checked.at)
  // A schema that hands back the very object may have changed it on the way.
  const before = checked.output === value ? await decodeValue(encoded) : value
  if (isSame(checked.output, before)) return encoded
  if (checked.output === undefined) throw refuse('it makes undefined of it, which is never stored')

  const stored = await encodeValue(checked.output, (problem) => refuse(`of its output, ${problem}`))
  const again = await validate(schema, await decodeValue(stored), limit)
  if ('at' in again || !isSame(again.output, await decodeValue(stored)))
    throw refuse(
      `its own output would not validate to an equal value${'at' in again ? ` (${again.at})` : ''}; ` +
        'what is stored is the output, so a transform that works only once belongs in the code that writes',
    )
  return stored
}

/** What a reader gets of a stored value, or where it doesn't match. */
export const view = async (
  schema: StandardSchemaV1,
  encoded: Encoded,
  place: ErrorPlace,
  ms: number,
): Promise<{ readonly encoded: Encoded } | { readonly at: string }> => {
  // Decoding may change `parsed` in place, so the text is taken before.
  const kept: Encoded = encoded.meta === undefined ? encoded : { json: encoded.json, meta: encoded.meta }
  const value = await decodeValue(encoded)
  const checked = await validate(schema, value, limitOf(place, ms))
  if ('at' in checked) return checked
  if (isSame(checked.output, value)) return { encoded: kept }
  if (checked.output === undefined) return { at: 'the value itself' }
  try {
    return { encoded: await encodeValue(checked.output, (problem) => new Error(problem)) }
  } catch {
    return { at: "the value itself (the schema's output can't be stored)" }
  }
}

/** Whether the schema takes any whole number, so that a counter of this category can be read. */
export const takesNumbers = async (
  schema: StandardSchemaV1,
  by: number,
  place: ErrorPlace,
  ms: number,
): Promise<boolean> => {
  const limit = limitOf(place, ms)
  for (const number of [by, 1, 0]) {
    if (!('at' in (await validate(schema, number, limit)))) return true
  }
  return false
}

/** The caller's value. What comes from a step is checked like what lies in Redis. */
const given = async (encoded: Encoded, place: ErrorPlace): Promise<unknown> => {
  try {
    return await decodeValue(encoded)
  } catch (error) {
    throw cacheError('CACHE_INVALID_VALUE', error instanceof Error ? error.message : 'the value is damaged', place)
  }
}

/** What is nested too deep to be compared is as good as changed. */
const isSame = (a: unknown, b: unknown): boolean => {
  try {
    return isDeepStrictEqual(a, b)
  } catch {
    return false
  }
}

/** How long a schema may take in one call, however often it is asked. */
interface Limit {
  readonly place: ErrorPlace
  readonly ms: number
  readonly ends: number
}

const limitOf = (place: ErrorPlace, ms: number): Limit => ({ place, ms, ends: performance.now() + ms })

const tooLate = ({ place, ms }: Limit): Error =>
  cacheError('CACHE_TIMEOUT', `hardTimeout: the category's schema didn't answer within ${Math.ceil(ms)} ms`, place)

const validate = async (
  schema: StandardSchemaV1,
  value: unknown,
  limit: Limit,
): Promise<{ readonly output: unknown } | { readonly at: string }> => {
  let result: StandardSchemaV1.Result<unknown>
  let late: Error | undefined
  const end = (): Error => {
    late = tooLate(limit)
    return late
  }
  try {
    const answer = schema['~standard'].validate(value)
    result = isPending(answer) ? await within(Math.max(1, limit.ends - performance.now()), answer, end) : answer
  } catch (error) {
    if (late !== undefined && error === late) throw late
    // Its message may quote the value.
    return { at: 'the schema itself threw' }
  }
  if (result.issues === undefined) return { output: result.value }
  return { at: issueText(result.issues[0]) }
}

const isPending = <T>(answer: T | PromiseLike<T>): answer is PromiseLike<T> =>
  typeof (answer as { readonly then?: unknown }).then === 'function'
