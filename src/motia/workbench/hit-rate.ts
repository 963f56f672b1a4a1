/** 0 to 1, of keys that were read: a call may read many, or ask only whether one is there. Undefined: none was read. */
export const hitRate = (of: readonly { readonly hits: number; readonly stale: number; readonly misses: number }[]) => {
  let found = 0
  let missed = 0
  for (const { hits, stale, misses } of of) {
    found += hits + stale
    missed += misses
  }
  return found + missed === 0 ? undefined : found / (found + missed)
}
