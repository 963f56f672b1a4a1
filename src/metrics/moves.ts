import type { TiersEmitter } from '../events.js'

/** How often each category moved away from home, and back, since the start. */
export interface Moves {
  readonly failover: ReadonlyMap<string, number>
  readonly failback: ReadonlyMap<string, number>
}

export const countMoves = ({ on }: Pick<TiersEmitter, 'on'>): Moves => {
  const counted = (event: 'failover' | 'failback'): Map<string, number> => {
    const counts = new Map<string, number>()
    on(event, ({ category }) => void counts.set(category, (counts.get(category) ?? 0) + 1))
    return counts
  }
  return { failover: counted('failover'), failback: counted('failback') }
}
