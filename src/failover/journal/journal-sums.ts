import { countUp } from '../../embedded/counter.js'
import { within } from '../../embedded/database.js'
import { type DeltaEntry, deltasOf, type Scope } from './journal-entries.js'
import type { JournalTables, Sum } from './journal-files.js'

/** What the increments that wait for one counter make together. */
export interface Added {
  readonly all: number
  /** Only of those under which a counter that isn't there would live now; undefined: there are none. */
  readonly live: number | undefined
}

/** Numbers that were too large once may have lost their last digits. */
const LOST = Number.POSITIVE_INFINITY

const counts = (by: number): number => (Number.isSafeInteger(by) ? by : LOST)

/** One more waits (1), or one fewer (-1). Inside a transaction. */
export const countDelta = ({ sums }: JournalTables, instance: string, delta: DeltaEntry, sign: 1 | -1): void => {
  const { by, endsAt } = delta
  const place = deltasOf(instance, delta.scope, delta.key)
  const [count, sum, earliest, latest]: Sum = sums.get(place) ?? [0, 0, endsAt, endsAt]
  if (count + sign <= 0) sums.removeSync(place)
  else {
    const total = counts(sum + sign * by)
    sums.putSync(place, [count + sign, total, Math.min(earliest, endsAt), Math.max(latest, endsAt)])
  }
}

export const readDeltas = ({ records }: JournalTables, instance: string, scope: Scope, key: string): DeltaEntry[] => {
  const deltas: DeltaEntry[] = []
  for (const { value } of records.getRange(within(deltasOf(instance, scope, key)))) {
    if (value[3].kind === 'delta') deltas.push(value[3])
  }
  return deltas
}

/** Each is read only where their sum doesn't tell: some have ended and some haven't, or it was too large. */
export const addedBy = ([, sum, earliest, latest]: Sum, read: () => readonly DeltaEntry[], now: number): Added => {
  const known = Number.isSafeInteger(sum)
  if (known && earliest > now) return { all: sum, live: sum }
  if (known && latest <= now) return { all: sum, live: undefined }
  const deltas = read()
  const live = deltas.filter(({ endsAt }) => endsAt > now)
  return { all: total(deltas), live: live.length === 0 ? undefined : total(live) }
}

const total = (deltas: readonly DeltaEntry[]): number => deltas.reduce((sum, { by }) => sum + by, 0)

/** A counter with the increments that are not in it yet. What is no counter stays as it is. */
export const counted = (text: string | undefined, added: Added | undefined, now: number): string | undefined => {
  const by = text === undefined ? added?.live : added?.all
  if (by === undefined) return text
  const outcome = countUp(text === undefined ? undefined : { text, endsAt: now }, by, now, now)
  return 'total' in outcome ? String(outcome.total) : text
}
