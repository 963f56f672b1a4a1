/** Numbers of the last hour, minute by minute, in a fixed place. */
export interface MinuteRows {
  add(field: number, many: number): void
  /** Where the running minute begins in `numbers`: for who counts several things at once. */
  turn(): number
  readonly numbers: Numbers
  /** Oldest first; the last one is still running. Minutes in which nothing happened are there, too. */
  rows(): { readonly at: number; readonly numbers: Numbers }[]
}

type Numbers = Uint32Array | Float64Array

const KEPT = 60

/** `width`: how many numbers a minute has. `now`: epoch ms. `make`: what holds them. */
export const createMinuteRows = (
  width: number,
  now: () => number,
  make: (length: number) => Numbers = (length) => new Uint32Array(length),
): MinuteRows => {
  const first = Math.floor(now() / 60_000)
  const numbers = make(KEPT * width)
  let current = first
  let row = 0
  let next = (first + 1) * 60_000

  /** Moves on to the minute it is; the minutes between had nothing. A clock that is set back stays where it was. */
  const turn = (): number => {
    const time = now()
    if (time < next) return row * width
    const minute = Math.floor(time / 60_000)
    const steps = Math.min(KEPT, minute - current)
    for (let step = 0; step < steps; step++) {
      row = (row + 1) % KEPT
      numbers.fill(0, row * width, (row + 1) * width)
    }
    current = minute
    next = (minute + 1) * 60_000
    return row * width
  }
  const rowOf = (minute: number): Numbers => {
    const begin = (((row - (current - minute)) % KEPT) + KEPT) % KEPT
    return numbers.subarray(begin * width, (begin + 1) * width)
  }
  return {
    turn,
    numbers,
    add: (field, many) => {
      const at = turn() + field
      numbers[at] = (numbers[at] ?? 0) + many
    },
    rows: () => {
      turn()
      const oldest = Math.max(first, current - KEPT + 1)
      return Array.from({ length: current - oldest + 1 }, (_, at) => ({
        at: (oldest + at) * 60_000,
        numbers: rowOf(oldest + at),
      }))
    },
  }
}
