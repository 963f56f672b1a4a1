/** What an increment makes of what is stored; the Redis instances do the same in a script. */
export type Counted =
  | { readonly total: number; readonly endsAt: number }
  | { readonly refused: 'not-a-number' | 'out-of-range' }

export interface StoredText {
  readonly text: string
  readonly endsAt: number
}

/**
 * A bare integer keeps its life; an envelope with a safe integer becomes a bare integer that lives as long as it was
 * valid; one that says there is nothing counts as nothing.
 */
export const countUp = (stored: StoredText | undefined, by: number, endsAt: number, now: number): Counted => {
  if (stored === undefined) return { total: by, endsAt }
  if (/^(0|-?[1-9]\d*)$/.test(stored.text)) return sum(Number(stored.text), by, stored.endsAt)
  const envelope = parsed(stored.text)
  if (envelope === undefined) return { refused: 'not-a-number' }
  const { value, expires, meta } = envelope
  const isOver = typeof expires === 'number' && expires <= now
  if (isOver || (value === undefined && meta?.n === 1)) return { total: by, endsAt }
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) return { refused: 'not-a-number' }
  return sum(value, by, typeof expires === 'number' ? Math.min(stored.endsAt, expires) : stored.endsAt)
}

const sum = (before: number, by: number, endsAt: number): Counted => {
  const total = before + by
  return Number.isSafeInteger(before) && Number.isSafeInteger(total) ? { total, endsAt } : { refused: 'out-of-range' }
}

interface Envelope {
  readonly value?: unknown
  readonly expires?: unknown
  readonly meta?: { readonly n?: unknown } | null
}

const parsed = (text: string): Envelope | undefined => {
  try {
    const envelope: unknown = JSON.parse(text)
    return typeof envelope === 'object' && envelope !== null ? envelope : undefined
  } catch {
    return undefined // Not JSON is not a counter either.
  }
}
