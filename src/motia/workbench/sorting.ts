export interface Sorting {
  /** A column's id. */
  readonly by: string
  readonly down: boolean
}

/** A copy in order. What isn't known comes last either way; rows that are equal stay as they were. */
export const sorted = <Row>(
  rows: readonly Row[],
  by: (row: Row) => number | string | undefined,
  down: boolean,
): readonly Row[] =>
  rows
    .map((row) => ({ row, value: by(row) }))
    .sort((a, b) => {
      if (a.value === undefined || b.value === undefined)
        return Number(a.value === undefined) - Number(b.value === undefined)
      return down ? compare(b.value, a.value) : compare(a.value, b.value)
    })
    .map(({ row }) => row)

const compare = (a: number | string, b: number | string): number =>
  typeof a === 'number' && typeof b === 'number' ? a - b : `${a}`.localeCompare(`${b}`, 'en', { numeric: true })
