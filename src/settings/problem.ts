/**
 * Why an input was refused, and what to write instead. Safe to print: it never repeats text that may be a secret.
 * A class, so that no object from outside can be taken for one.
 */
export class Problem {
  /** Makes the type nominal: a look-alike doesn't compile. */
  readonly #brand = true

  constructor(readonly problem: string) {}

  static is(result: unknown): result is Problem {
    return typeof result === 'object' && result !== null && #brand in result
  }
}
