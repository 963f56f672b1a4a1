/** Interleaved rounds, so that what the machine does meanwhile hits every contender alike; figures are medians. */
export interface Contender {
  readonly name: string
  /** One operation; `i` counts up. */
  run(i: number): Promise<unknown>
}

export interface Result {
  readonly name: string
  readonly perSecond: number
  /** Against the first contender: the median of the rounds' ratios, since what slows one round slows both. */
  readonly ratio: number
}

const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}

const round = async (contender: Contender, inFlight: number, ms: number): Promise<number> => {
  const end = performance.now() + ms
  let done = 0
  let next = 0
  const worker = async (): Promise<void> => {
    while (performance.now() < end) {
      await contender.run(next++)
      done++
    }
  }
  const started = performance.now()
  await Promise.all(Array.from({ length: inFlight }, worker))
  return (done / (performance.now() - started)) * 1000
}

export const compare = async (
  contenders: readonly Contender[],
  options: { readonly inFlight: number; readonly rounds?: number; readonly ms?: number },
): Promise<Result[]> => {
  const { inFlight, rounds = 41, ms = 60 } = options
  const figures = contenders.map((): number[] => [])
  for (let r = -1; r < rounds; r++) {
    // The order turns with each round; round -1 warms up and is not counted.
    for (let c = 0; c < contenders.length; c++) {
      const index = (c + r + 1) % contenders.length
      const contender = contenders[index]
      if (contender === undefined) continue
      const perSecond = await round(contender, inFlight, ms)
      if (r >= 0) figures[index]?.push(perSecond)
    }
  }
  const base = figures[0] ?? []
  return contenders.map(({ name }, i) => {
    const own = figures[i] ?? []
    return { name, perSecond: median(own), ratio: median(own.map((perSecond, r) => perSecond / (base[r] ?? 0))) }
  })
}

/** What is said of a goal. One that is missed fails the bench, so that it can't be overlooked. */
export const judged = (met: boolean): 'met' | 'MISSED' => {
  if (!met) process.exitCode = 1
  return met ? 'met' : 'MISSED'
}

/** Where a call fails, on a starved machine, that measure is missed; the others go on. */
export const measured = async (what: string, measure: () => Promise<void>): Promise<void> => {
  try {
    await measure()
  } catch (error) {
    console.log(`  ${what}: ${judged(false)}, it failed: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** Says how a figure stands to its goal, which it has to reach. */
export const printGoal = (what: string, figure: number, goal: number, unit = 'x'): void => {
  const [is, wanted] = [`${figure.toFixed(2)}${unit}`, `${goal.toFixed(2)}${unit}`]
  console.log(`  ${what}: ${is} (goal: ${wanted}) ${judged(figure >= goal)}`)
}

export const printTable = (title: string, results: readonly Result[]): void => {
  console.log(`\n${title}`)
  for (const { name, perSecond, ratio } of results)
    console.log(
      `  ${name.padEnd(44)} ${Math.round(perSecond).toLocaleString('en').padStart(10)} /s  ${ratio.toFixed(2)}x`,
    )
}
