import type { EmbeddedDatabase } from './database.js'

/**
 * When many keys changed at once: a tag was invalidated, a scope cleared. Each moment is higher than all before. To be
 * used inside a transaction.
 */
export interface Moments {
  /** Of all of them. */
  last(): number
  /** Now. */
  mark(fields: readonly string[]): void
  /** Any of them after `since`. */
  later(fields: readonly string[], since: number): boolean
}

/** ms that moments are kept: longer than anybody computes. */
const KEPT = 24 * 60 * 60_000

/** `prefix`: what their keys begin with. */
export const momentsIn = ({ tables, keyOf }: EmbeddedDatabase, prefix: string): Moments => {
  const read = (field: string): number => Number(tables.entries.get(keyOf(prefix + field))?.[1] ?? 0)
  return {
    last: () => read(''),
    mark: (fields) => {
      if (fields.length === 0) return
      // Epoch µs, so that it grows although what is no longer kept goes.
      const moment = Math.max(Date.now() * 1_000, read('') + 1)
      for (const field of ['', ...fields]) {
        tables.entries.putSync(keyOf(prefix + field), [Date.now() + KEPT, String(moment)])
      }
    },
    later: (fields, since) => fields.some((field) => read(field) > since),
  }
}
