/** " (did you mean 'menu'?)" for the nearest known word, or '' when none is near. */
export const didYouMean = (word: string, known: Iterable<string>): string => {
  const found = nearest(word, known)
  return found === undefined ? '' : ` (did you mean '${found}'?)`
}

/** The known word the fewest slips away, if that is few for its length, and at most `most`. */
export const nearest = (word: string, known: Iterable<string>, most = 3): string | undefined => {
  let best: { word: string; slips: number } | undefined
  for (const candidate of known) {
    const allowed = Math.min(most, Math.ceil(Math.max(word.length, candidate.length) / 4))
    if (Math.abs(word.length - candidate.length) > allowed) continue
    const slips = slipsBetween(word.toLowerCase(), candidate.toLowerCase())
    if (slips <= allowed && (best === undefined || slips < best.slips)) best = { word: candidate, slips }
  }
  return best?.word
}

/** Edit distance in which swapping two neighbours ('meun') counts as one slip. */
const slipsBetween = (a: string, b: string): number => {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = at(last, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1)
      let slips = Math.min(replaced, at(last, j) + 1, at(row, j - 1) + 1)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        slips = Math.min(slips, at(beforeLast, j - 2) + 1)
      row.push(slips)
    }
    beforeLast = last
    last = row
  }
  return at(last, b.length)
}

const at = (row: readonly number[], index: number): number => row[index] ?? Number.POSITIVE_INFINITY
