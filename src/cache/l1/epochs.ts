/**
 * Whether anything happened to a key since a read of it was sent. An epoch exists only while such a read is on its way,
 * so that the changes of a whole Redis leave nothing behind here.
 */
export interface Epochs {
  /** A read of the key is sent now. `end` must follow. */
  begin(key: string): Epoch
  /** The read is over: nothing happened to the key since `begin`. */
  end(key: string, epoch: Epoch): boolean
  /** Something happened to the key, or may have. */
  raise(key: string): void
  raiseAll(): void
}

export interface Epoch {
  /** Reads that began in it and are still on their way. */
  reads: number
}

export const createEpochs = (): Epochs => {
  const current = new Map<string, Epoch>()
  return {
    begin: (key) => {
      const epoch = current.get(key)
      if (epoch !== undefined) {
        epoch.reads++
        return epoch
      }
      const fresh = { reads: 1 }
      current.set(key, fresh)
      return fresh
    },
    end: (key, epoch) => {
      const unchanged = current.get(key) === epoch
      epoch.reads--
      if (unchanged && epoch.reads === 0) current.delete(key)
      return unchanged
    },
    raise: (key) => {
      if (current.size > 0) current.delete(key)
    },
    raiseAll: () => current.clear(),
  }
}
