/** Above this many bytes a value would hold up the small ones behind it. */
const LARGE = 64 * 1024
const REMEMBERED = 1_000

export const isLarge = (text: string): boolean =>
  // A UTF-16 unit is at most 3 bytes of UTF-8, so most texts are decided by their length alone.
  text.length > LARGE || (text.length * 3 > LARGE && Buffer.byteLength(text) > LARGE)

/** A bounded memory of the keys whose values were large when last seen. */
export interface LargeKeys {
  has(key: string): boolean
  seen(key: string, text: string): void
}

export const createLargeKeys = (): LargeKeys => {
  const keys = new Set<string>()
  return {
    has: (key) => keys.size > 0 && keys.has(key),
    seen: (key, text) => {
      if (!isLarge(text)) {
        if (keys.size > 0) keys.delete(key)
        return
      }
      keys.delete(key)
      keys.add(key)
      if (keys.size <= REMEMBERED) return
      // A Set keeps the order of insertion: the first is the one not seen for longest.
      for (const oldest of keys) {
        keys.delete(oldest)
        break
      }
    },
  }
}
