/** Whether other processes send each category to the same places as this one. */
export interface RoutingWatch {
  /** What another process says of itself. */
  heed(processId: string, routing: string): void
  /** Those that were seen to differ a moment ago. */
  others(): readonly string[]
}

interface RoutingWatchOptions {
  /** Hash of our routing table. */
  readonly own: string
  /** Hears of each of them once. */
  readonly onOther: (processId: string) => void
  readonly now: () => number
}

/** ms for which a process counts that isn't seen any more: some signs of life may be missed. */
const SEEN = 5_000

export const createRoutingWatch = ({ own, onOther, now }: RoutingWatchOptions): RoutingWatch => {
  const seen = new Map<string, number>()
  return {
    heed: (processId, routing) => {
      // One of another version says nothing that can be compared.
      if (routing === '' || routing === own) return
      const isNew = !seen.has(processId)
      seen.set(processId, now())
      if (isNew) onOther(processId)
    },
    others: () => [...seen].flatMap(([processId, at]) => (now() - at <= SEEN ? [processId] : [])),
  }
}
