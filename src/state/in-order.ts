/**
 * Does the work for each thing, so many at once, and answers in the order of the things. After a rejection nothing
 * new is begun. (p-limit would be a dependency for these lines.)
 */
export const inOrder = async <T, R>(
  things: readonly T[],
  atOnce: number,
  work: (thing: T) => Promise<R>,
): Promise<R[]> => {
  const results: R[] = []
  const left = things.entries()
  let failed = false
  const worker = async (): Promise<void> => {
    for (const [index, thing] of left) {
      if (failed) return
      try {
        results[index] = await work(thing)
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, things.length) }, worker))
  return results
}
