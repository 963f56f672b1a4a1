/**
 * Waits for a condition (also one that throws meanwhile), never for a span of time. Rejects with what was last seen.
 * `limit`: ms to wait at most. `every`: ms between two looks; more where a look costs what is waited for its time.
 */
export const until = async <T>(
  what: string,
  look: () => T | Promise<T>,
  limit = 10_000,
  every = 5,
): Promise<Exclude<T, undefined | null | false>> => {
  const giveUpAt = Date.now() + limit
  let last: unknown
  for (;;) {
    try {
      const seen = await look()
      if (seen !== undefined && seen !== null && seen !== false) return seen as Exclude<T, undefined | null | false>
      last = seen
    } catch (error) {
      last = error
    }
    if (Date.now() > giveUpAt) throw new Error(`waited ${limit} ms for: ${what}`, { cause: last })
    await new Promise((resolve) => setTimeout(resolve, every))
  }
}
