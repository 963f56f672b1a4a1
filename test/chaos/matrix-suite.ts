import { afterAll, expect, it } from 'vitest'
import { expectNothingUnhandled } from '../support/unhandled.ts'
import type { Fault } from './faults.ts'
import type { Call } from './history.ts'
import { type Row, runRow } from './row.ts'

/** The fault matrix in one mode. `CHAOS_TABLE=1` prints what was seen. */
export const defineMatrix = (how: 'idle' | 'load', faults: readonly Fault[]): void => {
  expectNothingUnhandled()
  const table: Record<string, unknown>[] = []
  afterAll(() => {
    if (process.env.CHAOS_TABLE) console.table(table)
  })

  for (const fault of faults) {
    const skip = fault.skip?.()
    // Those that stop the event loop stop everybody's.
    const concurrent = how === 'idle' && fault.alone !== true
    it(`${fault.name}${skip === undefined ? '' : ` (${skip})`}`, { concurrent, skip: skip !== undefined }, async () => {
      const row = await runRow(fault, how)
      table.push(line(fault.name, row))
      const { shows = 'down' } = fault

      expect(row.wrongErrors.map(shown)).toEqual([])
      expect(row.violations.map(({ promise, text }) => `${promise}: ${text}`)).toEqual([])
      if (shows === 'nothing') expect(row.seen).toEqual([])
      else if (shows !== 'whatever') expect(row.seen).toContain(shows)
      expect(row.back, JSON.stringify(row.health.instances, undefined, 1)).toBeDefined()
      expect(row.left).toEqual([])
    })
  }
}

const line = (fault: string, { calls, errors, longest, noticed, seen, back, atHome, violations, left }: Row) => ({
  fault,
  calls,
  errors: Object.entries(errors)
    .map(([kind, { count }]) => `${count} ${kind}`)
    .join(', '),
  longest: `${Math.round(longest.ms)} ms ${longest.op}`,
  over: Math.round(longest.over),
  noticed: noticed === undefined ? '' : Math.round(noticed),
  seen: seen.join(' '),
  back: back === undefined ? 'never' : Math.round(back),
  'at home': `${atHome.present}/${atHome.keys}`,
  violations: violations.length,
  left: left.length,
})

const shown = (call: Call): string => {
  const what = call.does === 'clear' ? call.scope : call.key
  return `${call.op} ${what}, ${Math.round(call.ended - call.began)} ms: ${call.code}, ${call.outcome}: ${call.reason}`
}
