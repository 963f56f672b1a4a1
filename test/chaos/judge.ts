import { type CheckOptions, check, type Violation } from './checker.ts'
import { type FinalOptions, readFinal } from './final.ts'
import { type Call, isRead } from './history.ts'
import { isKept, isKeptCounter } from './places.ts'

export interface JudgeOptions extends Omit<CheckOptions, 'kept' | 'keptCounter'> {
  readonly urls: FinalOptions['urls']
  /** Of the calls those whose answers count. @default all */
  readonly reads?: (call: Call) => boolean
}

/** What callers were told, against what lies at home and on the mirror now that everything has healed. */
export const judge = async (calls: readonly Call[], { urls, reads, ...options }: JudgeOptions) => {
  const home = await readFinal(calls, { urls })
  const mirror = await readFinal(calls, { urls, of: 'mirror' })
  const writes = calls
    .filter((call) => !isRead(call))
    .map((call): Call => (call.does === 'add' ? { ...call, total: undefined } : call))
  const judged = reads === undefined ? calls : calls.filter((call) => !isRead(call) || reads(call))
  // What the calls themselves did wrong was said above; and the mirror of a counter is as near as it can be, never more.
  const ofMirror: CheckOptions = { kept: isKept, mayShrink: () => true, slack: Number.POSITIVE_INFINITY }
  const violations: Violation[] = [
    ...check({ calls: judged, final: home }, { ...options, kept: isKept, keptCounter: isKeptCounter }),
    ...check({ calls: writes, final: mirror }, ofMirror).map((violation) => ({
      ...violation,
      text: `on the mirror: ${violation.text}`,
    })),
  ]
  return { violations, home }
}
