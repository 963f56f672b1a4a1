import { isCacheError, stateErrorCode } from '../../src/errors.ts'
import { type Call, isRead, now } from './history.ts'
import type { LoopWatch } from './loop-watch.ts'

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never
/** What a call does, without how it went. */
export type Intended = DistributiveOmit<Call, 'process' | 'began' | 'ended' | 'outcome' | 'code' | 'reason' | 'late'>
/** What a call did. */
export type Done = Intended & { readonly outcome?: 'unknown' }

export interface Recorder {
  /**
   * Makes a call and notes what became of it; never rejects. `intended` is noted first where the process may be killed
   * meanwhile. `read` turns the answer into what was read; `otherwise` is what a call that fails may have done besides.
   */
  run<T>(
    intended: Intended,
    call: () => Promise<T>,
    read?: (answer: T) => readonly Done[],
    otherwise?: Done,
  ): Promise<void>
  /** What has begun and not ended, with its age in ms. */
  underWay(): string[]
}

export interface RecorderOptions {
  readonly process: string
  readonly loop: LoopWatch
  /** Once before each write (ended: undefined) and once after each call. `id` is the same for both. */
  note(call: Call, id: number, over: boolean): void
}

export const createRecorder = ({ process, loop, note }: RecorderOptions): Recorder => {
  let ids = 0
  const begun = new Map<number, { readonly intended: Intended; readonly at: number }>()
  return {
    underWay: () =>
      [...begun.values()].map(({ intended, at }) => {
        const what = 'key' in intended ? intended.key : intended.scope
        return `${intended.op} ${what} for ${Math.round(now() - at)} ms`
      }),

    async run(intended, call, read, otherwise) {
      const id = ids++
      const base = { process, began: now() }
      // What is only read is of no consequence to anybody else.
      const first = otherwise ?? (isRead(intended) ? undefined : intended)
      if (first !== undefined) note({ ...first, ...base, ended: base.began, outcome: 'unknown', late: 0 }, id, false)
      begun.set(id, { intended, at: base.began })
      const lateBefore = loop.total()
      const end = (): { ended: number; late: number } => ({ ended: now(), late: loop.total() - lateBefore })
      try {
        const answer = await call()
        const how = { ...base, ...end(), outcome: 'ok' } as const
        for (const each of read === undefined ? [intended] : read(answer)) note({ ...how, ...each }, id, true)
      } catch (error) {
        // Nothing is wrong with that call, so it has no code.
        if (otherwise !== undefined) note({ outcome: 'unknown', ...otherwise, ...base, ...end() }, id, true)
        note({ ...intended, ...base, ...end(), ...outcomeOf(error) }, id, true)
      } finally {
        begun.delete(id)
      }
    },
  }
}

const outcomeOf = (error: unknown): Pick<Call, 'outcome' | 'code' | 'reason'> => {
  const reason = error instanceof Error ? error.message : String(error)
  if (isCacheError(error)) return { outcome: error.applied === 'no' ? 'failed' : 'unknown', code: error.code, reason }
  // Motia's contract has no room for whether it was applied.
  return { outcome: 'unknown', code: stateErrorCode(error) ?? 'UNEXPECTED', reason }
}
