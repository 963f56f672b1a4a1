import { afterAll, expect, it } from 'vitest'
import { expectNothingUnhandled } from '../support/unhandled.ts'
import type { Fault } from './fault.ts'
import { type Row, runRow } from './row.ts'

/** ms, besides what a fault takes longer. */
const TIMEOUT = 60_000
/** ms: where hardly anybody calls, and the server says nothing. The bench looks closer: `npm run bench -- outage`. */
const NOTICED = 1_500

/** The fault matrix in one mode. `CHAOS_TABLE=1` prints what was seen. */
export const defineMatrix = (how: 'idle' | 'load', faults: readonly Fault[]): void => {
  expectNothingUnhandled()
  const table: Record<string, unknown>[] = []
  afterAll(() => {
    if (process.env.CHAOS_TABLE) console.table(table)
  })

  for (const fault of faults) {
    if (how === 'load' && fault.idleOnly) continue
    const skip = fault.skip?.()
    // Those that stop the event loop stop everybody's.
    const concurrent = how === 'idle' && fault.alone !== true
    it(`${fault.name}${skip === undefined ? '' : ` (${skip})`}`, {
      concurrent,
      skip: skip !== undefined,
      timeout: TIMEOUT + 2 * (fault.back ?? 0),
    }, async () => {
      const row = await runRow(fault, how)
      table.push(line(fault.name, row))
      const { shows = 'down', fails = [] } = fault

      expect(row.violations.map(({ promise, text }) => `${promise}: ${text}`)).toEqual([])
      expect(Object.keys(row.errors)).toEqual(expect.arrayContaining([...fails]))
      expect(row.seen, 'states').toEqual(expect.arrayContaining(must(fault, how)))
      if (must(fault, how).length > 0) expect(row.noticed, 'noticed').toBeLessThanOrEqual(NOTICED)
      if (!row.starved) expect([...allowed[shows]], 'states').toEqual(expect.arrayContaining([...row.seen]))
      expect(row.falls).toBeLessThanOrEqual(4)
      for (const kind of ['cached', 'kept'] as const) {
        const about = [kind, ...row.unserved].join(', ')
        const right = [...(fault.serves?.[kind] ?? [servedWhile[shows]]), ...(row.starved ? elsewhere : [])]
        expect(right, about).toContain(row.served[kind])
      }
      expect(row.back, JSON.stringify(row.health.instances, undefined, 1)).toBeDefined()
      expect(row.left).toEqual([])
    })
  }
}

type Shows = NonNullable<Fault['shows']>

/** What health may show of the primary at all. */
const allowed: Readonly<Record<Shows, readonly string[]>> = {
  nothing: ['up'],
  unwritable: ['unwritable', 'up'],
  'unwritable at most': ['unwritable', 'up'],
  down: ['down', 'catching-up', 'unwritable', 'up'],
}
/** What is honest where it seems to be away. */
const elsewhere = ['primary, degraded', 'secondary, degraded']
const must = ({ shows = 'down', must }: Fault, how: 'idle' | 'load'): string[] => {
  const state = must?.[how] ?? shows
  return state === 'down' || state === 'unwritable' ? [state] : []
}

/** Where what was written meanwhile is read from. */
const servedWhile: Readonly<Record<Shows, string>> = {
  nothing: 'primary',
  unwritable: 'secondary, degraded',
  'unwritable at most': 'primary',
  down: 'secondary, degraded',
}

const line = (
  fault: string,
  { calls, errors, longest, noticed, seen, starved, falls, served, back, atHome: home, violations, left }: Row,
) => ({
  fault,
  calls,
  errors: Object.entries(errors)
    .map(([kind, { count }]) => `${count} ${kind}`)
    .join(', '),
  longest: `${Math.round(longest.ms)} ms ${longest.op}`,
  over: Math.round(longest.over),
  noticed: noticed === undefined ? '' : Math.round(noticed),
  seen: `${seen.join(' ')}${starved ? ' (starved)' : ''}`,
  falls,
  served: `${served.cached} / ${served.kept}`,
  back: back === undefined ? 'never' : Math.round(back),
  'at home': `${home.present}/${home.keys}`,
  violations: violations.length,
  left: left.length,
})
