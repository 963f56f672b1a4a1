/** One line of a chart. */
export interface Line {
  readonly name: string
  /** A custom property of the panel's colours: '--mr-info'. */
  readonly colour: string
  readonly values: readonly (number | undefined)[]
}
