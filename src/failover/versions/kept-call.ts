import type { Script } from '../../instances/scripts.js'
import { lowestAt, type Version } from './clock.js'
import { MARKER_LIFE } from './merge.js'

/** What `runScript` sends, and what its reply means. Calls are built when they are sent: lives count from now. */
export interface KeptCall<T> {
  readonly script: Script
  readonly keys: readonly string[]
  readonly args: readonly (string | number)[]
  answer(reply: unknown): T
}

/** `refused`: what stood in the way. Witness it, take a new version, send once more. */
export type PutAnswer<T> = { readonly done: T } | { readonly refused: Version }
/** met-foreign: neither is there now; whoever reads it next finds nothing. */
export type MergeAnswer = 'taken' | 'dropped' | 'met-foreign'

/** A margin for the clocks of others; a marker that stays too long does no harm. */
const SWEEP_MARGIN = 10 * 60_000
/** Fields or items of one page. */
export const PAGE = 500

export const putAnswer = (reply: unknown): PutAnswer<undefined> =>
  typeof reply === 'string' ? { refused: reply } : { done: undefined }
export const mergeAnswer = (reply: unknown): MergeAnswer =>
  reply === 2 ? 'met-foreign' : reply === 1 ? 'taken' : 'dropped'
/** The next cursor, undefined at the end. */
export const pageAnswer = (reply: unknown): string | undefined => (reply === '0' ? undefined : String(reply))
export const wholeMs = (life: number): number => Math.max(1, Math.ceil(life))
/** Of markers that have ended by then, the versions are below. */
export const lowestKept = (now: number): Version => lowestAt(now - MARKER_LIFE - SWEEP_MARGIN)
