/**
 * The same question, asked at most every so many ms however many want to know; those who come meanwhile share the last
 * answer, also one that is still on its way. `elapsed`: monotonic ms.
 */
export const seldom = <T>(every: number, ask: () => Promise<T>, elapsed: () => number): (() => Promise<T>) => {
  let asked = Number.NEGATIVE_INFINITY
  let answer: Promise<T> | undefined
  return () => {
    if (answer !== undefined && elapsed() - asked < every) return answer
    asked = elapsed()
    answer = ask()
    return answer
  }
}
