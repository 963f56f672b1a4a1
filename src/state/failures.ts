import { type StateErrorCode, stateError } from '../errors.js'
import type { StoreError, StoreErrorKind } from '../instances/store.js'
import type { Report } from '../report.js'

export type HotOperation = 'get' | 'set' | 'delete' | 'getGroup' | 'clear' | 'keys' | 'traceIds' | 'items'

/** Where a call failed. Groups and keys of state may be named, values never. */
export interface HotPlace {
  readonly operation: HotOperation
  readonly group?: unknown
  readonly key?: unknown
}

export interface Failures {
  /** The error of a call that we refuse. */
  refused(place: HotPlace, code: StateErrorCode, reason: string): Error
  /** The error of a call that the store couldn't do. */
  failed(place: HotPlace, error: unknown): Error
}

const QUIET_MS = 10_000

/**
 * Makes the errors of state and logs each before it is thrown: Motia shows an uncaught one with an empty text.
 * One line per code and operation in 10 s, with the number of those that were left out since, so that an outage
 * isn't a line per call.
 */
export const createFailures = (report: Report, now: () => number): Failures => {
  const said = new Map<string, { at: number; leftOut: number }>()

  const make = (place: HotPlace, code: StateErrorCode, reason: string): Error => {
    const error = stateError(code, `${describe(place)}: ${reason}`)
    const topic = `${code} ${place.operation}`
    const last = said.get(topic)
    if (last !== undefined && now() - last.at < QUIET_MS) {
      last.leftOut += 1
      return error
    }
    said.set(topic, { at: now(), leftOut: 0 })
    report.error(`state ${error.message}${last?.leftOut ? ` (and ${last.leftOut} more like it before)` : ''}`)
    return error
  }

  return {
    refused: make,
    failed: (place, error) =>
      isStoreError(error)
        ? make(place, codeOf(error.kind), reasonOf(place, error))
        : make(place, 'STATE_UNAVAILABLE', unexpected(error)),
  }
}

const describe = ({ operation, group, key }: HotPlace): string =>
  [
    operation,
    ...(key === undefined ? [] : [`key ${quoted(key)}`]),
    ...(group === undefined ? [] : [`group ${quoted(group)}`]),
  ].join(' ')

const QUOTED_LENGTH = 80

/** What a caller gave as a key may be anything of any length: only a text is shown, cut, with odd characters escaped. */
export const quoted = (name: unknown): string => {
  if (typeof name !== 'string') return `(${name === null ? 'null' : typeof name})`
  return name.length <= QUOTED_LENGTH ? JSON.stringify(name) : `${JSON.stringify(name.slice(0, QUOTED_LENGTH))}…`
}

/** By shape, not class: the store may come from another copy of the package. */
const isStoreError = (error: unknown): error is StoreError => error instanceof Error && error.name === 'StoreError'

const codeOf = (kind: StoreErrorKind): StateErrorCode => {
  if (kind === 'timeout' || kind === 'busy') return 'STATE_TIMEOUT'
  if (kind === 'unknown') return 'STATE_UNKNOWN'
  if (kind === 'journal') return 'STATE_JOURNAL_FULL'
  if (kind === 'too-large') return 'STATE_TOO_LARGE'
  return 'STATE_UNAVAILABLE'
}

const WRITES: ReadonlySet<HotOperation> = new Set(['set', 'delete', 'clear'])

/** A store's message carries no value, URL or command by contract. */
const reasonOf = ({ operation }: HotPlace, error: StoreError): string =>
  error.applied === 'unknown' && WRITES.has(operation) ? `${error.message}; it may have been written` : error.message

/** Not one of a store's errors, so its text may quote anything: its kind and place in the code are told. */
const unexpected = (error: unknown): string => {
  if (!(error instanceof Error)) return `the store threw a ${typeof error}`
  const frame = error.stack?.split('\n').find((line) => line.trimStart().startsWith('at '))
  return `an unexpected ${error.name} in the store${frame === undefined ? '' : `, ${frame.trim()}`}`
}
