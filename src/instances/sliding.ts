const REMEMBERED = 10_000
/** A group's life is never shorter than its ttl by more than this, in ms, and never by more than 1 %. */
const MOST = 60_000

/** Which groups this process gave their ttl a moment ago: they needn't get it again with each write. */
export interface Sliding {
  due(group: string, ttl: number | false): boolean
  done(group: string, ttl: number | false): void
}

export const createSliding = (now: () => number = () => performance.now()): Sliding => {
  const slid = new Map<string, { readonly ttl: number | false; readonly at: number }>()
  return {
    due: (group, ttl) => {
      const last = slid.get(group)
      if (last === undefined || last.ttl !== ttl) return true
      return now() - last.at >= (ttl === false ? MOST : Math.min(MOST, ttl / 100))
    },
    done: (group, ttl) => {
      slid.delete(group)
      slid.set(group, { ttl, at: now() })
      if (slid.size <= REMEMBERED) return
      // A Map keeps the order of insertion: the first is the one that slid longest ago.
      for (const oldest of slid.keys()) {
        slid.delete(oldest)
        break
      }
    },
  }
}
